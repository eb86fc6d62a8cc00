import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { SignJWT } from 'jose';
import { sql } from 'kysely';
import { createTenantry, perUser } from 'tenantry';
import { createAuth, createSigningKey } from 'tenantry/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, bearer, ip, issuer, password, quick } from '../support/auth-world.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await authWorld();
});
afterAll(() => world.database.destroy());

describe('acting as a user', () => {
  async function support() {
    const admin = await world.signedUp();
    const user = await world.signedUp();
    const by = { userId: admin.userId, sessionId: admin.session.sessionId, superAdmin: true };
    return { admin, user, by, input: { by, userId: user.userId, tenantId: user.tenantId, reason: 'ticket 7' } };
  }

  it('takes a reason, lasts half an hour, and names who really acts in the trail', async () => {
    const { auth, access, audit, organizations, clock } = world;
    const { admin, user, input } = await support();
    const started = await auth.impersonation.start(input);
    if (!started.ok) throw new Error(started.reason);
    expect(started.session.expiresAt.getTime() - clock().getTime()).toBe(30 * 60_000);
    const acting = await access.authenticate(bearer(started.tokens.accessToken));
    expect([acting.userId, acting.impersonator, acting.role]).toEqual([user.userId, { userId: admin.userId }, 'owner']);
    await organizations.update({ tenantId: user.tenantId, name: 'Renamed' }, { ...(acting.by && { by: acting.by }) });
    await audit.as(acting.acting, () => audit.record({ tenantId: user.tenantId, action: 'invoice.seen' }));
    const { items } = await audit.list({
      tenantId: user.tenantId,
      actions: ['impersonation.started', 'organization.updated', 'invoice.seen'],
      order: 'oldest',
    });
    expect(items.map(({ action, actor }) => [action, actor.id, actor.metadata?.actingAs])).toEqual([
      ['impersonation.started', admin.userId, undefined],
      ['organization.updated', admin.userId, user.userId],
      ['invoice.seen', admin.userId, user.userId],
    ]);
    expect(items[0]?.metadata).toMatchObject({ reason: 'ticket 7' });
    clock.advance(29 * 60_000);
    const later = await auth.sessions.refresh(started.tokens);
    expect(later).toMatchObject({ ok: true });
    clock.advance(60_000);
    if (later.ok) expect(await auth.sessions.refresh(later.tokens)).toEqual({ ok: false, reason: 'expired' });
  });

  it('gives nobody what changes bills or log-ins', async () => {
    const { auth, access } = world;
    const { user, input } = await support();
    const started = await auth.impersonation.start(input);
    if (!started.ok) throw new Error(started.reason);
    const { sessionId } = started.session;
    const acting = await access.authenticate(bearer(started.tokens.accessToken));
    expect([acting.can('calls:write'), acting.can('billing:read'), acting.can('factors:add')]).toEqual([
      true,
      false,
      false,
    ]);
    const own = await access.authenticate(bearer(user.tokens.accessToken));
    expect(own.can('billing:read')).toBe(true);
    const change = auth.changePassword({
      userId: user.userId,
      sessionId,
      current: password,
      next: 'another horse battery',
      ip,
    });
    await expect(change).rejects.toMatchObject({ code: 'permission_denied' });
    const email = auth.emailChange.request({ userId: user.userId, sessionId, email: 'evil@acme.example' });
    await expect(email).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('is for super admins alone, never out of another such session, never as oneself, never elsewhere', async () => {
    const { auth } = world;
    const { admin, user, by, input } = await support();
    const denied = { code: 'permission_denied' };
    await expect(auth.impersonation.start({ ...input, by: { ...by, superAdmin: false } })).rejects.toMatchObject(
      denied,
    );
    await expect(auth.impersonation.start({ ...input, userId: admin.userId })).rejects.toMatchObject(denied);
    await expect(auth.impersonation.start({ ...input, reason: ' ' })).rejects.toMatchObject({ code: 'name_invalid' });
    const borrowed = { ...by, sessionId: user.session.sessionId };
    await expect(auth.impersonation.start({ ...input, by: borrowed })).rejects.toMatchObject(denied);
    const first = await auth.impersonation.start(input);
    if (!first.ok) throw new Error(first.reason);
    const third = await world.signedUp();
    const nested = { by: { userId: user.userId, sessionId: first.session.sessionId, superAdmin: true } };
    const start = auth.impersonation.start({ ...input, ...nested, userId: third.userId, tenantId: third.tenantId });
    await expect(start).rejects.toMatchObject(denied);
    const direct = { by: { userId: admin.userId, sessionId: first.session.sessionId, superAdmin: true } };
    await expect(auth.impersonation.start({ ...input, ...direct })).rejects.toMatchObject(denied);
    const { tenantId } = await world.tenancy.provision({ userId: user.userId, name: 'Second' });
    const elsewhere = await auth.sessions.switchTenant({ ...first.tokens, tenantId });
    expect(elsewhere).toEqual({ ok: false, reason: 'tenant_not_found' });
    expect(await auth.impersonation.start({ ...input, tenantId: third.tenantId })).toEqual({
      ok: false,
      reason: 'tenant_not_found',
    });
  });

  it('ends with the suspension of whoever acts', async () => {
    const { auth } = world;
    const { admin, input } = await support();
    const started = await auth.impersonation.start(input);
    if (!started.ok) throw new Error(started.reason);
    await auth.users.suspend(admin.userId);
    expect(await auth.authenticate(started.tokens.accessToken)).toEqual({ ok: false, reason: 'session_ended' });
    expect(await auth.sessions.refresh(started.tokens)).toMatchObject({ ok: false });
  });
});

describe('acting as a user ends with what it began from', () => {
  async function acting() {
    const [admin, user] = [await world.signedUp(), await world.signedUp()];
    const by = { userId: admin.userId, sessionId: admin.session.sessionId, superAdmin: true };
    const { userId, tenantId } = user;
    const started = await world.auth.impersonation.start({ by, userId, tenantId, reason: 'ticket 7' });
    if (!started.ok) throw new Error(started.reason);
    const other = await world.auth.sessions.start({ userId: admin.userId });
    if (!other.ok) throw new Error(other.reason);
    return { admin, user, by, started, other };
  }
  const ended = { ok: false, reason: 'session_ended' };

  it('with the log-out of that session, and with no other', async () => {
    const { auth, audit } = world;
    const { admin, user, started, other } = await acting();
    expect(await auth.sessions.logOut(other.tokens)).toBe(true);
    expect(await auth.sessions.logOut(user.tokens)).toBe(true);
    expect(await auth.authenticate(started.tokens.accessToken)).toMatchObject({ ok: true });
    expect(await auth.sessions.logOut(admin.tokens)).toBe(true);
    expect(await auth.authenticate(started.tokens.accessToken)).toEqual(ended);
    expect(await auth.sessions.refresh(started.tokens)).toMatchObject({ ok: false });
    const { sessionId } = started.session;
    expect(await auth.sessions.get(sessionId)).toMatchObject({ endedReason: 'logout' });
    const { items } = await audit.list({ tenantId: user.tenantId, actions: ['session.ended'] });
    const told = items.filter(({ targets }) => targets.some(({ id }) => id === sessionId));
    expect(told.map(({ actor, metadata }) => [actor.id, metadata])).toEqual([[admin.userId, { reason: 'logout' }]]);
    expect(await auth.sessions.logOut(admin.tokens)).toBe(false);
  });

  it('with a log-out everywhere, one by the list of sessions, another password, and a token that was used twice', async () => {
    const { auth, clock } = world;
    const ends = {
      endAll: ({ admin }) => auth.sessions.endAll({ userId: admin.userId }),
      endAllElse: ({ admin, other }) => auth.sessions.endAll({ userId: admin.userId, except: other.session.sessionId }),
      end: ({ by: { userId, sessionId } }) => auth.sessions.end({ userId, sessionId }),
      changePassword: ({ by: { userId, sessionId } }) =>
        auth.changePassword({ userId, sessionId, current: password, next: 'another horse battery', ip }),
      setPassword: ({ admin: { userId } }) => auth.setPassword({ userId, password: 'another horse battery' }),
      reused: async ({ admin }) => {
        await auth.sessions.refresh(admin.tokens);
        clock.advance(60_000);
        await auth.sessions.refresh(admin.tokens);
      },
    } satisfies Record<string, (made: Awaited<ReturnType<typeof acting>>) => Promise<unknown>>;
    const left: string[] = [];
    for (const [name, end] of Object.entries(ends)) {
      const made = await acting();
      await end(made);
      if ((await auth.authenticate(made.started.tokens.accessToken)).ok) left.push(name);
    }
    expect(left).toEqual([]);
  });

  it('at whatever moment that is: no session outlives the one that it began from', async () => {
    const { auth } = world;
    for (let round = 0; round < 20; round += 1) {
      const { admin, user, by } = await acting();
      const { userId, tenantId } = user;
      const [, started] = await Promise.all([
        auth.sessions.logOut(admin.tokens),
        auth.impersonation.start({ by, userId, tenantId, reason: 'race' }).catch(() => null),
      ]);
      if (started?.ok) expect(await auth.authenticate(started.tokens.accessToken)).toEqual(ended);
    }
  });
});

describe('tokens of two tenancies side by side', () => {
  const secret = 'the secret of the old application, long';
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

  /** The application before: every user a tenant, tokens of its own under an HMAC. */
  async function migrated() {
    const { database, clock, plans, key } = world;
    const old = createTenantry({
      db: database.app,
      clock,
      plans,
      strategy: perUser({ plan: 'free' }),
      auth: { issuer, audience, keys: [key] },
    });
    const until = new Date(clock().getTime() + 7 * 86_400_000);
    const next = createTenantry({
      db: database.app,
      clock,
      plans,
      strategy: world.strategy,
      auth: {
        issuer,
        audience,
        keys: [key],
        passwords: { hasher: quick },
        legacy: [
          {
            issuer: 'sonicus',
            audience: 'sonicus-api',
            until,
            keys: [
              { algorithm: 'HS256', secret },
              {
                algorithm: 'RS256',
                publicKey: String(rsa.publicKey.export({ format: 'pem', type: 'spki' })),
                kid: 'r1',
              },
            ],
            async read({ sub, organization_id }) {
              const { rows } = await sql<{ tenant_id: string }>`
                select tenant_id from tenantry.members where user_id = ${`user-${sub}`}`.execute(database.app);
              const [found] = rows;
              return found === undefined || typeof organization_id !== 'number'
                ? null
                : { userId: `user-${sub}`, tenantId: found.tenant_id };
            },
          },
        ],
        sessions: { extraClaims: ({ tenantId }) => ({ organization_id: tenantId, sub: 'nobody', aud: 'elsewhere' }) },
      },
    });
    return { old, next, until };
  }

  const oldToken = (claims: Readonly<Record<string, unknown>>, header = { alg: 'HS256', typ: 'JWT' }) =>
    new SignJWT({ iss: 'sonicus', aud: 'sonicus-api', ...claims }).setProtectedHeader(header).sign(Buffer.from(secret));

  it('takes the old ones as whose they are now, until the time is over', async () => {
    const { next, until } = await migrated();
    const { clock, organizations } = world;
    const { tenantId } = await organizations.create({ name: 'Old customers', owner: { userId: 'user-7' } });
    const token = await oldToken({ sub: '7', organization_id: 3 });
    const access = await next.access.authenticate(bearer(token));
    expect([access.tenant.id, access.userId, access.role, access.session]).toEqual([tenantId, 'user-7', 'owner', null]);
    const stranger = await oldToken({ sub: '8', organization_id: 3 });
    expect(await next.auth.authenticate(stranger)).toEqual({ ok: false, reason: 'claims_invalid' });
    await organizations.members.add({ tenantId, userId: 'user-9', role: 'owner' });
    await organizations.members.suspend({ tenantId, userId: 'user-7' });
    await expect(next.access.authenticate(bearer(token))).rejects.toMatchObject({ code: 'tenant_not_found' });
    const start = clock();
    clock.set(until);
    expect(await next.auth.authenticate(token)).toEqual({ ok: false, reason: 'legacy_ended' });
    clock.set(start);
  });

  it('refuses what the old application would not have taken, each with its reason', async () => {
    const { next } = await migrated();
    const claims = { sub: '7', organization_id: 3 };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const whole = { iss: 'sonicus', aud: 'sonicus-api', ...claims };
    const pem = String(rsa.publicKey.export({ format: 'pem', type: 'spki' }));
    const confused = `${part({ alg: 'HS256', typ: 'JWT', kid: 'r1' })}.${part(whole)}`;
    const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: 'r2' })}.${part(whole)}`;
    const cases: [string, string][] = [
      ['algorithm_refused', `${part({ alg: 'none', typ: 'JWT' })}.${part(whole)}.`],
      ['algorithm_refused', await oldToken(claims, { alg: 'HS512', typ: 'JWT' })],
      ['signature_invalid', `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`],
      ['key_unknown', `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`],
      ['audience_refused', await oldToken({ ...claims, aud: 'elsewhere' })],
      ['expired', await oldToken({ ...claims, exp: 1 })],
      ['algorithm_refused', await oldToken({ ...claims, iss: 'somebody' })],
      ['algorithm_refused', await oldToken({ ...claims, iss: issuer }, { alg: 'HS256', typ: 'at+jwt' })],
    ];
    for (const [reason, token] of cases) {
      expect(await next.auth.authenticate(token)).toEqual({ ok: false, reason });
    }
  });

  it('gives new ones the claims that the old application reads, and lets them replace none of its own', async () => {
    const { next } = await migrated();
    const made = await next.auth.signUp({ email: 'extra@acme.example', password, tenant: { name: 'Extra' } });
    if (!made.ok || made.started === null) throw new Error('refused');
    const result = await next.auth.verifyToken(made.started.tokens.accessToken);
    expect(result).toMatchObject({ ok: true, claims: { userId: made.user.userId, tenantId: made.tenantId } });
    const [, body = ''] = made.started.tokens.accessToken.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    expect([claims.organization_id, claims.aud]).toEqual([made.tenantId, audience]);
  });

  it('leads the id of a tenant in an old token to where the tenant went', async () => {
    const { database, clock } = world;
    const { old, next } = await migrated();
    const made = await old.auth.signUp({ email: 'moved@acme.example', password });
    if (!made.ok || made.started === null || made.tenantId === null) throw new Error('refused');
    const { userId } = made.user;
    const token = bearer(made.started.tokens.accessToken);
    expect((await old.access.authenticate(token)).tenant.id).toBe(made.tenantId);
    const { tenantId } = await world.organizations.create({ name: 'Joined', owner: { userId } });
    await sql`update tenantry.tenants set status = 'moved', updated_at = ${clock()} where tenant_id = ${made.tenantId}::uuid`.execute(
      database.owner,
    );
    await sql`insert into tenantry.tenant_moves (old_tenant_id, user_id, tenant_id)
      values (${made.tenantId}::uuid, '', ${tenantId}::uuid)`.execute(database.owner);
    for (const program of [old, next]) {
      const access = await program.access.authenticate(token);
      expect([access.tenant.id, access.role]).toEqual([tenantId, 'owner']);
    }
    const refreshed = await next.auth.sessions.refresh(made.started.tokens);
    expect(refreshed).toMatchObject({ ok: true, tenantId });
  });

  it('takes no key of the wrong kind', async () => {
    const legacy = (keys: readonly object[]) =>
      Reflect.apply(createAuth, undefined, [
        {
          db: world.database.app,
          issuer,
          audience,
          keys: [world.key],
          legacy: [{ until: new Date(), keys, read: () => null }],
        },
      ]);
    const pem = String(rsa.publicKey.export({ format: 'pem', type: 'spki' }));
    for (const bad of [
      [],
      [{ algorithm: 'HS256', secret: 'short' }],
      [{ algorithm: 'HS256', publicKey: pem }],
      [{ algorithm: 'RS256', secret: pem }],
      [{ algorithm: 'none', secret: pem }],
      [{ algorithm: 'RS256', publicKey: 'no key' }],
    ]) {
      expect(() => legacy(bad)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
  });
});

it('deletes what is over for a week', async () => {
  const { auth, clock } = world;
  const { userId, session } = await world.signedUp();
  const key = await createSigningKey();
  expect(key.kty).toBe('OKP');
  await auth.sessions.end({ userId, sessionId: session.sessionId });
  await auth.login({ email: 'nobody@acme.example', password, ip });
  clock.advance(8 * 86_400_000);
  expect((await auth.prune()).rows).toBeGreaterThan(2);
  expect(await auth.sessions.get(session.sessionId)).toBeNull();
  expect(await auth.prune()).toEqual({ rows: 0 });
});
