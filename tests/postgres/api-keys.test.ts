import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiKeyEvent, createApiKeys } from '../../src/api-keys/index.ts';
import { uuidv7 } from '../../src/core/index.ts';
import type { AnyDatabase } from '../../src/database/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { organization } from '../support/key-tenant.ts';

type Database = Record<string, never>;

const hex = (secret: string): string => createHash('sha256').update(secret).digest('hex');

for (const make of [postgresDatabase, pgliteDatabase]) {
  describe(`API keys (${make === pgliteDatabase ? 'PGlite' : 'PostgreSQL, plain role'})`, () => {
    let database: TestDatabase<Database>;
    let tenant: { tenantId: string; memberId: string };
    const clock = fixedClock('2026-03-01T12:00:00Z');
    const happened: ApiKeyEvent[] = [];
    const apiKeys = () => createApiKeys({ db: database.app, clock, prefix: 'hc' });
    const set = (table: string, column: string, value: unknown) =>
      sql`update ${sql.table(`tenantry.${table}`)} set ${sql.ref(column)} = ${value}
        where tenant_id = ${tenant.tenantId}`.execute(database.app);

    beforeAll(async () => {
      database = await make<Database>();
      tenant = await organization(database.app, { bought: 2, taken: 1 });
    });
    afterAll(() => database.destroy());

    it('opens with a key that it issued, and tells whose it is', async () => {
      const { key, secret } = await apiKeys().issue({ ...tenant, name: 'Laptop', scopes: ['calls:*'] });
      expect(secret).toMatch(/^hc_live_[0-9A-Za-z]{36}$/);
      expect(await apiKeys().verify(secret)).toEqual({
        ok: true,
        key: {
          id: key.id,
          name: 'Laptop',
          environment: 'live',
          scopes: ['calls:*'],
          start: secret.slice(0, 12),
          owner: { kind: 'member', memberId: tenant.memberId },
          expiresAt: null,
          metadata: {},
        },
        tenant: {
          id: tenant.tenantId,
          kind: 'organization',
          plan: 'free',
          anchorAt: new Date('2026-01-31T00:00:00Z'),
          entitlementRevision: 1,
          subscriptionStatus: null,
          seatsBought: 2,
          planSince: expect.any(Date),
          planTerms: null,
        },
        member: { id: tenant.memberId, userId: 'ada', role: 'owner', grants: null },
        exceeded: null,
        left: null,
      });
    });

    it('opens a key of the whole tenant without a member', async () => {
      const { secret } = await apiKeys().issue({ tenantId: tenant.tenantId, environment: 'test' });
      expect(await apiKeys().verify(secret)).toMatchObject({
        ok: true,
        member: null,
        key: { environment: 'test', scopes: ['*'], owner: { kind: 'tenant' }, name: null },
      });
    });

    it('refuses for each reason, and for the first one that holds', async () => {
      const keys = apiKeys();
      const expiresAt = new Date(clock().getTime() + 1000);
      const { key, secret } = await keys.issue({ ...tenant, expiresAt });
      const reason = async (given: string | null | undefined = secret) => {
        const result = await keys.verify(given);
        return result.ok ? 'ok' : result.reason;
      };
      expect(await reason(null)).toBe('missing');
      expect(await reason('')).toBe('missing');
      expect(await reason('hc_live_nonsense')).toBe('malformed');
      const otherPrefix = createApiKeys({ db: database.app, prefix: 'other' });
      expect(await reason((await otherPrefix.issue(tenant)).secret)).toBe('malformed');
      const { key: gone, secret: ofGone } = await keys.issue(tenant);
      await sql`delete from tenantry.api_keys where id = ${gone.id}`.execute(database.app);
      expect(await reason(ofGone)).toBe('not_found');

      // From the last reason to the first: each outdoes those before it.
      await set('organizations', 'seats_taken', 3);
      expect(await reason()).toBe('seats_exceeded');
      expect(
        await createApiKeys({ db: database.app, prefix: 'hc', clock, seatsExceeded: 'allow' }).verify(secret),
      ).toMatchObject({ ok: true });
      await set('tenants', 'subscription_status', 'past_due');
      expect(await reason()).toBe('subscription_inactive');
      await set('members', 'status', 'suspended');
      expect(await reason()).toBe('member_inactive');
      await set('tenants', 'status', 'suspended');
      expect(await reason()).toBe('tenant_suspended');
      await sql`update tenantry.api_keys set enabled = false where id = ${key.id}`.execute(database.app);
      expect(await reason()).toBe('disabled');
      clock.advance(1000);
      expect(await reason()).toBe('expired');
      await keys.revoke({ tenantId: tenant.tenantId, keyId: key.id });
      expect(await reason()).toBe('revoked');

      await set('organizations', 'seats_taken', 2);
      await set('members', 'status', 'active');
      await set('tenants', 'status', 'active');
      const again = await keys.issue(tenant);
      for (const [status, expected] of [
        ['past_due', 'subscription_inactive'],
        ['trialing', 'ok'],
        ['active', 'ok'],
        [null, 'ok'],
      ]) {
        await set('tenants', 'subscription_status', status);
        expect(await reason(again.secret)).toBe(expected);
      }
      const strict = createApiKeys({ db: database.app, prefix: 'hc', activeStatuses: ['paid'] });
      await set('tenants', 'subscription_status', 'active');
      expect(await strict.verify(again.secret)).toEqual({ ok: false, reason: 'subscription_inactive' });
      await set('tenants', 'subscription_status', null);
    });

    it('does not look at the member for a key of the whole tenant', async () => {
      const { secret } = await apiKeys().issue({ tenantId: tenant.tenantId });
      await set('members', 'status', 'removed');
      expect(await apiKeys().verify(secret)).toMatchObject({ ok: true });
      await set('members', 'status', 'active');
    });

    it('stores no secret, only its SHA-256', async () => {
      const { key, secret } = await apiKeys().issue(tenant);
      const rows = await sql<{ row: string }>`
        select k::text as row from tenantry.api_keys k union all
        select d::text from tenantry.api_key_digests d`.execute(database.app);
      const all = rows.rows.map(({ row }) => row).join('\n');
      expect(all).toContain(hex(secret));
      expect(all).not.toContain(secret.slice(13));
      expect(inspect(key)).not.toContain(secret.slice(13));
    });

    it('opens imported keys by the form of their secrets, and refuses that form without it', async () => {
      const secrets = ['hc_live_0123456789abcdef', 'sk-legacy-42'];
      const keys = createApiKeys({
        db: database.app,
        prefix: 'hc',
        foreign: /^(?:hc_live_[0-9a-f]{16}|sk-legacy-\d+)$/g,
      });
      const usedAt = new Date('2025-05-05T05:05:05.005Z');
      const imported = await keys.importKeys(tenant.tenantId, [
        {
          digest: hex(secrets[0] ?? '').toUpperCase(),
          scheme: 'sha256-hex',
          start: 'hc_live_0123',
          memberId: tenant.memberId,
          name: "Žofie's “key”",
          createdAt: usedAt,
          lastUsedAt: usedAt,
        },
        {
          digest: createHash('sha256')
            .update(secrets[1] ?? '')
            .digest('base64'),
          scheme: 'sha256-base64',
          start: 'sk-leg',
          revokedAt: usedAt,
        },
      ]);
      expect(imported.map(({ scheme, lastUsedAt }) => [scheme, lastUsedAt])).toEqual([
        ['sha256-hex', usedAt],
        ['sha256-base64', null],
      ]);
      for (const round of [1, 2]) {
        expect([round, await keys.verify(secrets[0])]).toMatchObject([
          round,
          { ok: true, key: { name: "Žofie's “key”" }, member: { userId: 'ada' } },
        ]);
        expect(await keys.verify(secrets[1])).toEqual({ ok: false, reason: 'revoked' });
      }
      expect(await keys.verify('sk-legacy-43')).toEqual({ ok: false, reason: 'not_found' });
      expect(await apiKeys().verify(secrets[0])).toEqual({ ok: false, reason: 'malformed' });
      expect(await keys.verify(`sk-legacy-${'4'.repeat(600)}`)).toEqual({ ok: false, reason: 'malformed' });
      const { items: listed } = await keys.list(tenant.tenantId, { limit: 2 });
      expect(listed).toEqual([...imported].reverse());
    });

    it('imports all keys or none', async () => {
      const keys = apiKeys();
      const input = (secret: string) => ({ digest: hex(secret), scheme: 'sha256-hex' as const, start: secret });
      await keys.importKeys(tenant.tenantId, [input('dup-1')]);
      const before = (await keys.list(tenant.tenantId, { limit: 500 })).items.length;
      const duplicate = { code: 'api_key_duplicate', details: { start: 'dup-1' } };
      await expect(keys.importKeys(tenant.tenantId, [input('dup-0'), input('dup-1')])).rejects.toMatchObject(duplicate);
      const twice = { code: 'api_key_duplicate', details: { start: 'dup-2' } };
      await expect(keys.importKeys(tenant.tenantId, [input('dup-2'), input('dup-2')])).rejects.toMatchObject(twice);
      for (const wrong of [
        { ...input('x'), digest: 'abc' },
        { ...input('x'), scheme: 'sha256-base64' as const },
        { ...input('x'), start: '' },
        { ...input('x'), revokedAt: new Date(Number.NaN) },
      ]) {
        await expect(keys.importKeys(tenant.tenantId, [input('dup-3'), wrong])).rejects.toMatchObject({
          code: 'api_key_invalid',
        });
      }
      const stranger = { ...input('dup-4'), memberId: uuidv7() };
      await expect(keys.importKeys(tenant.tenantId, [stranger])).rejects.toMatchObject({
        code: 'member_not_found',
        details: { member: stranger.memberId },
      });
      expect((await keys.list(tenant.tenantId, { limit: 500 })).items).toHaveLength(before);
      expect(await keys.importKeys(tenant.tenantId, [])).toEqual([]);
    });

    it('revokes once and for ever, and only keys of the tenant', async () => {
      const keys = apiKeys();
      const other = await organization(database.app, { bought: null, taken: 1 });
      const { key, secret } = await keys.issue(tenant);
      const missing = { code: 'api_key_not_found' };
      await expect(keys.revoke({ tenantId: other.tenantId, keyId: key.id })).rejects.toMatchObject(missing);
      await expect(keys.revoke({ tenantId: tenant.tenantId, keyId: uuidv7() })).rejects.toMatchObject(missing);
      const bySecret = await keys.revoke({ tenantId: tenant.tenantId, keyId: secret }).catch((error: unknown) => error);
      expect(bySecret).toMatchObject(missing);
      expect(`${inspect(bySecret)}${JSON.stringify(bySecret)}`).not.toContain(secret.slice(13));
      expect(await keys.verify(secret)).toMatchObject({ ok: true });
      const first = await keys.revoke({ tenantId: tenant.tenantId, keyId: key.id });
      const revokedAt = clock();
      clock.advance(5000);
      expect(first.revokedAt).toEqual(revokedAt);
      expect((await keys.revoke({ tenantId: tenant.tenantId, keyId: key.id })).revokedAt).toEqual(revokedAt);
      expect(await keys.verify(secret)).toEqual({ ok: false, reason: 'revoked' });
    });

    it('refuses keys for whom there is nobody, and data that cannot be', async () => {
      const keys = apiKeys();
      const other = await organization(database.app, { bought: null, taken: 1 });
      const code = async (input: Parameters<typeof keys.issue>[0]) =>
        keys.issue(input).then(
          () => 'issued',
          (error: unknown) => (typeof error === 'object' && error !== null && 'code' in error ? error.code : error),
        );
      expect(await code({ tenantId: uuidv7() })).toBe('tenant_not_found');
      expect(await code({ tenantId: 'acme' })).toBe('tenant_not_found');
      expect(await code({ tenantId: tenant.tenantId, memberId: other.memberId })).toBe('member_not_found');
      expect(await code({ tenantId: tenant.tenantId, memberId: 'ada' })).toBe('member_not_found');
      expect(await code({ ...tenant, expiresAt: clock() })).toBe('api_key_invalid');
      expect(await code({ ...tenant, scopes: ['calls write'] })).toBe('api_key_invalid');
      expect(await code({ ...tenant, name: 'a\u0000b' })).toBe('name_invalid');
      expect(await code({ ...tenant, name: 'a\ud800' })).toBe('name_invalid');
    });

    it('lists the newest first, page by page, and never the keys of another tenant', async () => {
      const keys = apiKeys();
      const owner = await organization(database.app, { bought: null, taken: 1 });
      const issued: string[] = [];
      for (let count = 0; count < 5; count += 1) issued.unshift((await keys.issue(owner)).key.id);
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<typeof keys.list>> = await keys.list(owner.tenantId, { cursor, limit: 2 });
        found.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(found).toEqual(issued);
      await expect(keys.list(owner.tenantId, { cursor: 'x' })).rejects.toMatchObject({ code: 'name_invalid' });
      await expect(keys.list(owner.tenantId, { limit: 0 })).rejects.toMatchObject({ code: 'amount_invalid' });
      expect(await keys.list(uuidv7())).toEqual({ items: [], nextCursor: null });
    });

    it('tells of what happened inside the causing transaction', async () => {
      const events = async (event: ApiKeyEvent, tx: AnyDatabase): Promise<void> => {
        happened.push(event);
        expect(tx.isTransaction).toBe(true);
        if (event.name === 'api_key.issued' && event.data.name === 'refused') throw new Error('the sink refuses');
      };
      const keys = createApiKeys({ db: database.app, clock, prefix: 'hc', events });
      const { key, secret } = await keys.issue(tenant);
      await keys.revoke({ tenantId: tenant.tenantId, keyId: key.id });
      await keys.revoke({ tenantId: tenant.tenantId, keyId: key.id });
      await keys.importKeys(tenant.tenantId, [{ digest: hex('event-1'), scheme: 'sha256-hex', start: 'event' }]);
      expect(happened.map(({ name, tenantId }) => [name, tenantId])).toEqual(
        ['api_key.issued', 'api_key.revoked', 'api_key.imported'].map((name) => [name, tenant.tenantId]),
      );
      expect(JSON.stringify(happened)).not.toContain(secret.slice(13));
      const before = (await keys.list(tenant.tenantId, { limit: 500 })).items.length;
      await expect(keys.issue({ ...tenant, name: 'refused' })).rejects.toThrow('the sink refuses');
      expect((await keys.list(tenant.tenantId, { limit: 500 })).items).toHaveLength(before);
    });

    it("joins the caller's transaction", async () => {
      const keys = apiKeys();
      let secret = '';
      const work = database.app.transaction().execute(async (tx) => {
        secret = (await keys.issue(tenant, { db: tx })).secret;
        expect(await keys.verify(secret, { db: tx })).toMatchObject({ ok: true });
        throw new Error('undo');
      });
      await expect(work).rejects.toThrow('undo');
      expect(await keys.verify(secret)).toEqual({ ok: false, reason: 'not_found' });
    });
  });
}

it('refuses wrong wiring at creation', async () => {
  const database = await pgliteDatabase<Database>({ install: false });
  const make = (options: object) => () => createApiKeys({ db: database.app, ...options });
  for (const prefix of ['', 'a-b', '_', 'a__b']) {
    expect(make({ prefix })).toThrow(
      expect.objectContaining({ code: 'config_invalid', details: expect.objectContaining({ path: 'apiKeys.prefix' }) }),
    );
  }
  expect(make({ foreign: '^sk' })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  expect(make({ seatsExceeded: 'maybe' })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  expect(make({ activeStatuses: 'active' })).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  await database.destroy();
});
