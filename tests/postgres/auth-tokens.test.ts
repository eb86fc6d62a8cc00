import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { createTenantry, fromHeader } from 'tenantry';
import { createTokenVerifier } from 'tenantry/auth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, bearer, issuer } from '../support/auth-world.ts';
import { countingDatabase } from '../support/counting.ts';

let world: AuthWorld;
let person: Awaited<ReturnType<AuthWorld['signedUp']>>;
let token: string;
let privateKey: KeyObject;
let publicKey: KeyObject;

beforeAll(async () => {
  world = await authWorld();
  privateKey = createPrivateKey({ key: { ...world.key }, format: 'jwk' });
  publicKey = createPublicKey(privateKey);
});
afterAll(() => world.database.destroy());
beforeEach(async () => {
  person = await world.signedUp();
  token = person.tokens.accessToken;
});

type Json = Readonly<Record<string, unknown>>;
const encode = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = (): Json => ({ ...decodeProtectedHeader(token) });
const payload = (): Json => ({ ...decodeJwt(token) });

/** A token with another header or payload, under any signature. */
function forged(head: Json, body: Json, signer: (input: string) => Buffer): string {
  const input = `${encode(head)}.${encode(body)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}
const bySigningKey = (input: string): Buffer => sign(null, Buffer.from(input), privateKey);
const byStranger = (input: string): Buffer => sign(null, Buffer.from(input), generateKeyPairSync('ed25519').privateKey);
const byNobody = (): Buffer => Buffer.alloc(0);

describe('an access token', () => {
  it('is of type at+jwt, signed with EdDSA, for five minutes, and names the role and no permission', () => {
    const { user, tenantId, session } = person;
    expect(header()).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: expect.any(String) });
    const iat = world.clock().getTime() / 1000;
    expect(payload()).toEqual({
      iss: issuer,
      aud: audience,
      sub: user.userId,
      sid: session.sessionId,
      tid: tenantId,
      role: 'owner',
      mid: expect.any(String),
      mv: expect.any(Number),
      jti: expect.any(String),
      iat,
      exp: iat + 300,
    });
  });

  it('is taken by who has the public keys alone, until it is over', async () => {
    const { auth, clock } = world;
    const verify = createTokenVerifier({ issuer, audience, keys: { load: () => auth.keys.jwks() }, clock });
    expect(await verify(token)).toMatchObject({
      ok: true,
      claims: { userId: person.userId, tenantId: person.tenantId },
    });
    clock.advance(306_000);
    expect(await verify(token)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is refused once its session has ended, and others of the user are not', async () => {
    const { auth, access } = world;
    const other = await auth.sessions.start({ userId: person.userId });
    await auth.sessions.end({ userId: person.userId, sessionId: person.session.sessionId });
    const refused = access.authenticate(bearer(token));
    await expect(refused).rejects.toMatchObject({ code: 'unauthenticated', details: { reason: 'session_ended' } });
    expect(await access.verify(bearer(token))).toEqual({ ok: false, reason: 'session_ended' });
    if (!other.ok) throw new Error('refused');
    expect((await access.authenticate(bearer(other.tokens.accessToken))).userId).toBe(person.userId);
  });

  it('takes two statements at the gate, and none by itself', async () => {
    const counting = countingDatabase<Record<never, never>>(world.database.urls?.app ?? '');
    const { access, auth } = createTenantry({
      db: counting.db,
      plans: world.plans,
      strategy: world.strategy,
      clock: world.clock,
      auth: { issuer, audience, keys: [world.key] },
    });
    await access.authenticate(bearer(token));
    expect(await counting.during(() => access.authenticate(bearer(token)))).toHaveLength(2);
    expect(await counting.during(() => auth.verifyToken(token))).toEqual([]);
    await counting.destroy();
  });
});

describe('a token that was made up', () => {
  const forgeries: readonly [string, string, () => string][] = [
    ['without a signature', 'algorithm_refused', () => forged({ ...header(), alg: 'none' }, payload(), byNobody)],
    [
      'with "NoNe" for an algorithm',
      'algorithm_refused',
      () => forged({ ...header(), alg: 'NoNe' }, payload(), byNobody),
    ],
    [
      'under an HMAC with the public key for its secret',
      'algorithm_refused',
      () => {
        const pem = publicKey.export({ format: 'pem', type: 'spki' });
        return forged({ ...header(), alg: 'HS256' }, payload(), (input) =>
          createHmac('sha256', pem).update(input).digest(),
        );
      },
    ],
    [
      'under an HMAC with the raw public key for its secret',
      'algorithm_refused',
      () => {
        const { x = '' } = publicKey.export({ format: 'jwk' });
        const raw = Buffer.from(x, 'base64url');
        return forged({ ...header(), alg: 'HS256' }, payload(), (input) =>
          createHmac('sha256', raw).update(input).digest(),
        );
      },
    ],
    ['of another algorithm', 'algorithm_refused', () => forged({ ...header(), alg: 'ES256' }, payload(), byStranger)],
    ['by a key of a stranger', 'signature_invalid', () => forged(header(), payload(), byStranger)],
    ['with a signature cut off', 'signature_invalid', () => token.slice(0, -20)],
    ['without its signature', 'signature_invalid', () => token.replace(/[^.]*$/, '')],
    [
      'with the name of another user in it',
      'signature_invalid',
      () => token.replace(/\.[^.]*\./, `.${encode({ ...payload(), sub: 'somebody-else' })}.`),
    ],
    [
      'with the name of another tenant in it',
      'signature_invalid',
      () => token.replace(/\.[^.]*\./, `.${encode({ ...payload(), tid: crypto.randomUUID() })}.`),
    ],
    [
      'with a higher role in it',
      'signature_invalid',
      () => token.replace(/\.[^.]*\./, `.${encode({ ...payload(), role: 'god' })}.`),
    ],
    [
      'under a key that is not there',
      'key_unknown',
      () => forged({ ...header(), kid: 'other' }, payload(), byStranger),
    ],
    ['under no key', 'key_unknown', () => forged({ alg: 'EdDSA', typ: 'at+jwt' }, payload(), byStranger)],
    [
      'with a path for a key',
      'key_unknown',
      () => forged({ ...header(), kid: '../../dev/null' }, payload(), byStranger),
    ],
    [
      'with SQL for a key',
      'key_unknown',
      () => forged({ ...header(), kid: "' union select '" }, payload(), byStranger),
    ],
    [
      'with an address for a key',
      'key_unknown',
      () => forged({ ...header(), kid: 'http://127.0.0.1/' }, payload(), byStranger),
    ],
    ['with a number for a key', 'key_unknown', () => forged({ ...header(), kid: 1 }, payload(), byStranger)],
    [
      'with a prototype for a key',
      'key_unknown',
      () => forged({ ...header(), kid: '__proto__' }, payload(), byStranger),
    ],
    [
      'that brings its own key',
      'header_refused',
      () => {
        const own = generateKeyPairSync('ed25519');
        const jwk = own.publicKey.export({ format: 'jwk' });
        return forged({ ...header(), jwk }, payload(), (input) => sign(null, Buffer.from(input), own.privateKey));
      },
    ],
    [
      'that says where its key is',
      'header_refused',
      () => forged({ ...header(), jku: 'http://127.0.0.1/k' }, payload(), byStranger),
    ],
    [
      'that says where its certificate is',
      'header_refused',
      () => forged({ ...header(), x5u: 'http://127.0.0.1/' }, payload(), byStranger),
    ],
    [
      'that brings a certificate',
      'header_refused',
      () => forged({ ...header(), x5c: ['MIIB'] }, payload(), byStranger),
    ],
    [
      'that asks for an extension',
      'header_refused',
      () => forged({ ...header(), crit: ['exp'] }, payload(), bySigningKey),
    ],
    [
      'that asks for an unencoded payload',
      'header_refused',
      () => forged({ ...header(), b64: false, crit: ['b64'] }, payload(), bySigningKey),
    ],
    [
      'that is a refresh token by its type',
      'type_refused',
      () => forged({ ...header(), typ: 'refresh+jwt' }, payload(), bySigningKey),
    ],
    [
      'that is any token by its type',
      'type_refused',
      () => forged({ ...header(), typ: 'JWT' }, payload(), bySigningKey),
    ],
    ['of no type', 'type_refused', () => forged({ alg: 'EdDSA', kid: header().kid }, payload(), bySigningKey)],
    [
      'of another issuer',
      'issuer_refused',
      () => forged(header(), { ...payload(), iss: 'https://evil.example' }, bySigningKey),
    ],
    ['of several issuers', 'issuer_refused', () => forged(header(), { ...payload(), iss: [issuer] }, bySigningKey)],
    [
      'for another audience',
      'audience_refused',
      () => forged(header(), { ...payload(), aud: 'https://other.example' }, bySigningKey),
    ],
    ['for nobody', 'audience_refused', () => forged(header(), { ...payload(), aud: [] }, bySigningKey)],
    ['that is over', 'expired', () => forged(header(), { ...payload(), exp: 1 }, bySigningKey)],
    [
      'that is not good yet',
      'not_yet_valid',
      () => forged(header(), { ...payload(), nbf: 4_000_000_000 }, bySigningKey),
    ],
    ['without an end', 'claims_invalid', () => forged(header(), { ...payload(), exp: undefined }, bySigningKey)],
    [
      'with an end that is no number',
      'claims_invalid',
      () => forged(header(), { ...payload(), exp: '4000000000' }, bySigningKey),
    ],
    ['without a user', 'claims_invalid', () => forged(header(), { ...payload(), sub: undefined }, bySigningKey)],
    ['without a session', 'claims_invalid', () => forged(header(), { ...payload(), sid: undefined }, bySigningKey)],
    [
      'with a session that is none',
      'claims_invalid',
      () => forged(header(), { ...payload(), sid: "' or 1=1" }, bySigningKey),
    ],
    ['with a tenant that is none', 'claims_invalid', () => forged(header(), { ...payload(), tid: '*' }, bySigningKey)],
    ['with an actor that is none', 'claims_invalid', () => forged(header(), { ...payload(), act: {} }, bySigningKey)],
    [
      'with a member and no version',
      'claims_invalid',
      () => forged(header(), { ...payload(), mv: undefined }, bySigningKey),
    ],
    ['of four parts', 'malformed', () => `${token}.x`],
    [
      'with a signature in another spelling',
      'signature_invalid',
      () => token.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1)),
    ],
    ['of two parts', 'malformed', () => token.split('.').slice(0, 2).join('.')],
    ['of five parts, as if it were encrypted', 'malformed', () => `${token}.x.y`],
    ['with a header that is no JSON', 'malformed', () => token.replace(/^[^.]*/, 'bm90IGpzb24')],
    [
      'with a list for a payload',
      'malformed',
      () => token.replace(/\.[^.]*\./, `.${Buffer.from('[]').toString('base64url')}.`),
    ],
    ['with white space in it', 'malformed', () => `${token} `],
    ['with signs of another base64 in it', 'malformed', () => `${token.slice(0, -2)}+/`],
    ['of ten thousand letters', 'malformed', () => `${token}${'A'.repeat(10_000)}`],
    ['that is empty', 'malformed', () => ''],
  ];

  it.each(forgeries)('%s is refused: %s', async (_, reason, make) => {
    expect(await world.auth.verifyToken(make())).toEqual({ ok: false, reason });
    expect(await world.auth.authenticate(make())).toEqual({ ok: false, reason });
  });

  it('is refused whatever it is that comes as a token', async () => {
    for (const value of [undefined, null, 1, {}, [token], Buffer.from(token)]) {
      expect(await world.auth.verifyToken(value)).toEqual({ ok: false, reason: 'malformed' });
    }
  });

  it("opens no other tenant when it was signed for one of which the user is no member, or for another's session", async () => {
    const { auth, access } = world;
    const stranger = await world.signedUp();
    const elsewhere = forged(header(), { ...payload(), tid: stranger.tenantId }, bySigningKey);
    expect(await auth.authenticate(elsewhere)).toEqual({ ok: false, reason: 'membership_changed' });
    const memberless = { ...payload(), tid: stranger.tenantId, mid: undefined, mv: undefined };
    const refused = access.authenticate(bearer(forged(header(), memberless, bySigningKey)));
    await expect(refused).rejects.toMatchObject({ code: 'tenant_not_found' });
    const stolen = forged(header(), { ...payload(), sid: stranger.session.sessionId }, bySigningKey);
    expect(await auth.authenticate(stolen)).toEqual({ ok: false, reason: 'session_ended' });
  });

  it('opens no tenant but its own when a request names another', async () => {
    const { auth, access } = world;
    const other = await world.tenancy.provision({ userId: person.userId, name: 'Other' });
    const request = (tenantId: string) => ({ headers: { ...bearer(token), 'x-tenant': tenantId } });
    expect((await access.forRequest(request(person.tenantId))).tenant.id).toBe(person.tenantId);
    const { access: gate } = createTenantry({
      db: world.database.app,
      plans: world.plans,
      strategy: world.strategy,
      clock: world.clock,
      resolution: [fromHeader('x-tenant')],
      auth: { issuer, audience, keys: [world.key] },
    });
    await expect(gate.forRequest(request(other.tenantId))).rejects.toMatchObject({ code: 'tenant_not_found' });
    expect((await gate.forRequest(request(person.tenantId))).tenant.id).toBe(person.tenantId);
    expect(await auth.authenticate(token)).toMatchObject({ ok: true });
  });
});

describe('the membership in a token', () => {
  it('is compared: another role, and the token is made anew by a refresh', async () => {
    const { auth, access, organizations } = world;
    const guest = await auth.users.create({ email: `guest-${person.userId}@acme.example` });
    await organizations.members.add({ tenantId: person.tenantId, userId: guest.userId, role: 'admin' });
    const started = await auth.sessions.start({ userId: guest.userId });
    if (!started.ok) throw new Error('refused');
    const first = bearer(started.tokens.accessToken);
    expect((await access.authenticate(first)).can('members:manage')).toBe(true);
    await organizations.members.setRole({ tenantId: person.tenantId, userId: guest.userId, role: 'member' });
    await expect(access.authenticate(first)).rejects.toMatchObject({ details: { reason: 'membership_changed' } });
    const next = await auth.sessions.refresh(started.tokens);
    if (!next.ok) throw new Error('refused');
    expect((await access.authenticate(bearer(next.tokens.accessToken))).role).toBe('member');
  });

  it.each(['suspend', 'remove'] as const)('ends at once: %s cuts the sessions of that tenant alone', async (how) => {
    const { auth, access, organizations, audit } = world;
    const email = `${how}-${person.userId}@acme.example`;
    const { userId } = await auth.users.create({ email });
    await organizations.members.add({ tenantId: person.tenantId, userId });
    const own = await world.tenancy.provision({ userId, name: 'Own' });
    const here = await auth.sessions.start({ userId, tenantId: person.tenantId });
    const there = await auth.sessions.start({ userId, tenantId: own.tenantId });
    if (!here.ok || !there.ok) throw new Error('refused');
    await organizations.members[how]({ tenantId: person.tenantId, userId });
    expect(await auth.authenticate(here.tokens.accessToken)).toEqual({ ok: false, reason: 'session_ended' });
    expect(await auth.sessions.refresh(here.tokens)).toEqual({ ok: false, reason: 'ended' });
    expect((await access.authenticate(bearer(there.tokens.accessToken))).tenant.id).toBe(own.tenantId);
    const back = await auth.sessions.switchTenant({ ...there.tokens, tenantId: person.tenantId });
    expect(back).toEqual({ ok: false, reason: 'tenant_not_found' });
    const { items } = await audit.list({ tenantId: person.tenantId, actions: ['session.ended'] });
    expect(items[0]?.metadata).toEqual({ reason: how === 'suspend' ? 'member_suspended' : 'member_removed' });
  });

  it("is cut from within a tenant's transaction too", async () => {
    const { auth, organizations, tenancy } = world;
    const { userId } = await auth.users.create({ email: `inside-${person.userId}@acme.example` });
    await organizations.members.add({ tenantId: person.tenantId, userId });
    const started = await auth.sessions.start({ userId });
    if (!started.ok) throw new Error('refused');
    await tenancy.transaction(person.tenantId, async (tx) => {
      await organizations.members.suspend({ tenantId: person.tenantId, userId }, { db: tx });
    });
    expect(await auth.authenticate(started.tokens.accessToken)).toEqual({ ok: false, reason: 'session_ended' });
  });

  it('of a suspended tenant opens nothing, and again once it is resumed', async () => {
    const { auth, access, tenancy } = world;
    await tenancy.suspend(person.tenantId);
    await expect(access.authenticate(bearer(token))).rejects.toMatchObject({ code: 'tenant_suspended' });
    expect(await auth.sessions.refresh(person.tokens)).toEqual({ ok: false, reason: 'tenant_suspended' });
    await tenancy.resume(person.tenantId);
    expect((await access.authenticate(bearer(token))).tenant.id).toBe(person.tenantId);
    expect(await auth.sessions.refresh(person.tokens)).toMatchObject({ ok: true });
  });
});
