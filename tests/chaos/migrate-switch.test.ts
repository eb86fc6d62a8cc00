import { type Kysely, sql } from 'kysely';
import { applyMigration, rollbackMigration, verifyMigration } from 'tenantry/migrate';
import { expect, it } from 'vitest';
import { createApiKeys } from '../../src/api-keys/index.ts';
import { createOrganizations } from '../../src/organizations/index.ts';
import { createTenancy, hybridSeats } from '../../src/tenancy/index.ts';
import { conversionOf } from '../support/conversion.ts';
import { makePartsLegacy, type PartsLegacy, partsMigration } from '../support/parts-legacy.ts';

const companies = 12;
/** Writes through the new shape before the way back begins; more are made while it runs. */
const writes = 10_000;

/** What the new application was told that it had written. */
function ledger() {
  return {
    /** Rows by their ids, with the permission that they say last; null: deleted. */
    permissions: new Map<number, string | null>(),
    log: new Set<string>(),
    members: new Set<string>(),
    /** The last name of each member that was changed. */
    names: new Map<string, string>(),
    /** Keys by their names, and whether they are revoked. */
    keys: new Map<string, boolean>(),
    organizations: new Set<string>(),
    plans: new Map<string, string>(),
    /** What the old application wrote. */
    old: { users: new Set<number>(), permissions: new Set<number>(), tokens: new Set<string>() },
    total: 0,
    refused: 0,
  };
}
type Ledger = ReturnType<typeof ledger>;

interface Tenant {
  readonly company: number;
  readonly tenantId: string;
  /** Members that belong to one writer each, by their users. */
  readonly users: readonly string[];
}

/** One process of the new application: all that it can write, through the library and as plain rows. */
function writer(app: Kysely<PartsLegacy>, seat: number, tenants: readonly Tenant[], book: Ledger) {
  const organizations = createOrganizations({ db: app });
  const apiKeys = createApiKeys({ db: app, prefix: 'new' });
  const tenancy = createTenancy({
    db: app,
    strategy: hybridSeats({ plan: 'team' }),
    plans: ['team', 'business', 'scale'],
  });
  const own: number[] = [];
  const issued: { readonly tenantId: string; readonly keyId: string; readonly name: string }[] = [];
  let n = 0;
  const label = (): string => `${seat}-${n}`;
  /** A statement that finds nothing to change wrote nothing. */
  const change = async (query: ReturnType<typeof sql>): Promise<void> => {
    const { numAffectedRows = 0n } = await query.execute(app);
    if (numAffectedRows === 0n) throw new Error('nothing was there');
  };
  const pick = <Item>(items: readonly Item[], by: number): Item | undefined => items[by % items.length];

  /** Each tells whether it wrote. */
  const actions: readonly ((tenant: Tenant) => Promise<boolean>)[] = [
    async ({ tenantId }) => {
      const id = 1_000_000 + seat * 100_000 + n;
      await sql`insert into permissions (id, tenant_id, user_id, permission) values (${id}, ${tenantId}, 1, ${`p${n}`})`.execute(
        app,
      );
      book.permissions.set(id, `p${n}`);
      own.push(id);
      return true;
    },
    async ({ tenantId }) => {
      await sql`insert into audit_logs (tenant_id, action) values (${tenantId}, ${`log ${label()}`})`.execute(app);
      book.log.add(`log ${label()}`);
      return true;
    },
    async () => {
      const id = pick(own, n * 7);
      if (id === undefined || book.permissions.get(id) === null) return false;
      await change(sql`update permissions set permission = ${`changed ${n}`} where id = ${id}`);
      book.permissions.set(id, `changed ${n}`);
      return true;
    },
    async ({ tenantId }) => {
      const userId = n % 2 === 0 ? String(2_000_000 + seat * 100_000 + n) : `opaque-${label()}`;
      await organizations.members.add({ tenantId, userId, email: `${userId}@new.org` });
      book.members.add(userId);
      return true;
    },
    async ({ tenantId, users }) => {
      const userId = users[seat];
      if (userId === undefined) return false;
      await change(
        sql`update tenantry.members set name = ${`Name ${label()}`} where tenant_id = ${tenantId} and user_id = ${userId}`,
      );
      book.names.set(userId, `Name ${label()}`);
      return true;
    },
    async ({ tenantId, users }) => {
      const userId = users[seat];
      const member = userId === undefined ? null : await organizations.members.get({ tenantId, userId });
      const name = label();
      const { key } = await apiKeys.issue({
        tenantId,
        name,
        ...(member === null || n % 3 === 0 ? {} : { memberId: member.id }),
      });
      book.keys.set(name, false);
      issued.push({ tenantId, keyId: key.id, name });
      return true;
    },
    async () => {
      const key = pick(issued, n * 3);
      if (key === undefined) return false;
      await apiKeys.revoke(key);
      book.keys.set(key.name, true);
      return true;
    },
    async () => {
      const id = pick(own, n * 5);
      if (id === undefined || book.permissions.get(id) === null || n % 3 > 0) return false;
      await change(sql`delete from permissions where id = ${id}`);
      book.permissions.set(id, null);
      return true;
    },
    async () => {
      if (n % 20 > 0) return false;
      const { tenantId } = await organizations.create({
        name: `Only new ${label()}`,
        owner: { userId: `owner-${label()}` },
      });
      book.organizations.add(tenantId);
      await sql`insert into permissions (id, tenant_id, user_id, permission) values (${3_000_000 + seat * 100_000 + n}, ${tenantId}, 1, 'homeless')`.execute(
        app,
      );
      book.permissions.set(3_000_000 + seat * 100_000 + n, 'homeless');
      return true;
    },
    async ({ tenantId, company }) => {
      if (company % 8 !== seat) return false;
      const plan = n % 2 === 0 ? 'business' : 'scale';
      await tenancy.setPlan(tenantId, plan);
      book.plans.set(tenantId, plan);
      return true;
    },
  ];

  return async function write(going: () => boolean): Promise<void> {
    for (n = 0; going(); n += 1) {
      const tenant = pick(tenants, n + seat);
      const act = pick(actions, n * 3 + seat + Math.floor(n / 11));
      if (tenant === undefined || act === undefined) continue;
      // What is refused was never acknowledged: nobody was told that it is there.
      await act(tenant).then(
        (wrote) => {
          if (wrote) book.total += 1;
        },
        () => {
          book.refused += 1;
        },
      );
    }
  };
}

