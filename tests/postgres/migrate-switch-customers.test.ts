import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Legacy, legacyMigration, makeLegacy } from '../support/legacy.ts';
import { switchWorld } from '../support/switch-world.ts';

const hashOf = (secret: string) => sql<string>`encode(sha256(convert_to(${secret}, 'UTF8')), 'hex')`;

describe('customers who are tenants, persons and holders of keys in one row, switched', () => {
  let w: Awaited<ReturnType<typeof switchWorld<Legacy>>>;

  beforeEach(async () => {
    w = await switchWorld<Legacy>((owner) => makeLegacy(owner), legacyMigration);
    await w.to('switch');
  });
  afterEach(() => w.conversion.destroy());

  const tenantOf = async (customer: number): Promise<string> =>
    (await sql<{ id: string }>`select tenant_id as id from customers where id = ${customer}`.execute(w.owner)).rows[0]
      ?.id ?? '';

  it('rows of the new application lead to the customer who stands for the organization, and stay there', async () => {
    const tenantId = await tenantOf(3);
    await w.fresh(sql`insert into projects (id, name, tenant_id) values (9001, 'Made new', ${tenantId})`);
    await w.fresh(
      sql`insert into notes (project_id, position, body, tenant_id) values (9001, 1, 'hello', ${tenantId})`,
    );
    await w.fresh(sql`insert into api_calls (path, called_at, tenant_id) values ('/new', now(), ${tenantId})`);
    await w.old(sql`insert into projects (id, customer_id, name) values (9002, 3, 'Made old')`);
    expect(await w.read(sql`select id, customer_id from projects where id > 9000 order by id`)).toEqual([
      { id: 9001, customer_id: 3 },
      { id: 9002, customer_id: 3 },
    ]);
    await expect(w.old(sql`insert into projects (id, name) values (9003, 'of nobody')`)).rejects.toMatchObject({
      code: '23502',
    });
    expect(await w.failed()).toEqual([]);
    expect((await w.back()).kept).toEqual({});
    expect(await w.read(sql`select customer_id from api_calls where path = '/new'`)).toEqual([{ customer_id: 3 }]);
    expect(await w.number(`select count(*) from notes where project_id = 9001`)).toBe(1);
    await expect(
      sql`insert into projects (id, name) values (9003, 'of nobody')`.execute(w.owner),
    ).rejects.toMatchObject({ code: '23502' });
  });

  it('a key of a member is the key of the customer: revoked, replaced, and dead for good', async () => {
    const tenantId = await tenantOf(3);
    const { rows } = await sql<{ id: string; member: string }>`select id, member_id as member from tenantry.api_keys
      where tenant_id = ${tenantId}`.execute(w.owner);
    const key = { id: rows[0]?.id ?? '', member: rows[0]?.member ?? '' };
    await w.apiKeys.revoke({ tenantId, keyId: key.id });
    expect(await w.number('select count(*) from customers where id = 3 and api_key_revoked_at is not null')).toBe(1);
    const { secret } = await w.apiKeys.issue({
      tenantId,
      memberId: key.member,
    });
    expect(
      await w.read(
        sql`select api_key_revoked_at, api_key_hash = ${hashOf(secret)} as current from customers where id = 3`,
      ),
    ).toEqual([{ api_key_revoked_at: null, current: true }]);
    expect(await w.apiKeys.verify(secret)).toMatchObject({ ok: true });
    expect(await w.failed()).toEqual([]);
    // The key that was replaced had been revoked: nothing of it is missing.
    expect((await w.back()).kept).toEqual({});
  });

  it('keeps an organization that no customer stands for, with the rows that hang on it', async () => {
    const made = await w.organization('Only new', 'opaque');
    await w.fresh(
      sql`insert into api_calls (path, called_at, tenant_id) values ('/homeless', now(), ${made.tenantId})`,
    );
    await w.fresh(sql`insert into projects (id, name, tenant_id) values (9001, 'homeless', ${made.tenantId})`);
    await w.fresh(
      sql`insert into notes (project_id, position, body, tenant_id) values (9001, 1, 'homeless', ${made.tenantId})`,
    );
    expect(await w.failed()).toEqual([]);
    const { kept } = await w.back();
    expect(kept).toEqual({
      api_calls: 1,
      notes: 1,
      projects: 1,
      'tenantry.members': 1,
      'tenantry.organizations': 1,
      'tenantry.tenant_lookups': 1,
      'tenantry.tenants': 1,
    });
  });

  it('sends nothing round in circles while both applications change one customer', async () => {
    const tenantId = await tenantOf(3);
    for (let turn = 0; turn < 5; turn += 1) {
      await w.fresh(sql`update tenantry.members set email = ${`new${turn}@x.org`} where tenant_id = ${tenantId}`);
      await w.old(sql`update customers set email = ${`old${turn}@x.org`} where id = 3`);
    }
    const version = () =>
      w.read(sql`select c.xmin::text as legacy, m.xmin::text as member from customers c
      join tenantry.members m on m.tenant_id = c.tenant_id where c.id = 3`);
    const before = await version();
    await w.fresh(sql`update tenantry.members set updated_at = now() where tenant_id = ${tenantId}`);
    const [{ legacy }, [after]] = [before[0] as { legacy: string }, (await version()) as { legacy: string }[]];
    expect(after?.legacy).toBe(legacy);
    expect(
      await w.read(
        sql`select c.email as legacy, m.email as member from customers c join tenantry.members m on m.tenant_id = c.tenant_id where c.id = 3`,
      ),
    ).toEqual([{ legacy: 'old4@x.org', member: 'old4@x.org' }]);
    expect(await w.failed()).toEqual([]);
  });
});
