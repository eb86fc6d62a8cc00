import { sql } from 'kysely';
import {
  applyMigration,
  draftDefinition,
  inspectDatabase,
  planMigration,
  rollbackMigration,
  verifyMigration,
} from 'tenantry/migrate';
import { perOrg } from 'tenantry/tenancy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approve,
  availableVoucherTypes,
  createPlatform,
  grant,
  type Platform,
  purchase,
  vouchersOf,
} from '../../examples/migrations/therapy-vouchers/application.ts';
import { practiceToOrganizations } from '../../examples/migrations/therapy-vouchers/definition.ts';
import { generateTherapy } from '../../examples/migrations/therapy-vouchers/generate.ts';
import { legacyTables, type TherapyDatabase } from '../../examples/migrations/therapy-vouchers/legacy-schema.ts';
import { type Conversion, conversionOf, numberOf } from '../support/conversion.ts';
import { tableChecksums } from '../support/table-checksums.ts';

let conversion: Conversion<TherapyDatabase>;
beforeAll(async () => {
  conversion = await conversionOf<TherapyDatabase>((owner) => generateTherapy(owner, { users: 300 }));
});
afterAll(() => conversion.destroy());

const count = (query: string): Promise<number> => numberOf(conversion.database.owner, query);

/** The old application sells a voucher. */
async function sell(code: string, client: number, paid: boolean): Promise<void> {
  await conversion.old
    .insertInto('vouchers')
    .values({ code, client_id: client, total_sessions: 10, price: '399.99', paid })
    .execute();
}

