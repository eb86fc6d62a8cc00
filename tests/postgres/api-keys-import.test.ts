import { createHash, createHmac, randomBytes, scryptSync } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ApiKeysOptions,
  createApiKeys,
  hmacForm,
  pepperedForm,
  saltedMatches,
  scryptMatches,
} from '../../src/api-keys/index.ts';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { keyWorld } from '../support/key-world.ts';
import { until } from '../support/until.ts';

type Database = Record<string, never>;
const sha256 = (text: string) => createHash('sha256').update(text);

for (const make of [postgresDatabase, pgliteDatabase]) {
  describe(`keys of another system (${make === pgliteDatabase ? 'PGlite' : 'PostgreSQL, plain role'})`, () => {
    let database: TestDatabase<Database>;
    let tenantId = '';
    let memberId = '';
    const create = (options: ApiKeysOptions) =>
      createApiKeys({ db: database.app, prefix: 'hc', lastUsed: false, ...options });
    const digests = async (keyId: string) =>
      (
        await sql<{ digest: string; hash: string | null; scheme: string }>`
          select d.digest, d.hash, k.scheme from tenantry.api_key_digests d
          join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id where k.id = ${keyId}`.execute(
          database.app,
        )
      ).rows;

    beforeAll(async () => {
      database = await make<Database>();
      ({ tenantId, memberId } = await keyWorld(database.app));
    });
    afterAll(() => database.destroy());

    it.each([
      ['sha256-hex', (secret: string) => sha256(secret).digest('hex')],
      ['sha256-base64', (secret: string) => sha256(secret).digest('base64')],
      ['sha256-base64url', (secret: string) => sha256(secret).digest('base64url')],
    ] as const)('opens a key that was stored as %s', async (scheme, digestOf) => {
      const keys = create({ foreign: /^sk_[\w-]+$/ });
      const secret = `sk_${randomBytes(16).toString('hex')}`;
      const [key] = await keys.importKeys(tenantId, [
        { digest: digestOf(secret), scheme, start: secret.slice(0, 7), memberId },
      ]);
      expect(await keys.verify(secret)).toMatchObject({ ok: true, key: { id: key?.id }, member: { userId: 'ada' } });
      await keys.flush();
      expect(await digests(key?.id ?? '')).toEqual([{ digest: sha256(secret).digest('hex'), hash: null, scheme }]);
    });

    it.each([
      [
        'a pepper behind',
        (s: string) => sha256(`${s}pepper`).digest('base64'),
        pepperedForm({ pattern: /^pk_\w+$/, pepper: 'pepper' }),
      ],
      [
        'a pepper before',
        (s: string) => sha256(`pepper${s}`).digest('base64'),
        pepperedForm({ pattern: /^pk_\w+$/, pepper: 'pepper', place: 'before' }),
      ],
      [
        'an HMAC',
        (s: string) => createHmac('sha256', 'key').update(s).digest('base64'),
        hmacForm({ pattern: /^pk_\w+$/g, key: 'key' }),
      ],
      [
        'an HMAC under bytes',
        (s: string) =>
          createHmac('sha256', Buffer.from([1, 2]))
            .update(s)
            .digest('base64'),
        hmacForm({ pattern: /^pk_\w+$/, key: Buffer.from([1, 2]) }),
      ],
    ])('opens a key that was stored with %s, and stores it as its own afterwards', async (_name, digestOf, form) => {
      const secret = `pk_${randomBytes(16).toString('hex')}`;
      const keys = create({ foreign: [/^zz_/, form] });
      const [key] = await keys.importKeys(tenantId, [
        { digest: digestOf(secret), scheme: 'sha256-base64', start: 'pk_' },
      ]);
      expect(await keys.verify(`${secret}0`)).toEqual({ ok: false, reason: 'not_found' });
      expect(await keys.verify(secret)).toMatchObject({ ok: true, key: { id: key?.id } });
      await keys.flush();
      expect(await digests(key?.id ?? '')).toEqual([
        { digest: sha256(secret).digest('hex'), hash: null, scheme: 'sha256' },
      ]);
      // The pepper is needed no more.
      expect(await create({ foreign: /^pk_/ }).verify(secret)).toMatchObject({ ok: true, key: { id: key?.id } });
    });

    it('opens keys with slow hashes, which it finds by a part of the secret and computes once', async () => {
      let computed = 0;
      const salt = randomBytes(16);
      const phc = (secret: string) =>
        `$scrypt$ln=10,r=8,p=1$${salt.toString('base64').replace(/=+$/, '')}$${scryptSync(secret, salt, 32, { N: 1024 }).toString('base64').replace(/=+$/, '')}`;
      const pair = (secret: string) => `abcdef:${scryptSync(secret, 'abcdef', 64, { N: 1024, r: 16 }).toString('hex')}`;
      const salted = (secret: string) => `pinch$${sha256(`pinch${secret}`).digest('hex')}`;
      const keys = create({
        foreign: {
          pattern: /^tk_[a-z]{4}_[0-9a-f]{16}$/,
          lookupOf: (secret) => secret.slice(3, 7),
          verify(secret, hash) {
            computed += 1;
            return hash.startsWith('pinch')
              ? saltedMatches(secret, hash)
              : scryptMatches(secret, hash, { N: 1024, r: 16 });
          },
        },
      });
      const make = (lookup: string) => `tk_${lookup}_${randomBytes(8).toString('hex')}`;
      const secrets = [make('aaaa'), make('aaaa'), make('bbbb'), make('cccc')];
      const [a, b, c, d] = secrets.map(String);
      if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four were made');
      const imported = await keys.importKeys(tenantId, [
        { hash: phc(a), lookup: 'aaaa', start: 'tk_aaaa' },
        { hash: pair(b), lookup: 'aaaa', start: 'tk_aaaa' },
        { hash: salted(c), lookup: 'bbbb', start: 'tk_bbbb', uses: { amount: 2 } },
        { hash: salted(d), lookup: 'cccc', start: 'tk_cccc', revokedAt: new Date('2025-01-01') },
      ]);
      expect(imported.map(({ scheme }) => scheme)).toEqual(['foreign', 'foreign', 'foreign', 'foreign']);
      for (const [index, secret] of [a, b, c].entries()) {
        expect(await keys.verify(secret)).toMatchObject({ ok: true, key: { id: imported[index]?.id } });
      }
      expect(await keys.verify(d)).toEqual({ ok: false, reason: 'revoked' });
      await keys.flush();
      for (const [index, secret] of secrets.entries()) {
        const digest = sha256(secret).digest('hex');
        expect(await digests(imported[index]?.id ?? '')).toEqual([{ digest, hash: null, scheme: 'sha256' }]);
      }
      const before = computed;
      for (const secret of [a, b, c]) expect(await keys.verify(secret)).toMatchObject({ ok: true });
      expect(await keys.verify(c)).toMatchObject({ ok: false, reason: 'quota_exceeded' });
      expect(computed).toBe(before);
      expect(await keys.verify(make('aaaa'))).toEqual({ ok: false, reason: 'not_found' });
      expect(await keys.verify(make('zzzz'))).toEqual({ ok: false, reason: 'not_found' });
      expect(computed).toBe(before);
    });

    it('keeps a foreign hash through a rotation for its grace, and finds by a lookup exactly, not by its beginning', async () => {
      const keys = create({
        foreign: {
          pattern: /^uk_/,
          lookupOf: (secret) => secret.split('_')[1] ?? '',
          verify: (secret, hash) => hash === `is ${secret}`,
        },
      });
      const [key, other] = await keys.importKeys(tenantId, [
        { hash: 'is uk_ab_1', lookup: 'ab', start: 'uk_ab' },
        { hash: 'is uk_abc_1', lookup: 'abc', start: 'uk_abc' },
      ]);
      expect(await keys.verify('uk_a_1')).toEqual({ ok: false, reason: 'not_found' });
      expect(await keys.verify('uk_abc_1', { spend: false })).toMatchObject({ ok: true, key: { id: other?.id } });
      const { secret } = await keys.rotate({ tenantId, keyId: key?.id ?? '', grace: 3_600_000 });
      expect(await keys.verify('uk_ab_1')).toMatchObject({ ok: true, key: { id: key?.id } });
      await keys.flush();
      expect(await keys.verify('uk_ab_1')).toMatchObject({ ok: true, key: { id: key?.id } });
      await keys.rotate({ tenantId, keyId: key?.id ?? '' });
      expect(await keys.verify('uk_ab_1')).toEqual({ ok: false, reason: 'expired' });
      expect(await keys.verify(secret)).toEqual({ ok: false, reason: 'expired' });
    });

    it('keeps a lane for slow hashes, and turns away whoever comes when it is full', async () => {
      let let_go: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        let_go = resolve;
      });
      let most = 0;
      let running = 0;
      const keys = create({
        foreign: {
          pattern: /^vk_\d+$/,
          lookupOf: () => 'one',
          async verify(secret, hash) {
            running += 1;
            most = Math.max(most, running);
            await gate;
            running -= 1;
            return secret === hash;
          },
        },
      });
      await keys.importKeys(tenantId, [{ hash: 'vk_7', lookup: 'one', start: 'vk_' }]);
      const { secret } = await keys.issue({ tenantId });
      const slow = Array.from({ length: 100 }, (_, index) => keys.verify(`vk_${index}`));
      let settled = 0;
      for (const one of slow) void one.then(() => (settled += 1));
      // Keys of the library pass by.
      expect(await keys.verify(secret)).toMatchObject({ ok: true });
      await until(() => settled === 34 && running === 2);
      let_go();
      const reasons = (await Promise.all(slow)).map((result) => (result.ok ? 'ok' : result.reason));
      expect(reasons[7]).toBe('ok');
      expect(reasons.filter((reason) => reason === 'rate_limited')).toHaveLength(34);
      expect(reasons.filter((reason) => reason === 'not_found')).toHaveLength(65);
      expect(most).toBe(2);
    });

    it('opens for all who come at once with their first use, in several processes, and computes once in each', async () => {
      const computed = [0, 0];
      const processes = computed.map((_, index) =>
        create({
          foreign: [
            pepperedForm({ pattern: /^xp_/, pepper: 'pepper' }),
            {
              pattern: /^xk_/,
              lookupOf: () => 'burst',
              async verify(secret, hash) {
                computed[index] = (computed[index] ?? 0) + 1;
                await new Promise((resolve) => setTimeout(resolve, 5));
                return hash === `is ${secret}`;
              },
            },
          ],
        }),
      );
      const [one, other] = processes;
      const digest = sha256('xp_1pepper').digest('hex');
      await one?.importKeys(tenantId, [
        { hash: 'is xk_1', lookup: 'burst', start: 'xk' },
        { digest, scheme: 'sha256-hex', start: 'xp' },
      ]);
      const calls = Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? one : other)?.verify(index % 4 < 2 ? 'xk_1' : 'xp_1'),
      );
      expect((await Promise.all(calls)).filter((result) => result?.ok !== true)).toEqual([]);
      expect(Math.max(...computed)).toBe(1);
      await Promise.all(processes.map((keys) => keys.flush()));
    });

    it('ends the secret that leaked, and what a rotation replaced, though it is stored anew at that moment', async () => {
      const keys = create({
        foreign: {
          pattern: /^yk_/,
          lookupOf: (secret) => secret.slice(0, 5),
          verify: (secret, hash) => hash === `is ${secret}`,
        },
      });
      for (let round = 10; round < 30; round += 1) {
        const old = `yk_${round}`;
        const [key] = await keys.importKeys(tenantId, [{ hash: `is ${old}`, lookup: old, start: 'yk' }]);
        const ref = { tenantId, keyId: key?.id ?? '' };
        if (round % 2 === 0) {
          const { secret } = await keys.rotate({ ...ref, grace: 3_600_000 });
          expect(await keys.reportLeak({ secret: old, source: 'scan' })).toMatchObject({ ended: 'secret' });
          expect(await keys.verify(secret)).toMatchObject({ ok: true });
        } else {
          // The rotation comes before, within or after what the first use does beside it.
          await Promise.all([keys.verify(old), keys.rotate(ref)]);
        }
        await keys.flush();
        expect(await keys.verify(old)).toEqual({ ok: false, reason: 'expired' });
      }
    });

    it('takes keys over that were closed, and none that is no object', async () => {
      const keys = create({ foreign: /^zk_/ });
      const input = { digest: sha256('zk_1').digest('hex'), scheme: 'sha256-hex', start: 'zk' } as const;
      for (const wrong of [null, 5, { ...input, enabled: 'no' }]) {
        await expect(Reflect.apply(keys.importKeys, undefined, [tenantId, [wrong]])).rejects.toMatchObject({
          code: 'api_key_invalid',
        });
      }
      const [key] = await keys.importKeys(tenantId, [{ ...input, enabled: false }]);
      expect(await keys.verify('zk_1')).toEqual({ ok: false, reason: 'disabled' });
      await keys.enable({ tenantId, keyId: key?.id ?? '' });
      expect(await keys.verify('zk_1')).toMatchObject({ ok: true });
    });

    it('refuses what cannot be imported, all of it', async () => {
      const keys = create({});
      const good = { hash: 'h', lookup: 'crowd', start: 'x' };
      for (const wrong of [
        { ...good, lookup: '' },
        { ...good, lookup: 'a~b' },
        { ...good, lookup: 'é' },
        { ...good, lookup: 'x'.repeat(65) },
        { ...good, hash: '' },
        { ...good, hash: 'a\u0000' },
        { ...good, hash: 'x'.repeat(501) },
        { digest: sha256('a').digest('base64'), scheme: 'sha256-base64url' as const, start: 'x' },
        { digest: sha256('a').digest('hex'), scheme: 'sha256-base64' as const, start: 'x' },
      ]) {
        await expect(keys.importKeys(tenantId, [good, wrong])).rejects.toMatchObject({ code: 'api_key_invalid' });
      }
      const crowd = Array.from({ length: 5 }, () => good);
      await keys.importKeys(tenantId, crowd);
      await expect(keys.importKeys(tenantId, [good])).rejects.toMatchObject({ code: 'api_key_invalid' });
      await expect(
        keys.importKeys(
          tenantId,
          crowd.concat(crowd).map((one) => ({ ...one, lookup: 'other' })),
        ),
      ).rejects.toMatchObject({
        code: 'api_key_invalid',
      });
      for (const foreign of ['^sk', {}, { pattern: 'x' }, { pattern: /x/, verify: () => true }, [/x/, null]]) {
        expect(() => Reflect.apply(create, undefined, [{ foreign }])).toThrow(
          expect.objectContaining({ code: 'config_invalid' }),
        );
      }
    });
  });
}

