import { Kysely, PGliteDialect, sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { digestOf, makeToken, startOf } from '../../src/api-keys/token.ts';
import { type AnyDatabase, installSchema } from '../../src/database/index.ts';
import { schemaSteps } from '../../src/database/schema/steps.ts';
import { createTenantry, definePlans, hybridSeats } from '../../src/index.ts';
import { freshPglite } from '../support/pglite-image.ts';

type Catalogue = Readonly<Record<string, readonly string[]>>;

const db: AnyDatabase = new Kysely({ dialect: new PGliteDialect({ pglite: freshPglite }) });
const tenantId = '0199f3c2-8c1e-7000-8000-000000000001';
let fresh: Catalogue;

beforeAll(async () => {
  await installSchema(db);
  fresh = await catalogueOf(db);
});
beforeEach(async () => {
  await sql`drop schema if exists tenantry cascade`.execute(db);
});
afterAll(() => db.destroy());

it('numbers its steps without gaps', () => {
  expect(schemaSteps.map(({ version }) => version)).toEqual(schemaSteps.map((_, index) => index + 1));
});

it.each(schemaSteps.map(({ version, name }) => ({ version, name })))(
  'comes from version $version ($name) to the same schema as a fresh installation, with the rows that were there',
  async ({ version }) => {
    await installUpTo(version);
    await sql`insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
      values (${tenantId}, 'organization', 'Acme', 'free', '2026-01-01Z', '2026-01-01Z', '2026-01-01Z')`.execute(db);
    await sql`insert into tenantry.tenant_lookups (kind, value, tenant_id) values ('slug', 'acme', ${tenantId})`.execute(
      db,
    );
    const old = makeToken({ prefix: 'hc', environment: 'live' });
    if (version >= 3 && version < 18) await insertKey(old);

    const { applied } = await installSchema(db);
    expect(applied).toEqual(schemaSteps.slice(version).map(({ name }) => name));
    expect(await catalogueOf(db)).toEqual(fresh);

    const tenantry = createTenantry({
      db,
      plans: definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } }),
      strategy: hybridSeats({ plan: 'free' }),
      apiKeys: { prefix: 'hc' },
    });
    expect(await tenantry.tenancy.get(tenantId)).toMatchObject({ name: 'Acme', plan: 'free', status: 'active' });
    const { secret } = await tenantry.apiKeys.issue({ tenantId });
    const access = await tenantry.access.authenticate({ authorization: `Bearer ${secret}` });
    expect(await access.consume('calls', 1)).toMatchObject({ used: 1, remaining: 49 });
    expect(await tenantry.apiKeys.verify(old)).toMatchObject(
      version >= 3 && version < 18 ? { ok: true, key: { scopes: ['calls:*'] } } : { ok: false, reason: 'not_found' },
    );
    const { rows } = await sql<{
      ready: boolean;
    }>`select facts is not null as ready from tenantry.api_key_digests`.execute(db);
    expect(new Set(rows.map(({ ready }) => ready))).toEqual(new Set([true]));
  },
);

/** A key as a version before step 18 stored it. */
async function insertKey(secret: string): Promise<void> {
  await sql`insert into tenantry.api_keys (tenant_id, id, environment, start, scheme, scopes, created_at)
    values (${tenantId}, ${tenantId}, 'live', ${startOf(secret)}, 'sha256', '{calls:*}', '2026-01-01Z')`.execute(db);
  await sql`insert into tenantry.api_key_digests (digest, tenant_id, key_id)
    values (${digestOf(secret)}, ${tenantId}, ${tenantId})`.execute(db);
}

it('refuses a schema of a later version and leaves it as it is', async () => {
  await installSchema(db);
  const later = schemaSteps.length + 1;
  await sql`insert into tenantry.schema_versions values (${later}, 'later', '2026-01-01Z')`.execute(db);
  await expect(installSchema(db)).rejects.toMatchObject({
    code: 'schema_newer',
    details: { installed: later, known: schemaSteps.length },
  });
  expect(await catalogueOf(db)).toEqual(fresh);
});

/** What an earlier version of the library would have installed. */
async function installUpTo(version: number): Promise<void> {
  await sql`create schema tenantry`.execute(db);
  await sql`create table tenantry.schema_versions
    (version integer primary key, name text not null, applied_at timestamptz not null)`.execute(db);
  for (const step of schemaSteps.slice(0, version)) {
    for (const statement of step.statements) await sql.raw(statement).execute(db);
    await sql`insert into tenantry.schema_versions values (${step.version}, ${step.name}, '2026-01-01Z')`.execute(db);
  }
}

/** Everything that stands in the schema, as texts that name no internal number. */
async function catalogueOf(database: AnyDatabase): Promise<Catalogue> {
  const parts = {
    columns: sql<{ line: string }>`
      select format('%s.%s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
        case when attnotnull then 'not null' end, attidentity, pg_get_expr(adbin, adrelid)) as line
      from pg_attribute join pg_class c on c.oid = attrelid
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where relnamespace = 'tenantry'::regnamespace and relkind in ('r', 'p', 'v') and attnum > 0 and not attisdropped`,
    constraints: sql<{ line: string }>`
      select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as line
      from pg_constraint where connamespace = 'tenantry'::regnamespace`,
    indexes: sql<{ line: string }>`select indexdef as line from pg_indexes where schemaname = 'tenantry'`,
    policies: sql<{ line: string }>`
      select format('%s %s %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check) as line
      from pg_policies where schemaname = 'tenantry'`,
    relations: sql<{ line: string }>`
      select format('%s %s %s %s %s', oid::regclass, relkind, relrowsecurity, relforcerowsecurity, reloptions) as line
      from pg_class where relnamespace = 'tenantry'::regnamespace`,
    rights: sql<{ line: string }>`
      select format('%s %s', c.oid::regclass, acl) as line
      from pg_class c, unnest(relacl) acl where relnamespace = 'tenantry'::regnamespace
      union all select format('schema %s', acl) from pg_namespace, unnest(nspacl) acl where nspname = 'tenantry'`,
    columnRights: sql<{ line: string }>`
      select format('%s.%s %s', attrelid::regclass, attname, acl) as line
      from pg_attribute join pg_class c on c.oid = attrelid, unnest(attacl) acl
      where relnamespace = 'tenantry'::regnamespace`,
    functions: sql<{ line: string }>`
      select pg_get_functiondef(oid) || coalesce(proacl::text, '') as line from pg_proc
      where pronamespace = 'tenantry'::regnamespace`,
    triggers: sql<{ line: string }>`
      select pg_get_triggerdef(t.oid) as line from pg_trigger t join pg_class c on c.oid = tgrelid
      where relnamespace = 'tenantry'::regnamespace and not tgisinternal`,
    versions: sql<{ line: string }>`select format('%s %s', version, name) as line from tenantry.schema_versions
      where version <= ${schemaSteps.length}`,
  };
  const found: Record<string, readonly string[]> = {};
  for (const [part, query] of Object.entries(parts)) {
    const { rows } = await query.execute(database);
    found[part] = rows.map(({ line }) => line).sort();
  }
  return found;
}
