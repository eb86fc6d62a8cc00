import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isolateTable } from '../../src/database/index.ts';
import { createTenancy, own, perOrg, trusted } from '../../src/tenancy/index.ts';
import { companyOf } from '../support/company.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Database {
  hosts: { tenant_id: string; id: string; name: string };
}

const by = (userId: string) => ({ by: { userId } });

let database: TestDatabase<Database>;
let counting: CountingDatabase<Database>;
beforeAll(async () => {
  database = await postgresDatabase<Database>();
  counting = countingDatabase<Database>(database.urls?.app ?? '');
  await sql`create table hosts (tenant_id uuid not null, id text not null, name text not null, primary key (tenant_id, id))`.execute(
    database.owner,
  );
  for (const statement of isolateTable({ table: 'hosts' })) await sql.raw(statement).execute(database.owner);
});
afterAll(async () => {
  await counting.destroy();
  await database.destroy();
});

const company = () => companyOf(counting.db);

describe('resources of a user', () => {
  it('are what is shared to their teams and to those above, in one statement', async () => {
    const { teams, tenantId, engineering, backend, storage, sales, ref, host } = await company();
    await teams.share({ ...ref(engineering), resource: host('shared'), permission: 'hosts:read' });
    await teams.share({ ...ref(backend), resource: host('api'), permission: 'hosts:*' });
    await teams.share({ ...ref(backend), resource: host('shared'), permission: 'hosts:restart' });
    await teams.share({ ...ref(storage), resource: host('pg'), permission: 'hosts:read' });
    await teams.share({ ...ref(sales), resource: host('crm'), permission: 'hosts:read' });
    await teams.share({ ...ref(backend), resource: { type: 'key', id: 'k' }, permission: 'keys:read' });
    const of = async (userId: string, permission?: string) =>
      (await teams.resourcesOf({ tenantId, userId, type: 'host', ...(permission && { permission }) })).items;
    expect(await of('storage')).toEqual([
      { id: 'api', permissions: ['hosts:*'] },
      { id: 'pg', permissions: ['hosts:read'] },
      { id: 'shared', permissions: ['hosts:read', 'hosts:restart'] },
    ]);
    expect((await of('engineering')).map(({ id }) => id)).toEqual(['shared']);
    expect((await of('sales')).map(({ id }) => id)).toEqual(['crm']);
    expect((await of('backend', 'hosts:restart')).map(({ id }) => id)).toEqual(['api', 'shared']);
    expect(await of('owner')).toEqual([]);
    expect(await of('nobody')).toEqual([]);
    expect(await counting.during(() => of('storage'))).toHaveLength(1);
    const can = (userId: string, id: string, permission: string) =>
      teams.can({ tenantId, userId, resource: host(id), permission });
    expect(await can('storage', 'api', 'hosts:delete')).toBe(true);
    expect(await can('storage', 'pg', 'hosts:delete')).toBe(false);
    expect(await can('sales', 'api', 'hosts:read')).toBe(false);
    expect(await counting.during(() => can('sales', 'api', 'hosts:read'))).toHaveLength(1);
  });

  it('are none of a member who is not active', async () => {
    const { teams, members, tenantId, backend, ref, host } = await company();
    await teams.share({ ...ref(backend), resource: host('api'), permission: 'hosts:read' });
    const input = { tenantId, userId: 'backend', type: 'host' };
    expect((await teams.resourcesOf(input)).items).toHaveLength(1);
    await members.suspend({ tenantId, userId: 'backend' });
    expect((await teams.resourcesOf(input)).items).toEqual([]);
    expect(await teams.can({ tenantId, userId: 'backend', resource: host('api'), permission: 'hosts:read' })).toBe(
      false,
    );
    await members.activate({ tenantId, userId: 'backend' });
    expect((await teams.resourcesOf(input)).items).toHaveLength(1);
  });

  it("are a subquery of the application's own statement, plain, in a scope and under row-level security", async () => {
    const { teams, tenantId, backend, ref, host } = await company();
    const other = await company();
    await other.teams.share({ ...other.ref(other.backend), resource: host('2'), permission: 'hosts:read' });
    const tenancy = createTenancy({ db: counting.db, strategy: perOrg(), tables: { hosts: own() } });
    const mine = tenancy.scope(tenantId);
    for (const id of ['1', '2', '3'])
      await mine
        .insertInto('hosts')
        .values({ id, name: `host ${id}` })
        .execute();
    for (const id of ['1', '3']) {
      await teams.share({ ...ref(backend), resource: host(id), permission: 'hosts:read' });
    }
    const visible = teams.resourceIds({ tenantId, userId: 'storage', type: 'host', permission: 'hosts:read' });
    const expected = [{ id: '1' }, { id: '3' }];
    const sent = await counting.during(async () => {
      const plain = counting.db.selectFrom('hosts').select('id').where('tenant_id', '=', tenantId);
      expect(await plain.where('id', 'in', visible).orderBy('id').execute()).toEqual(expected);
      const scoped = mine.selectFrom('hosts').select('id').where('id', 'in', trusted(visible));
      expect(await scoped.orderBy('id').execute()).toEqual(expected);
    });
    expect(sent).toHaveLength(2);
    await tenancy.transaction(tenantId, async (tx) => {
      const inside = tx.selectFrom('hosts').select('id').where('id', 'in', trusted(visible));
      expect(await inside.orderBy('id').execute()).toEqual(expected);
      const foreign = other.teams.resourceIds({ tenantId: other.tenantId, userId: 'backend', type: 'host' });
      expect(await tx.selectFrom('hosts').select('id').where('id', 'in', trusted(foreign)).execute()).toEqual([]);
    });
  });

  it('are shared once, taken back one by one or all together, and listed', async () => {
    const { teams, tenantId, engineering, backend, ref, host } = await company();
    const share = { ...ref(backend), resource: host('x'), permission: 'hosts:read' };
    expect(await teams.share(share, by('owner'))).toMatchObject({ changed: true, share: { sharedBy: 'owner' } });
    expect(await teams.share(share)).toMatchObject({ changed: false, share: { sharedBy: 'owner' } });
    await teams.share({ ...share, permission: 'hosts:write' });
    await teams.share({ ...share, ...ref(engineering) });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof teams.shares>> = await teams.shares({ ...ref(backend), limit: 1, cursor });
      seen.push(...page.items.map(({ permission }) => permission));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['hosts:read', 'hosts:write']);
    expect(await teams.unshare({ ...ref(backend), resource: host('x'), permission: 'hosts:write' })).toBe(1);
    expect(await teams.unshare({ tenantId, resource: host('x') })).toBe(2);
    expect(await teams.unshare({ tenantId, resource: host('x') })).toBe(0);
  });

  it('are listed part by part, all of them', async () => {
    const { teams, tenantId, engineering, backend, ref, host } = await company();
    const ids = Array.from({ length: 23 }, (_, n) => `host, "${String(n).padStart(2, '0')}" ü`);
    for (const [n, id] of ids.entries()) {
      await teams.share({ ...ref(n % 2 === 0 ? engineering : backend), resource: host(id), permission: 'hosts:read' });
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof teams.resourcesOf>> = await teams.resourcesOf({
        tenantId,
        userId: 'backend',
        type: 'host',
        limit: 5,
        cursor,
      });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });
});
