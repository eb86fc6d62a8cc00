import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiKeyEvent, type ApiKeysOptions, createApiKeys } from '../../src/api-keys/index.ts';
import { uuidv7 } from '../../src/core/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { keyWorld } from '../support/key-world.ts';

type Database = Record<string, never>;

for (const make of [postgresDatabase, pgliteDatabase]) {
  describe(`the life of a key (${make === pgliteDatabase ? 'PGlite' : 'PostgreSQL, plain role'})`, () => {
    let database: TestDatabase<Database>;
    let world: Awaited<ReturnType<typeof keyWorld>>;
    const clock = fixedClock('2026-03-01T12:00:00Z');
    const happened: ApiKeyEvent[] = [];
    const create = (options: ApiKeysOptions = {}) =>
      createApiKeys({
        db: database.app,
        clock,
        prefix: 'hc',
        lastUsed: 0,
        events: async (event) => {
          happened.push(event);
        },
        ...options,
      });
    const reasonOf = async (secret: string, options?: Parameters<ReturnType<typeof create>['verify']>[1]) => {
      const result = await create().verify(secret, options);
      return result.ok ? 'ok' : result.reason;
    };

    beforeAll(async () => {
      database = await make<Database>();
      world = await keyWorld(database.app);
    });
    afterAll(() => database.destroy());

    it('keeps everything that was said of a key, and who issued it', async () => {
      const keys = create();
      const input = {
        tenantId: world.tenantId,
        teamId: world.teamId,
        name: 'Deploy “prod”',
        environment: 'test',
        scopes: ['calls:*', 'bots:read'],
        expiresAt: new Date('2027-01-01T00:00:00.123Z'),
        allowedIps: ['10.1.2.3/8', '::ffff:192.0.2.1'],
        metadata: { cost: { centre: 42 }, tags: ['a', 'ž'] },
        rateLimit: { limit: 10, per: 'second', burst: 20 },
        uses: { amount: 1000, per: 'month' },
      } as const;
      const { key, secret } = await keys.issue(input, { by: { userId: 'ada' } });
      const { tenantId, memberId: _member, teamId, ...said } = { memberId: null, ...input };
      expect(key).toEqual({
        ...said,
        id: key.id,
        tenantId,
        owner: { kind: 'team', teamId },
        start: secret.slice(0, 12),
        scheme: 'sha256',
        createdBy: 'ada',
        enabled: true,
        createdAt: clock(),
        revokedAt: null,
        rotatedAt: null,
        lastUsedAt: null,
        allowedIps: ['10.0.0.0/8', '192.0.2.1'],
        uses: { amount: 1000, per: 'month', used: 0, remaining: 1000, resetsAt: new Date('2026-04-01T12:00:00Z') },
      });
      expect(await keys.get({ tenantId, keyId: key.id })).toEqual(key);
      expect((await keys.list(tenantId, { teamId })).items).toEqual([key]);
      expect(await keys.whoami(secret, { ip: '10.0.0.1' })).toMatchObject({ ok: true, key, tenant: { id: tenantId } });
      expect(happened.at(-1)).toMatchObject({ name: 'api_key.issued', actor: { userId: 'ada' }, tenantId });
      expect(await keys.verify(secret, { ip: '10.9.9.9' })).toMatchObject({
        ok: true,
        key: { metadata: input.metadata, expiresAt: input.expiresAt, owner: key.owner },
        left: { rate: { limit: 10, remaining: 19 }, tenantRate: null, uses: { used: 1, remaining: 999 } },
      });
    });

    it('refuses by address and by scope, before anything is spent', async () => {
      const { key, secret } = await create().issue({
        tenantId: world.tenantId,
        scopes: ['calls:read', 'bots:*'],
        allowedIps: ['10.0.0.0/8', '2001:db8::/32'],
        uses: { amount: 1 },
      });
      expect(await reasonOf(secret)).toBe('ip_denied');
      expect(await reasonOf(secret, { ip: '192.0.2.1' })).toBe('ip_denied');
      expect(await reasonOf(secret, { ip: 'not an address' })).toBe('ip_denied');
      expect(await reasonOf(secret, { ip: '2001:db8::7', permission: 'calls:write' })).toBe('insufficient_scope');
      expect(await reasonOf(secret, { ip: '10.0.0.1', permission: ['bots:write', 'calls:write'] })).toBe(
        'insufficient_scope',
      );
      expect(await reasonOf(secret, { ip: '10.0.0.1', spend: false })).toBe('ok');
      expect((await create().get({ tenantId: world.tenantId, keyId: key.id }))?.uses?.used).toBe(0);
      expect(await reasonOf(secret, { ip: '::ffff:10.0.0.1', permission: ['bots:write', 'calls:read'] })).toBe('ok');
      expect(await reasonOf(secret, { ip: '10.0.0.1' })).toBe('quota_exceeded');
    });

    it('is switched off and on, and changed', async () => {
      const keys = create();
      const { key, secret } = await keys.issue({ ...world, teamId: null, scopes: ['calls:read'] });
      const ref = { tenantId: world.tenantId, keyId: key.id };
      expect((await keys.disable(ref)).enabled).toBe(false);
      expect(await reasonOf(secret)).toBe('disabled');
      expect((await keys.enable(ref)).enabled).toBe(true);
      expect(await reasonOf(secret)).toBe('ok');
      const changed = await keys.update({
        ...ref,
        name: null,
        scopes: ['bots:write'],
        allowedIps: ['192.0.2.0/24'],
        metadata: { a: 1 },
        rateLimit: { limit: 5, per: 'minute' },
        uses: { amount: 3, per: 'day' },
        expiresAt: new Date('2026-06-01T00:00:00Z'),
        memberId: null,
      });
      expect(changed).toMatchObject({
        name: null,
        scopes: ['bots:write'],
        allowedIps: ['192.0.2.0/24'],
        metadata: { a: 1 },
        rateLimit: { limit: 5, per: 'minute' },
        uses: { amount: 3, per: 'day', used: 0 },
        owner: { kind: 'tenant' },
      });
      expect(await keys.get(ref)).toEqual(changed);
      expect(await keys.verify(secret, { ip: '192.0.2.9', permission: 'bots:write' })).toMatchObject({
        ok: true,
        left: { rate: { limit: 5, remaining: 4 }, uses: { remaining: 2 } },
      });
      const cleared = await keys.update({
        ...ref,
        allowedIps: null,
        metadata: null,
        rateLimit: null,
        uses: null,
        expiresAt: null,
        teamId: world.teamId,
      });
      expect(cleared).toMatchObject({ allowedIps: null, metadata: {}, rateLimit: null, uses: null, expiresAt: null });
      expect(cleared.owner).toEqual({ kind: 'team', teamId: world.teamId });
      expect(await keys.update(ref)).toEqual({ ...cleared });
      expect(happened.slice(-5).map(({ name }) => name)).toEqual([
        'api_key.issued',
        'api_key.disabled',
        'api_key.enabled',
        'api_key.updated',
        'api_key.updated',
      ]);
      expect(happened.at(-1)).toMatchObject({
        data: { changed: ['allowedIps', 'metadata', 'rateLimit', 'uses', 'expiresAt', 'teamId'] },
      });
      await keys.revoke(ref);
      for (const attempt of [
        () => keys.enable(ref),
        () => keys.update({ ...ref, name: 'x' }),
        () => keys.rotate(ref),
        () => keys.update(ref),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ code: 'api_key_not_found' });
      }
    });

    it('gets a new secret; the old one opens for its grace, or not at all, and both share one balance', async () => {
      const keys = create();
      const first = await keys.issue({ tenantId: world.tenantId, uses: { amount: 4 }, environment: 'test' });
      const ref = { tenantId: world.tenantId, keyId: first.key.id };
      const second = await keys.rotate({ ...ref, grace: 60_000 });
      expect(second.key).toMatchObject({ id: first.key.id, start: second.secret.slice(0, 12), rotatedAt: clock() });
      expect(second.secret).toMatch(/^hc_test_/);
      expect(happened.at(-1)).toMatchObject({
        name: 'api_key.rotated',
        data: { previousStart: first.key.start, until: new Date(clock().getTime() + 60_000) },
      });
      expect([await reasonOf(first.secret), await reasonOf(second.secret)]).toEqual(['ok', 'ok']);
      expect((await keys.get(ref))?.uses).toMatchObject({ used: 2, remaining: 2 });
      clock.advance(59_999);
      expect(await reasonOf(first.secret)).toBe('ok');
      clock.advance(1);
      expect([await reasonOf(first.secret), await reasonOf(second.secret)]).toEqual(['expired', 'ok']);
      expect(await reasonOf(second.secret)).toBe('quota_exceeded');
      const third = await keys.rotate(ref);
      expect([await reasonOf(second.secret), await reasonOf(third.secret)]).toEqual(['expired', 'quota_exceeded']);
      // A shorter grace ends what a longer one had left open.
      const fourth = await keys.rotate({ ...ref, grace: 3_600_000 });
      await keys.rotate({ ...ref, grace: 1000 });
      clock.advance(1000);
      expect([await reasonOf(third.secret), await reasonOf(fourth.secret)]).toEqual(['expired', 'expired']);
      for (const grace of [-1, 0.5, Number.NaN, 1e12]) {
        await expect(keys.rotate({ ...ref, grace })).rejects.toMatchObject({ code: 'api_key_invalid' });
      }
      await expect(keys.rotate({ tenantId: uuidv7(), keyId: first.key.id })).rejects.toMatchObject({
        code: 'api_key_not_found',
      });
      const ended = await keys.issue({ tenantId: world.tenantId, expiresAt: new Date(clock().getTime() + 1) });
      clock.advance(1);
      await expect(keys.rotate({ tenantId: world.tenantId, keyId: ended.key.id })).rejects.toMatchObject({
        code: 'api_key_not_found',
      });
    });

    it('ends with its owner: a member who leaves, a team that is removed; keys of the tenant go on', async () => {
      const other = await keyWorld(database.app);
      const keys = create();
      const [ofMember, ofTeam, ofTenant] = [
        await keys.issue({ tenantId: other.tenantId, memberId: other.memberId }),
        await keys.issue({ tenantId: other.tenantId, teamId: other.teamId }),
        await keys.issue({ tenantId: other.tenantId }, { by: { userId: 'ada' } }),
      ];
      await sql`update tenantry.members set status = 'removed' where tenant_id = ${other.tenantId}`.execute(
        database.app,
      );
      await sql`delete from tenantry.teams where tenant_id = ${other.tenantId}`.execute(database.app);
      const secrets = [ofMember.secret, ofTeam.secret, ofTenant.secret];
      expect(await Promise.all(secrets.map((secret) => reasonOf(secret)))).toEqual([
        'member_inactive',
        'team_gone',
        'ok',
      ]);
      const revoked = await keys.revokeAll({ tenantId: other.tenantId, memberId: other.memberId });
      expect(revoked.map(({ id }) => id)).toEqual([ofMember.key.id]);
      await sql`update tenantry.members set status = 'active' where tenant_id = ${other.tenantId}`.execute(
        database.app,
      );
      expect(await reasonOf(ofMember.secret)).toBe('revoked');
      expect(await keys.revokeAll({ tenantId: other.tenantId })).toHaveLength(2);
      expect(await keys.revokeAll({ tenantId: other.tenantId })).toEqual([]);
      expect((await keys.list(other.tenantId, { live: true })).items).toEqual([]);
      expect((await keys.list(other.tenantId)).items).toHaveLength(3);
    });

    it('refuses owners and data that cannot be', async () => {
      const keys = create();
      const other = await keyWorld(database.app);
      const { tenantId } = world;
      const deep: Record<string, unknown> = {};
      deep.self = deep;
      const code = (input: object) =>
        Reflect.apply(keys.issue, keys, [{ tenantId, ...input }]).then(
          () => 'issued',
          (error: unknown) => Reflect.get(Object(error), 'code'),
        );
      for (const input of [
        { memberId: world.memberId, teamId: world.teamId },
        { teamId: other.teamId },
        { teamId: 'core' },
        { scopes: Array.from({ length: 101 }, (_, index) => `a:${index}`) },
        { scopes: [42] },
        { scopes: 'calls' },
        { allowedIps: [] },
        { allowedIps: ['10.0.0.0/40'] },
        { metadata: [] },
        { metadata: deep },
        { metadata: { a: '\u0000' } },
        { metadata: { a: '\ud800' } },
        { metadata: { a: 'x'.repeat(5000) } },
        { metadata: 'text' },
        { rateLimit: { limit: -1, per: 'second' } },
        { rateLimit: { limit: 1, per: 'week' } },
        { uses: { amount: -1 } },
        { uses: { amount: 1.5 } },
        { uses: { amount: Number.NaN } },
        { uses: { amount: 1, per: 'second' } },
        { expiresAt: clock() },
        { environment: 'staging' },
      ]) {
        expect([input, await code(input)]).toEqual([input, 'api_key_invalid']);
      }
      expect(await code({ memberId: other.memberId })).toBe('member_not_found');
      const { key } = await keys.issue({ tenantId });
      const ref = { tenantId, keyId: key.id };
      await expect(keys.update({ ...ref, memberId: other.memberId })).rejects.toMatchObject({
        code: 'member_not_found',
      });
      await expect(keys.update({ ...ref, teamId: other.teamId })).rejects.toMatchObject({ code: 'api_key_invalid' });
      const strange = { ...ref, enabled: false };
      await expect(keys.update(strange)).rejects.toMatchObject({ code: 'api_key_invalid' });
      await expect(keys.update({ ...ref, tenantId: other.tenantId, name: 'x' })).rejects.toMatchObject({
        code: 'api_key_not_found',
      });
      expect((await keys.get(ref))?.owner).toEqual({ kind: 'tenant' });
      expect(await keys.get({ tenantId: other.tenantId, keyId: key.id })).toBeNull();
      expect(await keys.get({ tenantId: 'x', keyId: 'y' })).toBeNull();
    });

    it('writes when keys were last used in one go, and never backwards', async () => {
      const keys = create();
      const issued = [await keys.issue({ tenantId: world.tenantId }), await keys.issue({ tenantId: world.tenantId })];
      const [first, second] = issued.map(({ key }) => ({ tenantId: world.tenantId, keyId: key.id }));
      if (first === undefined || second === undefined) throw new Error('two keys were issued');
      const begun = clock();
      await keys.verify(issued[0]?.secret);
      await keys.verify(issued[0]?.secret);
      await keys.verify(issued[1]?.secret, { spend: false });
      await keys.verify(issued[1]?.secret, { permission: 'calls:write', ip: 'x' });
      expect((await keys.get(first))?.lastUsedAt).toBeNull();
      await keys.flush();
      expect([(await keys.get(first))?.lastUsedAt, (await keys.get(second))?.lastUsedAt]).toEqual([begun, begun]);
      clock.advance(-3_600_000);
      await keys.verify(issued[0]?.secret);
      await keys.flush();
      expect((await keys.get(first))?.lastUsedAt).toEqual(begun);
      clock.advance(7_200_000);
      await keys.verify(issued[0]?.secret);
      await keys.close();
      expect((await keys.get(first))?.lastUsedAt).toEqual(clock());
    });

    it('ends a leaked secret: the key with its newest one, an old one alone', async () => {
      const keys = create();
      const first = await keys.issue({ tenantId: world.tenantId });
      const ref = { tenantId: world.tenantId, keyId: first.key.id };
      const second = await keys.rotate({ ...ref, grace: 3_600_000 });
      const report = (secret: string) => keys.reportLeak({ secret, source: 'github', url: 'https://github.com/a/b' });
      expect(await report(first.secret)).toMatchObject({ ended: 'secret', key: { id: first.key.id, revokedAt: null } });
      expect([await reasonOf(first.secret), await reasonOf(second.secret)]).toEqual(['expired', 'ok']);
      expect(await report(first.secret)).toMatchObject({ ended: 'nothing' });
      expect(await report(second.secret)).toMatchObject({ ended: 'key', key: { revokedAt: clock() } });
      expect(await reasonOf(second.secret)).toBe('revoked');
      expect(await report(second.secret)).toMatchObject({ ended: 'nothing' });
      expect(happened.slice(-3)).toMatchObject([
        { name: 'api_key.revoked' },
        { name: 'api_key.leaked', data: { source: 'github', url: 'https://github.com/a/b', ended: 'key' } },
        { name: 'api_key.leaked', data: { ended: 'nothing' } },
      ]);
      expect(JSON.stringify(happened)).not.toContain(second.secret.slice(13));
      for (const secret of ['', 'x', 'hc_live_nonsense', 'x'.repeat(10_000)]) expect(await report(secret)).toBeNull();
    });
  });
}
