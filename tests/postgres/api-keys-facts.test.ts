import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKeys } from '../../src/api-keys/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { keyWorld } from '../support/key-world.ts';

type Database = Record<string, never>;

for (const make of [postgresDatabase, pgliteDatabase]) {
  describe(`what stands ready of a key (${make === pgliteDatabase ? 'PGlite' : 'PostgreSQL, plain role'})`, () => {
    let database: TestDatabase<Database>;
    let world: Awaited<ReturnType<typeof keyWorld>>;
    const clock = fixedClock('2026-03-01T12:00:00Z');
    const create = () => createApiKeys({ db: database.app, clock, prefix: 'hc', lastUsed: 0 });
    const reasonOf = async (secret: string) => {
      const result = await create().verify(secret);
      return result.ok ? 'ok' : result.reason;
    };

    beforeAll(async () => {
      database = await make<Database>();
      world = await keyWorld(database.app);
    });
    afterAll(() => database.destroy());

    it('sees with the next call what anybody writes by hand in the rows of a key and of its tenant', async () => {
      const { tenantId } = await keyWorld(database.app);
      const name = 'a "b" \\ ž';
      const { key, secret } = await create().issue({ tenantId, name, scopes: ['calls:*', 'bots:read'] });
      const set = (table: string, change: string) =>
        sql.raw(`update tenantry.${table} set ${change} where tenant_id = '${tenantId}'`).execute(database.app);
      const written: readonly (readonly [string, string, string])[] = [
        ['api_keys', 'enabled = false', 'disabled'],
        ['api_keys', `enabled = true, expires_at = '-infinity'`, 'expired'],
        ['api_keys', `expires_at = 'infinity', revoked_at = 'infinity'`, 'revoked'],
        ['api_keys', `revoked_at = null, allowed_ips = '{10.0.0.0/8}'`, 'ip_denied'],
        ['api_keys', 'allowed_ips = null', 'ok'],
        ['tenants', `subscription_status = 'unpaid'`, 'subscription_inactive'],
        ['tenants', `subscription_status = null, status = 'maintenance'`, 'tenant_in_maintenance'],
        ['tenants', `status = 'suspended'`, 'tenant_suspended'],
        ['tenants', `status = 'active', plan = 'other', entitlement_revision = 77`, 'ok'],
      ];
      for (const [table, change, reason] of written) {
        await set(table, change);
        expect([change, await reasonOf(secret)]).toEqual([change, reason]);
      }
      expect(await create().verify(secret)).toMatchObject({
        key: { id: key.id, name, scopes: ['calls:*', 'bots:read'], expiresAt: null },
        tenant: { id: tenantId, plan: 'other', entitlementRevision: 77 },
      });
    });

    it('tells of long keys what it tells of short ones, and lets nobody write another copy beside a secret', async () => {
      const metadata = { note: 'ž"\\'.repeat(600) };
      const { key, secret } = await create().issue({ tenantId: world.tenantId, metadata });
      expect(await create().verify(secret)).toMatchObject({ ok: true, key: { id: key.id, metadata } });
      await create().update({
        tenantId: world.tenantId,
        keyId: key.id,
        metadata: { note: 'short' },
        scopes: ['bots:read'],
      });
      const { secret: next } = await create().rotate({ tenantId: world.tenantId, keyId: key.id, grace: 60_000 });
      for (const one of [secret, next]) {
        expect(await create().verify(one)).toMatchObject({
          key: { metadata: { note: 'short' }, scopes: ['bots:read'] },
        });
      }
      for (const facts of [`facts || ' '`, `replace(facts, 'bots:read', '*')`, `'+'`]) {
        const written = sql.raw(`update tenantry.api_key_digests set facts = ${facts} where key_id = '${key.id}'`);
        await expect(written.execute(database.app)).rejects.toMatchObject({ code: '23503' });
      }
      await sql`update tenantry.api_key_digests set facts = null where key_id = ${key.id}`.execute(database.app);
      expect(await create().verify(next)).toMatchObject({
        key: { metadata: { note: 'short' }, scopes: ['bots:read'] },
      });
    });

    it('notes a use in the row of the key alone, and in no index', async () => {
      const { key } = await create().issue({ tenantId: world.tenantId });
      const counts = await database.app.transaction().execute(async (tx) => {
        const read = async () => {
          const { rows } = await sql<{ written: number; alone: number }>`
            select pg_stat_get_xact_tuples_updated(oid)::integer as written,
              pg_stat_get_xact_tuples_hot_updated(oid)::integer as alone
            from pg_class where oid = 'tenantry.api_keys'::regclass`.execute(tx);
          return rows[0] ?? { written: 0, alone: 0 };
        };
        const before = await read();
        await sql`update tenantry.api_keys set last_used_at = now(), uses_count = 3 where id = ${key.id}`.execute(tx);
        const after = await read();
        return { written: after.written - before.written, alone: after.alone - before.alone };
      });
      expect(counts).toEqual({ written: 1, alone: 1 });
    });
  });
}
