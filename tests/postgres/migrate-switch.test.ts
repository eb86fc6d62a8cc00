import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/index.ts';
import { makePartsLegacy, type PartsLegacy, partsMigration } from '../support/parts-legacy.ts';
import { switchWorld } from '../support/switch-world.ts';

const hashOf = (secret: string) => sql<string>`encode(sha256(convert_to(${secret}, 'UTF8')), 'hex')`;

const noPlace = 'made in the new shape; the old one has no place for it';

describe('companies with users, keys and subscriptions of their own, switched', () => {
  let w: Awaited<ReturnType<typeof switchWorld<PartsLegacy>>>;
  let tenantId: string;

  beforeEach(async () => {
    w = await switchWorld<PartsLegacy>(makePartsLegacy, partsMigration);
    await w.to('switch');
    tenantId = await tenantOf(1);
  });
  afterEach(() => w.conversion.destroy());

  const tenantOf = async (company: number): Promise<string> =>
    (await sql<{ id: string }>`select tenant_id as id from companies where id = ${company}`.execute(w.owner)).rows[0]
      ?.id ?? '';
  const keyOf = async (label: string) => {
    const { rows } = await sql<{
      id: string;
      tenant: string;
    }>`select id, tenant_id as tenant from tenantry.api_keys where name = ${label}`.execute(w.owner);
    return { tenantId: rows[0]?.tenant ?? '', keyId: rows[0]?.id ?? '' };
  };
  const token = (label: string) =>
    w.read(sql`select user_id, revoked_at is not null as revoked from api_tokens where label = ${label}`);

  it('a member who changes e-mail, name and role changes so in every row of the person', async () => {
    await w.fresh(
      sql`update tenantry.members set email = 'Two@New.org', name = 'Zwei', role = 'admin' where tenant_id = ${tenantId} and user_id = '2'`,
    );
    expect(await w.read(sql`select id, email, full_name, role from users where id in (2, 3) order by id`)).toEqual([
      { id: 2, email: 'Two@New.org', full_name: 'Zwei', role: 'admin' },
      { id: 3, email: 'Two@New.org', full_name: 'Zwei', role: 'admin' },
    ]);
    expect(await w.failed()).toEqual([]);
    // The old application goes on with the same person, and its change comes the other way.
    await w.old(sql`update users set email = 'deux@old.org' where id in (2, 3)`);
    expect(
      await w.read(sql`select email, name, role from tenantry.members where tenant_id = ${tenantId} and user_id = '2'`),
    ).toEqual([{ email: 'deux@old.org', name: 'Zwei', role: 'admin' }]);
    expect(await w.failed()).toEqual([]);
    const { kept, returned } = await w.back();
    expect(kept).toEqual({});
    expect(returned['tenantry.members']).toBe(1);
  });

  it('what a row refuses, or has no column for, is kept and told, and the new application goes on', async () => {
    await sql`alter table users add constraint no_ghosts check (full_name <> 'Ghost')`.execute(w.owner);
    await w.fresh(
      sql`update tenantry.members set name = 'Ghost', email = 'ghost@new.org' where tenant_id = ${tenantId} and user_id = '4'`,
    );
    await w.leave(tenantId, '5', 'suspended');
    await w.tenancy.setPlan(tenantId, 'business');
    await w.fresh(sql`update tenantry.organizations set seats_bought = 50 where tenant_id = ${tenantId}`);
    await w.fresh(
      sql`insert into tenantry.audit_entries (tenant_id, id, action, occurred_at, actor_type) values (${tenantId}, ${uuidv7()}, 'new.thing', now(), 'system')`,
    );
    expect(await w.read(sql`select full_name, email from users where id = 4`)).toEqual([
      { full_name: 'User 4', email: 'ghost@new.org' },
    ]);
    expect(await w.failed()).toEqual([]);
    const { kept } = await w.back();
    expect(kept).toEqual({
      'tenantry.audit_entries': 1,
      'tenantry.members': 2,
      'tenantry.organizations': 1,
      'tenantry.tenants': 1,
    });
    expect(await w.kept('tenantry.members', 'user_id')).toEqual([
      { name: '4', reason: 'changed in the new shape (name); the old one has no place for that' },
      { name: '5', reason: 'changed in the new shape (status); the old one has no place for that' },
    ]);
    expect(await w.kept('tenantry.tenants', 'plan')).toEqual([
      { name: 'business', reason: 'changed in the new shape (plan); the old one has no place for that' },
    ]);
  });

  it('a new member becomes a row of the company where the table takes one, and is kept where it does not', async () => {
    await w.member(tenantId, '90001', 'admin');
    await w.member(tenantId, 'opaque-user-id');
    expect(await w.read(sql`select company_id, email, full_name, role from users where id = 90001`)).toEqual([
      { company_id: 1, email: '90001@new.org', full_name: 'New 90001', role: 'admin' },
    ]);
    expect(await w.failed()).toEqual([]);
    // From then on it is a row like any other: the old application changes it, and the member follows.
    await w.old(sql`update users set role = 'member' where id = 90001`);
    expect(await w.read(sql`select role from tenantry.members where user_id = '90001'`)).toEqual([{ role: 'member' }]);
    expect((await w.back()).kept).toEqual({ 'tenantry.members': 1 });
    expect(await w.kept('tenantry.members', 'user_id')).toEqual([{ name: 'opaque-user-id', reason: noPlace }]);
    expect(await w.number('select count(*) from users where id = 90001')).toBe(1);
  });

  it('a member who is removed has no open key in the old application, and is told', async () => {
    await w.leave(tenantId, '4', 'removed');
    expect(await token('Token 4')).toEqual([{ user_id: 4, revoked: true }]);
    expect(await w.failed()).toEqual([]);
    expect((await w.back()).kept).toEqual({ 'tenantry.members': 1 });
    expect(await token('Token 4')).toEqual([{ user_id: 4, revoked: true }]);
  });

  it('keys are issued, used, named, revoked and deleted in both shapes at once', async () => {
    const memberId =
      (
        await sql<{
          id: string;
        }>`select id from tenantry.members where tenant_id = ${tenantId} and user_id = '1'`.execute(w.owner)
      ).rows[0]?.id ?? '';
    const { key, secret } = await w.apiKeys.issue({ tenantId, memberId, name: 'made new' });
    expect(await token('made new')).toEqual([{ user_id: 1, revoked: false }]);
    expect(
      await w.read(sql`select 1 as found from api_tokens where label = 'made new' and token_hash = ${hashOf(secret)}`),
    ).toEqual([{ found: 1 }]);
    await w.fresh(sql`update tenantry.api_keys set last_used_at = '2026-08-01', name = 'renamed' where id = ${key.id}`);
    expect(await w.read(sql`select last_used_at::date::text as used from api_tokens where label = 'renamed'`)).toEqual([
      { used: '2026-08-01' },
    ]);
    await w.apiKeys.revoke({ tenantId, keyId: key.id });
    expect(await token('renamed')).toEqual([{ user_id: 1, revoked: true }]);
    await w.fresh(sql`update tenantry.api_keys set enabled = false where name = 'Token 1'`);
    expect(await token('Token 1')).toEqual([{ user_id: 1, revoked: true }]);
    await w.fresh(sql`delete from tenantry.api_keys where name = 'Token 2'`);
    expect(await token('Token 2')).toEqual([{ user_id: 2, revoked: true }]);
    // The old application touches the row of a key that the library issued, and lets one in again that the library revoked.
    const kept = await w.apiKeys.issue({ tenantId, memberId, name: 'touched' });
    await w.old(sql`update api_tokens set last_used_at = now() where label = 'touched'`);
    expect(
      await w.read(sql`select name from tenantry.api_keys where revoked_at is null and name in ('touched', 'renamed')`),
    ).toEqual([{ name: 'touched' }]);
    await w.old(sql`update api_tokens set revoked_at = null where label = 'renamed'`);
    expect(await token('renamed')).toEqual([{ user_id: 1, revoked: true }]);
    expect(
      await w.read(sql`select name from tenantry.api_keys where revoked_at is null and name in ('touched', 'renamed')`),
    ).toEqual([{ name: 'touched' }]);
    // A rotated key has another digest: the row holds the current one.
    await w.fresh(
      sql`update tenantry.api_key_digests set expires_at = now() + interval '1 day' where key_id = ${kept.key.id}`,
    );
    await w.fresh(
      sql`insert into tenantry.api_key_digests (digest, tenant_id, key_id) values (${hashOf('rotated')}, ${tenantId}, ${kept.key.id})`,
    );
    await w.old(sql`update api_tokens set last_used_at = now() where label = 'touched'`);
    expect(
      await w.read(
        sql`select token_hash = ${hashOf('rotated')} as current, revoked_at is null as open from api_tokens where label = 'touched'`,
      ),
    ).toEqual([{ current: true, open: true }]);
    expect(await w.number(`select count(*) from tenantry.api_keys where name = 'touched' and revoked_at is null`)).toBe(
      1,
    );
    // A key of the whole organization has no user, and so no row.
    const shared = await w.apiKeys.issue({ tenantId, name: 'of everybody' });
    expect(await token('of everybody')).toEqual([]);
    expect(await w.failed()).toEqual([]);
    expect((await w.back()).kept).toEqual({ 'tenantry.api_keys': 2 });
    expect((await w.kept('tenantry.api_keys', 'name')).map((row) => JSON.stringify(row)).sort()).toEqual([
      JSON.stringify({
        name: 'Token 2',
        reason: 'changed in the new shape (deleted); the old one has no place for that',
      }),
      JSON.stringify({ name: 'of everybody', reason: noPlace }),
    ]);
    expect(JSON.stringify(await w.read(sql`select row_data from tenantry.migration_quarantine`))).not.toContain(
      shared.secret,
    );
  });

  it('a key that was revoked in the new shape opens in neither application, then and after the way back', async () => {
    await w.apiKeys.revoke(await keyOf('Token 1'));
    expect(await token('Token 1')).toEqual([{ user_id: 1, revoked: true }]);
    // The old application touches the row, and does not know of it.
    await w.old(sql`update api_tokens set last_used_at = now() where label = 'Token 1'`);
    await w.old(sql`update users set full_name = 'Somebody' where id = 1`);
    expect(
      await w.read(sql`select revoked_at is not null as revoked from tenantry.api_keys where name = 'Token 1'`),
    ).toEqual([{ revoked: true }]);
    await w.back();
    expect(await token('Token 1')).toEqual([{ user_id: 1, revoked: true }]);
    await w.to('switch');
    expect(
      await w.read(sql`select revoked_at is not null as revoked from tenantry.api_keys where name = 'Token 1'`),
    ).toEqual([{ revoked: true }]);
  });

  it("a tenant's name, its subscription and its ids at the provider are written into the rows of both", async () => {
    await w.fresh(sql`update tenantry.tenants set name = 'Renamed Ltd' where tenant_id = ${tenantId}`);
    await w.tenancy.setPlan(tenantId, 'team', { subscriptionStatus: 'canceled' });
    await w.fresh(
      sql`update tenantry.tenant_lookups set value = 'sub_changed' where kind = 'provider_subscription' and value = 'sub_12'`,
    );
    expect(await w.read(sql`select name from companies where id = 1`)).toEqual([{ name: 'Renamed Ltd' }]);
    expect(await w.read(sql`select distinct status from subscriptions where company_id = 1`)).not.toContainEqual({
      status: 'active',
    });
    expect(
      await w.number(
        `select count(*) from subscriptions where company_id = 1 and stripe_subscription_id = 'sub_changed'`,
      ),
    ).toBe(1);
    expect(await w.failed()).toEqual([]);
    const { kept, returned } = await w.back();
    expect(kept).toEqual({});
    expect(returned).toMatchObject({ 'tenantry.tenants': 1, 'tenantry.tenant_lookups': 1 });
  });

  it('rows of the new application, which names the tenant alone, lead to the company; both write side by side', async () => {
    await w.fresh(
      sql`insert into permissions (id, tenant_id, user_id, permission) values (9001, ${tenantId}, 4, 'new:read')`,
    );
    await w.old(sql`insert into permissions (id, company_id, user_id, permission) values (9002, 1, 4, 'old:read')`);
    expect(
      await w.read(
        sql`select id, company_id, tenant_id = ${tenantId} as here from permissions where id > 9000 order by id`,
      ),
    ).toEqual([
      { id: 9001, company_id: 1, here: true },
      { id: 9002, company_id: 1, here: true },
    ]);
    const other = await tenantOf(2);
    await w.fresh(sql`delete from permissions where id = 9002`);
    await w.fresh(sql`update permissions set tenant_id = ${other} where id = 9001`);
    expect(await w.read(sql`select id, company_id from permissions where id > 9000`)).toEqual([
      { id: 9001, company_id: 2 },
    ]);
    expect(await w.failed()).toEqual([]);
    expect((await w.back()).kept).toEqual({});
    expect(await w.read(sql`select id, company_id from permissions where id > 9000`)).toEqual([
      { id: 9001, company_id: 2 },
    ]);
  });
});
