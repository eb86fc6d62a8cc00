import { sql } from 'kysely';
import { type Application, withKey } from '../application.ts';
import { legacySecretOf } from '../generate.ts';
import { grouped } from '../print.ts';
import type { Story } from './story.ts';

/** An organization that the migration made, and an old key that opens its door. */
export interface KeyedOrganization {
  readonly tenantId: string;
  readonly secret: string;
}

/** Picks the organization with the most members whose subscription runs, enters it by an old key, and looks around. */
export async function enterOrganization(
  { owner, printer, promise }: Story,
  { access: gate }: Application,
): Promise<KeyedOrganization> {
  const { rows } = await sql<{
    tenant_id: string;
    name: string;
    customer_id: string;
    members: number;
    own: string;
    all: string;
  }>`
    select o.tenant_id, t.name, c.id as customer_id, o.seats_taken as members, (select count(*) from projects) as all,
      (select count(*) from projects p join customers pc on pc.id = p.customer_id where pc.tenant_id = o.tenant_id) as own
    from tenantry.organizations o
    join tenantry.tenants t on t.tenant_id = o.tenant_id
    join tenantry.api_keys k on k.tenant_id = o.tenant_id and k.revoked_at is null
    join tenantry.api_key_digests d on d.tenant_id = k.tenant_id and d.key_id = k.id
    join customers c on c.api_key_hash = d.digest
    where t.subscription_status in ('active', 'trialing')
    order by o.seats_taken desc, o.tenant_id, c.id limit 1`.execute(owner);
  const [row] = rows;
  if (row === undefined) throw new Error('no organization has a running subscription and a key');
  const secret = legacySecretOf(row.customer_id);
  const access = await gate.authenticate(withKey(secret));
  const scoped = await access.db
    .selectFrom('projects')
    .select((eb) => eb.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  const secured = await access.transaction((tx) =>
    tx
      .selectFrom('projects')
      .select((eb) => eb.fn.countAll().as('count'))
      .executeTakeFirstOrThrow(),
  );
  printer.say(
    `${secret.slice(0, 12)}… opens "${row.name.trim()}" with ${grouped(row.members)} members; ` +
      `it acts in the role "${access.role}", on plan "${access.plan}"`,
  );
  const seen = [Number(scoped.count), Number(secured.count)];
  promise(
    seen.every((count) => count === Number(row.own)),
    `it sees the ${grouped(Number(row.own))} projects of its organization and none of the other ` +
      grouped(Number(row.all) - Number(row.own)),
  );
  return { tenantId: row.tenant_id, secret };
}