describe('a practice becomes a platform', () => {
  let before: Record<string, string>;
  let platform: Platform;
  let organization: string;

  it('is drafted with what leads to a tenant, and asks where two ways lead to two', async () => {
    const inspection = await inspectDatabase(conversion.database.owner);
    const draft = draftDefinition(inspection, { name: 'practice', to: perOrg({ plan: 'practice' }) });
    expect(draft).toContain("source: 'users'");
    // A session names a therapist and, by its voucher, another: that is asked, with the query that shows the rows.
    expect(draft).toMatch(/\(must be answered\): \d+ of \d+ rows lead to one row of "users" by therapist_id/);
    expect(draft).toContain("vouchers: via('therapist_id', { unresolved: quarantine() })");
  });

  it('is planned: one organization, every user a member, vouchers of nobody set aside', async () => {
    const plan = await planMigration(conversion.database.owner, practiceToOrganizations);
    expect(plan).toMatchObject({ tenants: 1, members: 300 });
    const lost = await count(`select count(*) from vouchers v where therapist_id is null
      and not exists (select 1 from users u where u.id = v.client_id)`);
    expect(plan.tables.find(({ table }) => table === 'vouchers')?.unresolved.rows).toBe(lost);
  });

  it('is converted while the old application sells vouchers', async () => {
    const { owner } = conversion.database;
    await sell('LIVE-0', 40, true);
    before = await tableChecksums(owner, legacyTables);
    await applyMigration(owner, practiceToOrganizations, { to: 'expand' });
    await conversion.grant();
    await sell('LIVE-1', 41, true);
    await applyMigration(owner, practiceToOrganizations, { to: 'backfill' });
    await sell('LIVE-2', 42, false);
    await conversion.old.updateTable('vouchers').set({ paid: true }).where('code', '=', 'LIVE-2').execute();
    expect(
      await count(`select count(*) from payment_transactions p join vouchers v on v.id = p.voucher_id
      where v.code like 'LIVE-%' and p.organization_id = v.organization_id and p.amount = 399.99`),
    ).toBe(3);
    expect(
      (await verifyMigration(owner, practiceToOrganizations)).checks.filter(({ status }) => status === 'fail'),
    ).toEqual([]);
    await applyMigration(owner, practiceToOrganizations, { to: 'switch' });
    await conversion.grant();
  });

  it("answers the plan's own verification queries", async () => {
    const { owner } = conversion.database;
    expect(await count('SELECT COUNT(*) as org_count FROM organizations')).toBe(1);
    expect(await count('SELECT COUNT(*) as users_without_org FROM users WHERE organization_id IS NULL')).toBe(0);
    expect(await count('SELECT COUNT(*) as voucher_type_count FROM voucher_types')).toBe(3);
    const trail = await sql<{ new_values: { users: number } }>`
      SELECT * FROM audit_logs WHERE action = 'migration' ORDER BY created_at DESC LIMIT 1`.execute(owner);
    expect(trail.rows[0]?.new_values.users).toBe(300);
    const constraints = await sql<{ conname: string }>`SELECT conname, contype, conrelid::regclass FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text LIKE '%organizations%'`.execute(owner);
    expect(constraints.rows.map(({ conname }) => conname)).toContain('organizations_pkey');
  });

  it('has the organization, the roles and the approvals that it should', async () => {
    const found = await sql<{ tenant_id: string; name: string; slug: string }>`
      select t.tenant_id, t.name, o.slug from tenantry.tenants t join tenantry.organizations o using (tenant_id)`.execute(
      conversion.database.owner,
    );
    expect(found.rows).toMatchObject([{ name: 'Default Organization', slug: 'default-org' }]);
    organization = found.rows[0]?.tenant_id ?? '';
    const roles = await sql<{
      role: string;
      people: number;
    }>`select role, count(*)::integer as people from tenantry.members
      group by role order by role`.execute(conversion.database.owner);
    expect(roles.rows.map(({ role }) => role)).toEqual(['client', 'owner', 'staff', 'therapist']);
    expect(roles.rows.reduce((sum, { people }) => sum + people, 0)).toBe(300);
    expect(
      await count(`select count(*) from tenantry.members m join users u on u.id::text = m.user_id
      where (m.status = 'pending') <> (u.is_active and not u.is_approved)`),
    ).toBe(0);
  });

  it('runs the new application, and no organization sees another', async () => {
    platform = createPlatform(conversion.database.app);
    const types = await availableVoucherTypes(platform, organization);
    expect(types.map(({ name, price, backup_sessions: backup }) => [name, price, backup])).toEqual([
      ['Standard Individual Therapy', '399.99', 2],
      ['Group Therapy Package', '199.99', 2],
      ['Intensive Daily Sessions', '799.99', 4],
    ]);
    const bought = await purchase(platform, organization, 50, types[0]?.id ?? 0);
    expect((await vouchersOf(platform, organization, 50)).map(({ code }) => code)).toContain(bought.code);
    await approve(platform, organization, 60, 1);
    await grant(platform, organization, 2, 'manage_vouchers', 1);
    const other = await platform.organizations.create({ name: 'Second Practice', owner: { userId: '9001' } });
    expect(await availableVoucherTypes(platform, other.tenantId)).toEqual([]);
    expect(await vouchersOf(platform, other.tenantId, 50)).toEqual([]);
    await expect(purchase(platform, other.tenantId, 50, types[0]?.id ?? 0)).rejects.toThrow();
  });

  it('goes back: the legacy tables hold what they held and what was written since, the rest is kept', async () => {
    const { owner } = conversion.database;
    const { kept } = await rollbackMigration(owner, practiceToOrganizations);
    const tables = kept.map(({ table }) => table);
    expect(tables).toEqual(expect.arrayContaining(['voucher_types', 'permissions', 'audit_logs', 'organizations']));
    expect(await count(`select count(*) from vouchers where code in ('LIVE-1', 'LIVE-2')`)).toBe(2);
    expect(await count(`select count(*) from users where id = 60 and is_approved`)).toBe(1);
    await sql`delete from vouchers where code in ('LIVE-1', 'LIVE-2') or id > (select id from vouchers where code = 'LIVE-0')`.execute(
      owner,
    );
    const after = await tableChecksums(owner, legacyTables);
    expect({ ...after, users: '' }).toEqual({ ...before, users: '' });
    expect(
      await count(
        `select count(*) from information_schema.columns where table_schema = 'public' and column_name = 'organization_id'`,
      ),
    ).toBe(0);
  });

  it('is converted again', async () => {
    await applyMigration(conversion.database.owner, practiceToOrganizations, { to: 'switch' });
    expect((await verifyMigration(conversion.database.owner, practiceToOrganizations)).failed).toBe(0);
    expect(await count('select count(*) from voucher_types')).toBe(3);
  });
});