it('opens keys whose bcrypt hashes another library verifies, and never asks it again', async () => {
  const database = await postgresDatabase<Database>();
  // pgcrypto computes the same bcrypt as the libraries for Node, which programs hand in as `verify`.
  await sql`create extension pgcrypto`.execute(database.owner);
  let asked = 0;
  const keys = createApiKeys({
    db: database.app,
    prefix: 'hc',
    lastUsed: false,
    foreign: {
      pattern: /^bk_[0-9a-f]{8}\.[0-9a-f]{32}$/,
      lookupOf: (secret) => secret.slice(3, 11),
      async verify(secret, hash) {
        asked += 1;
        const { rows } = await sql<{
          same: boolean;
        }>`select public.crypt(${secret}, ${hash}) = ${hash} as same`.execute(database.app);
        return rows[0]?.same === true;
      },
    },
  });
  const { tenantId } = await keyWorld(database.app);
  const secret = `bk_0123abcd.${randomBytes(16).toString('hex')}`;
  const { rows } = await sql<{
    hash: string;
  }>`select public.crypt(${secret}, public.gen_salt('bf', 6)) as hash`.execute(database.app);
  const hash = rows[0]?.hash ?? '';
  expect(hash).toMatch(/^\$2a\$06\$/);
  await keys.importKeys(tenantId, [{ hash, lookup: '0123abcd', start: 'bk_0123' }]);
  expect(await keys.verify(secret)).toMatchObject({ ok: true });
  await keys.flush();
  expect(await Promise.all([keys.verify(secret), keys.verify(`bk_0123abcd.${'0'.repeat(32)}`)])).toMatchObject([
    { ok: true },
    { ok: false, reason: 'not_found' },
  ]);
  // The hash is gone with the first use, so the made-up secret found none to compare with.
  expect(asked).toBe(1);
  await database.destroy();
});