async function oldWriter(old: Kysely<PartsLegacy>, book: Ledger, going: () => boolean): Promise<void> {
  for (let n = 0; going(); n += 1) {
    const id = 4_000_000 + n;
    const company = 1 + (n % companies);
    const attempt = async (query: ReturnType<typeof sql>, tell: () => void): Promise<void> => {
      await query.execute(old).then(tell, () => undefined);
    };
    await attempt(
      sql`insert into users (id, company_id, email, role) values (${id}, ${company}, ${`old${n}@x.org`}, 'member')`,
      () => book.old.users.add(id),
    );
    await attempt(
      sql`insert into permissions (id, company_id, user_id, permission) values (${id}, ${company}, ${id}, 'old:read')`,
      () => book.old.permissions.add(id),
    );
    await attempt(
      sql`insert into api_tokens (user_id, token_hash, label) values (${id}, encode(sha256(convert_to(${`old ${n}`}, 'UTF8')), 'hex'), ${`old ${n}`})`,
      () => book.old.tokens.add(`old ${n}`),
    );
    await attempt(
      sql`update users set full_name = ${`Old ${n}`} where id = ${1 + (n % 100)} and id % 10 in (4, 5)`,
      () => undefined,
    );
  }
}

it('accounts for every write through the new shape, made before and while it is taken back', async () => {
  const conversion = await conversionOf<PartsLegacy>((owner) => makePartsLegacy(owner, companies));
  const { owner, app } = conversion.database;
  const read = async <Row>(query: ReturnType<typeof sql<Row>>): Promise<Row[]> => (await query.execute(owner)).rows;
  try {
    await applyMigration(owner, partsMigration, { to: 'switch' });
    await conversion.letOldSee();
    await sql`update tenantry.organizations set seats_bought = null`.execute(owner);
    const tenants = await read(sql<{
      company: number;
      tenantId: string;
      users: string[];
    }>`select c.id as company, c.tenant_id as "tenantId",
        coalesce((select array_agg(m.user_id order by m.user_id::integer) from tenantry.members m where m.tenant_id = c.tenant_id
          and m.user_id::integer % 10 not in (4, 5)), '{}') as users
        from companies c order by c.id`);
    const book = ledger();
    let going = true;
    const writers = [
      ...Array.from({ length: 8 }, (_, seat) => writer(app, seat, tenants, book)(() => going)),
      oldWriter(conversion.old, book, () => going),
    ];
    while (book.total < writes) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = book.total;
    const { kept, returned } = await rollbackMigration(owner, partsMigration, { lockRetries: 200 });
    const after = book.total;
    going = false;
    await Promise.all(writers);

    const aside = await read(sql<{ table: string; key: string; data: Record<string, unknown>; reason: string }>`
      select table_name as table, row_key as key, row_data as data, reason from tenantry.migration_quarantine`);
    const reported = (table: string, column: string): Map<string, number> => {
      const found = new Map<string, number>();
      for (const row of aside.filter((candidate) => candidate.table === table)) {
        const value = String(row.data[column]);
        found.set(value, (found.get(value) ?? 0) + 1);
      }
      return found;
    };
    const inOld = async (query: ReturnType<typeof sql<{ value: string }>>): Promise<Map<string, number>> => {
      const found = new Map<string, number>();
      for (const { value } of await read(query)) found.set(value, (found.get(value) ?? 0) + 1);
      return found;
    };
    /** Values that are not exactly once in the old tables or in the report. */
    const unaccounted = (values: Iterable<string>, old: Map<string, number>, report: Map<string, number>): string[] =>
      [...values].filter((value) => (old.get(value) ?? 0) + (report.get(value) ?? 0) !== 1);

    const permissions = await inOld(sql`select id || ' ' || permission as value from permissions`);
    const permissionsAside = new Map<string, number>();
    for (const { data } of aside.filter(({ table }) => table === 'permissions')) {
      const value = `${String(data.id)} ${String(data.permission)}`;
      permissionsAside.set(value, (permissionsAside.get(value) ?? 0) + 1);
    }
    const wanted = [...book.permissions].flatMap(([id, permission]) =>
      permission === null ? [] : [`${id} ${permission}`],
    );
    expect(unaccounted(wanted, permissions, permissionsAside)).toEqual([]);
    const deleted = [...book.permissions].filter(([, permission]) => permission === null).map(([id]) => String(id));
    const ids = await inOld(sql`select id::text as value from permissions`);
    expect(deleted.filter((id) => ids.has(id) || reported('permissions', 'id').has(id))).toEqual([]);

    expect(
      unaccounted(book.log, await inOld(sql`select action as value from audit_logs`), reported('audit_logs', 'action')),
    ).toEqual([]);
    expect(
      unaccounted(
        book.members,
        await inOld(sql`select id::text as value from users`),
        reported('tenantry.members', 'user_id'),
      ),
    ).toEqual([]);

    const names = await inOld(sql`select full_name as value from users`);
    const namesAside = reported('tenantry.members', 'name');
    expect([...book.names.values()].filter((name) => !names.has(name) && !namesAside.has(name))).toEqual([]);

    const keys = await inOld(sql`select label as value from api_tokens`);
    const keysAside = new Map<string, number>();
    for (const { data } of aside.filter(
      ({ table, reason }) => table === 'tenantry.api_keys' && reason.startsWith('made'),
    )) {
      const name = String(data.name);
      keysAside.set(name, (keysAside.get(name) ?? 0) + 1);
    }
    expect(unaccounted(book.keys.keys(), keys, keysAside)).toEqual([]);
    const open = await inOld(sql`select label as value from api_tokens where revoked_at is null`);
    expect([...book.keys].filter(([name, revoked]) => revoked && open.has(name))).toEqual([]);

    const left = await inOld(sql`select tenant_id::text as value from tenantry.tenants`);
    expect(unaccounted(book.organizations, left, reported('tenantry.tenants', 'tenant_id'))).toEqual([]);
    const plans = new Map(
      aside.filter(({ table }) => table === 'tenantry.tenants').map(({ data }) => [data.tenant_id, data.plan]),
    );
    expect([...book.plans].filter(([tenantId, plan]) => plans.get(tenantId) !== plan)).toEqual([]);

    const users = await inOld(sql`select id::text as value from users`);
    expect([...book.old.users].filter((id) => users.get(String(id)) !== 1)).toEqual([]);
    expect([...book.old.permissions].filter((id) => ids.get(String(id)) !== 1)).toEqual([]);
    expect([...book.old.tokens].filter((label) => keys.get(label) !== 1)).toEqual([]);

    expect({ kept: kept.length > 4, returned: returned.length > 3 }).toEqual({ kept: true, returned: true });
    expect(after).toBeGreaterThan(before);
    expect(left.size).toBeLessThanOrEqual(book.organizations.size + book.refused);
    // Nothing of the migration is in the way of the old application, and it can be begun again.
    await applyMigration(owner, partsMigration, { to: 'switch' });
    const report = await verifyMigration(owner, partsMigration);
    expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
  } finally {
    await conversion.destroy();
  }
});
