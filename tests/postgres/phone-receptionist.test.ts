import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { applyMigration, planMigration, rollbackMigration, verifyMigration } from 'tenantry/migrate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  allCustomers,
  callAnalytics,
  createProduct,
  type Product,
  takeCall,
} from '../../examples/migrations/phone-receptionist/application.ts';
import { receptionistToSaas } from '../../examples/migrations/phone-receptionist/definition.ts';
import { generateReceptionist } from '../../examples/migrations/phone-receptionist/generate.ts';
import { legacyTables, type ReceptionistDatabase } from '../../examples/migrations/phone-receptionist/legacy-schema.ts';
import { open, sealTwilioTokens, twilioPlace } from '../../examples/migrations/phone-receptionist/secrets.ts';
import { type Conversion, conversionOf, numberOf } from '../support/conversion.ts';
import { tableChecksums } from '../support/table-checksums.ts';

let conversion: Conversion<ReceptionistDatabase>;
beforeAll(async () => {
  conversion = await conversionOf<ReceptionistDatabase>((owner) => generateReceptionist(owner, { businesses: 200 }));
});
afterAll(() => conversion.destroy());

const count = (query: string): Promise<number> => numberOf(conversion.database.owner, query);
const owners = `(select distinct coalesce(nullif(lower(trim(owner_email)), ''), 'business ' || id) from businesses) as owners`;
const lostCalls = `calls c where not exists (select 1 from businesses b where b.id = c.business_id or b.phone_number = c.to_number)`;

/** The old application answers a call. */
async function answer(business: number | null, number: string | null, summary: string): Promise<void> {
  await conversion.old
    .insertInto('calls')
    .values({ business_id: business, to_number: number, started_at: new Date('2026-01-01T00:00:00Z'), summary })
    .execute();
}

describe('a single-tenant receptionist becomes a product', () => {
  let before: Record<string, string>;
  let product: Product;
  const key = createHash('sha256').update('a key of the test').digest();

  it('is planned: an organization for each owner, what leads to nobody set aside', async () => {
    const plan = await planMigration(conversion.database.owner, receptionistToSaas);
    expect(plan.tenants).toBe(await count(`select count(*) from ${owners}`));
    expect(plan.members).toBe(plan.tenants);
    const lost = await count(`select count(*) from ${lostCalls}`);
    expect(lost).toBeGreaterThan(0);
    expect(plan.tables.find(({ table }) => table === 'calls')?.unresolved.rows).toBe(lost);
  });

  it('is converted while the phone rings', async () => {
    const { owner } = conversion.database;
    await applyMigration(owner, receptionistToSaas, { to: 'expand' });
    await answer(4, null, 'live by business');
    await applyMigration(owner, receptionistToSaas, { to: 'backfill' });
    await answer(null, '+15550000005', 'live by number');
    expect(
      await count(`select count(*) from calls c join businesses b using (organization_id)
      where (c.summary, b.id) in (('live by business', 4), ('live by number', 5))`),
    ).toBe(2);
    await rollbackMigration(owner, receptionistToSaas);
    before = await tableChecksums(owner, legacyTables);
    await applyMigration(owner, receptionistToSaas, { to: 'switch' });
    await conversion.grant();
    expect((await verifyMigration(owner, receptionistToSaas)).checks.filter(({ status }) => status === 'fail')).toEqual(
      [],
    );
  });

  it('isolates every table, what was said in calls too', async () => {
    const open = await sql<{
      table: string;
    }>`select c.relname as table from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attname = 'organization_id' and not a.attisdropped
        and not (c.relrowsecurity and c.relforcerowsecurity)`.execute(conversion.database.owner);
    expect(open.rows).toEqual([]);
    expect(
      await count(`select count(*) from call_turns t join calls c on c.id = t.call_id
      where t.organization_id <> c.organization_id`),
    ).toBe(0);
  });

  it('runs the new application: calls count against the plan, and each customer sees its own', async () => {
    product = createProduct(conversion.database.app);
    const business = await sql<{
      organization_id: string;
    }>`select organization_id from businesses where id = 4`.execute(conversion.database.owner);
    const organization = business.rows[0]?.organization_id ?? '';
    const taken = [];
    for (let call = 0; call < 52; call += 1) {
      const at = new Date('2026-02-01T00:00:00Z');
      taken.push(takeCall(product, organization, { business: 4, from: '+1', to: '+15550000004', at }));
    }
    const results = await Promise.all(taken);
    expect(results.filter(({ ok }) => ok)).toHaveLength(50);
    const months = await callAnalytics(product, organization);
    expect(months.find(({ month }) => month === '2026-02')?.calls).toBe('50');
    const foreign = await sql<{
      organization_id: string;
    }>`select organization_id from businesses where organization_id <> ${organization} limit 1`.execute(
      conversion.database.owner,
    );
    const others = await callAnalytics(product, foreign.rows[0]?.organization_id ?? '');
    expect(others.find(({ month }) => month === '2026-02')).toBeUndefined();
    expect((await allCustomers(conversion.database.app)).length).toBe(await count(`select count(*) from ${owners}`));
  });

  it('lets every owner of a business sign in, and knows how far each set-up is', async () => {
    expect(await count('select count(*) from users')).toBe(
      await count(`select count(distinct lower(trim(owner_email))) from businesses where trim(owner_email) <> ''`),
    );
    expect(
      await count(
        `select count(*) from users u where not exists (select 1 from tenantry.members m where m.user_id = u.id)`,
      ),
    ).toBe(0);
    expect(
      await count(`select count(*) from onboarding_steps where step = 'twilio' and completed_at is null`),
    ).toBeGreaterThan(0);
  });

  it('goes back to the tables as they were, with the calls of the new application', async () => {
    const { owner } = conversion.database;
    const { kept } = await rollbackMigration(owner, receptionistToSaas);
    expect(kept.map(({ table }) => table)).toEqual(expect.arrayContaining(['users', 'onboarding_steps']));
    expect(await count(`select count(*) from calls where started_at = '2026-02-01T00:00:00Z'`)).toBe(50);
    await sql`delete from calls where started_at = '2026-02-01T00:00:00Z'`.execute(owner);
    expect(await tableChecksums(owner, legacyTables)).toEqual(before);
  });

  it('is converted again, and its secrets are sealed', async () => {
    const { owner } = conversion.database;
    await applyMigration(owner, receptionistToSaas, { to: 'switch' });
    const plain = await sql<{ id: number; token: string }>`select id, twilio_auth_token as token from businesses
      where twilio_auth_token is not null order by id`.execute(owner);
    expect(await sealTwilioTokens(owner, key)).toBe(plain.rows.length);
    expect(await count('select count(*) from businesses where twilio_auth_token is not null')).toBe(0);
    const sealed = await sql<{
      id: number;
      sealed: string;
    }>`select id, twilio_auth_token_sealed as sealed from businesses
      where twilio_auth_token_sealed is not null order by id`.execute(owner);
    expect(sealed.rows.map((row) => open(key, twilioPlace(row.id), row.sealed))).toEqual(
      plain.rows.map(({ token }) => token),
    );
    const [first] = sealed.rows;
    expect(() => open(key, twilioPlace(-1), first?.sealed ?? '')).toThrow();
  });
});
