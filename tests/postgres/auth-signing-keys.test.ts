import { createPrivateKey, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { sql } from 'kysely';
import { createAuth, createSigningKey, createTokenVerifier, type JsonWebKey } from 'tenantry/auth';
import { createSecretBox } from 'tenantry/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, issuer } from '../support/auth-world.ts';

let world: AuthWorld;
let person: Awaited<ReturnType<AuthWorld['signedUp']>>;
let privateKey: KeyObject;

beforeAll(async () => {
  world = await authWorld();
  privateKey = createPrivateKey({ key: { ...world.key }, format: 'jwk' });
});
afterAll(() => world.database.destroy());
beforeEach(async () => {
  person = await world.signedUp();
});

describe('signing keys in the database', () => {
  const secrets = createSecretBox([{ id: 'k1', key: Buffer.alloc(32, 7) }]);
  const process = () =>
    createAuth({
      db: world.database.app,
      clock: world.clock,
      tenancy: world.tenancy,
      issuer,
      audience,
      keys: { secrets },
    });
  const kidOf = (text: string) => decodeProtectedHeader(text).kid;

  async function tokenOf(auth: ReturnType<typeof process>): Promise<string> {
    const started = await auth.sessions.start({ userId: person.userId });
    if (!started.ok) throw new Error('refused');
    return started.tokens.accessToken;
  }

  it('are made when first needed, sealed, and known to every process', async () => {
    const [one, two] = [process(), process()];
    expect(await one.keys.jwks()).toEqual({ keys: [] });
    const [first, second] = [await tokenOf(one), await tokenOf(two)];
    expect(kidOf(first)).toBe(kidOf(second));
    expect(await two.authenticate(first)).toMatchObject({ ok: true });
    const { rows } = await sql<{ private_key: string; public_key: JsonWebKey }>`
      select private_key, public_key from tenantry.signing_keys`.execute(world.database.app);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.private_key).toMatch(/^ts1\.k1\./);
    expect(Object.keys(rows[0]?.public_key ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  it('rotate: the new one is published before it signs, and the old one verifies until its last token is over', async () => {
    const { clock } = world;
    const [one, two] = [process(), process()];
    const before = await tokenOf(one);
    const { kid } = await one.keys.rotate();
    expect((await two.keys.jwks()).keys.map((key) => key.kid)).toHaveLength(2);
    expect(kidOf(await tokenOf(one))).toBe(kidOf(before));
    clock.advance(11 * 60_000);
    const after = await tokenOf(two);
    expect(kidOf(after)).toBe(kid);
    expect(await one.authenticate(after)).toMatchObject({ ok: true });
    const old = (await one.keys.jwks()).keys.length;
    clock.advance(10 * 60_000);
    expect([old, (await one.keys.jwks()).keys.length]).toEqual([2, 1]);
  });

  it('are read anew for an unknown name, but not for each of a thousand made-up ones', async () => {
    const { clock } = world;
    let loads = 0;
    const one = process();
    const verify = createTokenVerifier({
      issuer,
      audience,
      clock,
      keys: {
        load: async () => {
          loads += 1;
          return one.keys.jwks();
        },
      },
    });
    expect(await verify(await tokenOf(one))).toMatchObject({ ok: true });
    const made = async (kid: string) =>
      new SignJWT(decodeJwt(person.tokens.accessToken))
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
        .sign(privateKey);
    for (let n = 0; n < 50; n += 1)
      expect(await verify(await made(`made-up-${n}`))).toMatchObject({ reason: 'key_unknown' });
    expect(loads).toBe(1);
    clock.advance(11_000);
    await one.keys.rotate({ at: 'once' });
    expect(await verify(await tokenOf(one))).toMatchObject({ ok: true });
    expect(loads).toBe(2);
  });

  it('that are known go on for an hour while no set can be loaded, and what is no set is told', async () => {
    const { clock } = world;
    const one = process();
    let load = () => one.keys.jwks();
    const verify = createTokenVerifier({ issuer, audience, clock, keys: { load: () => load() }, tolerance: 300 });
    expect(await verify(await tokenOf(one))).toMatchObject({ ok: true });
    load = () => Promise.reject(new Error('down'));
    clock.advance(6 * 60_000);
    const later = await tokenOf(one);
    expect(await verify(later)).toMatchObject({ ok: true });
    for (const answer of [{}, null, { error: 'no' }, { keys: {} }]) {
      const options = { issuer, audience, clock, keys: { load: async () => answer } };
      const strange: typeof verify = Reflect.apply(createTokenVerifier, undefined, [options]);
      await expect(strange(later)).rejects.toThrow('no JSON Web Key Set');
    }
    expect(() => createTokenVerifier({ issuer, audience, keys: { load }, tolerance: 3600 })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });

  it('end at once when one leaked', async () => {
    const one = process();
    const leaked = await tokenOf(one);
    await one.keys.rotate({ at: 'once' });
    expect(await one.authenticate(leaked)).toMatchObject({ ok: true });
    expect(await one.keys.end({ kid: kidOf(leaked) ?? '' })).toBe(true);
    expect(await one.authenticate(leaked)).toEqual({ ok: false, reason: 'key_unknown' });
    expect(await process().authenticate(leaked)).toEqual({ ok: false, reason: 'key_unknown' });
    expect(await one.keys.end({ kid: 'nothing' })).toBe(false);
  });

  it('that are handed in rotate by their order', async () => {
    const next = await createSigningKey();
    const rolled = createAuth({
      db: world.database.app,
      clock: world.clock,
      tenancy: world.tenancy,
      issuer,
      audience,
      keys: [next, world.key],
    });
    expect(await rolled.authenticate(person.tokens.accessToken)).toMatchObject({ ok: true });
    expect((await rolled.keys.jwks()).keys).toHaveLength(2);
    await expect(rolled.keys.rotate()).rejects.toMatchObject({ code: 'config_invalid' });
    expect(JSON.stringify(await rolled.keys.jwks())).not.toContain('"d"');
  });
});
