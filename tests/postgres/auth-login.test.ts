import { setTimeout as sleep } from 'node:timers/promises';
import bcryptjs from 'bcryptjs';
import { sql } from 'kysely';
import { createAuth, scrypt } from 'tenantry/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, bearer, ip, issuer, password, quick } from '../support/auth-world.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await authWorld();
});
afterAll(() => world.database.destroy());

async function hashOf(userId: string): Promise<string | undefined> {
  const { rows } = await sql<{ hash: string }>`
    select hash from tenantry.user_passwords where user_id = ${userId}`.execute(world.database.app);
  return rows[0]?.hash;
}

describe('signing up', () => {
  it('makes a user, an organization on its plan, its owner and a session', async () => {
    const { auth, tenancy, organizations, access, audit, mails } = world;
    const made = await auth.signUp({
      email: 'Ada@Acme.example',
      password,
      name: 'Ada',
      tenant: { name: 'Acme', slug: 'acme' },
    });
    if (!made.ok || made.tenantId === null || made.started === null) throw new Error('refused');
    const { user, tenantId, started } = made;
    expect(user).toMatchObject({ email: 'Ada@Acme.example', name: 'Ada', status: 'active', emailVerifiedAt: null });
    expect(await tenancy.get(tenantId)).toMatchObject({ name: 'Acme', plan: 'free', kind: 'organization' });
    expect(await organizations.membershipOf(tenantId, user.userId)).toMatchObject({ role: 'owner' });
    const owner = await organizations.members.get({ tenantId, userId: user.userId });
    expect(owner).toMatchObject({ name: 'Ada', email: 'Ada@Acme.example', status: 'active' });
    const admitted = await access.authenticate(bearer(started.tokens.accessToken));
    expect([admitted.tenant.id, admitted.userId, admitted.role, admitted.plan]).toEqual([
      tenantId,
      user.userId,
      'owner',
      'free',
    ]);
    expect(admitted.session).toEqual({ id: started.session.sessionId });
    const { items } = await audit.list({ tenantId, order: 'oldest' });
    expect(items.map(({ action }) => action)).toEqual([
      'tenant.created',
      'organization.created',
      'member.added',
      'user.signed_up',
      'session.started',
    ]);
    await auth.flush();
    expect(mails.at(-1)).toMatchObject({ to: 'Ada@Acme.example', subject: 'Confirm your address for Acme' });
  });

  it('leaves nothing behind when the organization cannot be made', async () => {
    const { auth } = world;
    await world.signedUp('first');
    const taken = auth.signUp({ email: 'half@acme.example', password, tenant: { name: 'x', slug: 'first-inc' } });
    await expect(taken).rejects.toMatchObject({ code: 'slug_taken' });
    expect(await auth.users.get({ email: 'half@acme.example' })).toBeNull();
    expect(await auth.signUp({ email: 'half@acme.example', password, tenant: { name: 'x' } })).toMatchObject({
      ok: true,
    });
  });

  it('makes one user and one organization of ten who sign up with one address at the same moment', async () => {
    const { auth } = world;
    const emails = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? 'Race@acme.example' : 'race@ACME.example'));
    const results = await Promise.all(
      emails.map((email) => auth.signUp({ email, password, tenant: { name: 'Race' } })),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    const { rows } = await sql`select 1 from tenantry.tenants where name = 'Race'`.execute(world.database.app);
    expect(rows).toHaveLength(1);
  });

  it('tells the owner of an address that has an account, by mail', async () => {
    const { auth, mails } = world;
    const { email } = await world.signedUp();
    expect(await auth.signUp({ email: email.toUpperCase(), password })).toEqual({ ok: false, reason: 'email_taken' });
    await auth.flush();
    expect(mails.at(-1)).toMatchObject({ to: email, subject: 'You have an account at Acme' });
  });

  it('joins a transaction, so that an invitation is accepted with it', async () => {
    const { auth, organizations, database } = world;
    const { tenantId } = await world.signedUp();
    const { token } = await organizations.invitations.create({ tenantId, email: 'guest@acme.example', role: 'admin' });
    const userId = await database.app.transaction().execute(async (tx) => {
      const made = await auth.signUp({ email: 'guest@acme.example', password, tenant: null }, { db: tx });
      if (!made.ok) throw new Error('refused');
      const { userId } = made.user;
      await organizations.invitations.accept({ token, userId, verifiedEmail: 'guest@acme.example' }, { db: tx });
      return userId;
    });
    expect(await organizations.membershipOf(tenantId, userId)).toMatchObject({ role: 'admin' });
    const login = await auth.login({ email: 'guest@acme.example', password, ip });
    expect(login).toMatchObject({ ok: true, session: { tenantId } });
  });

  it.each([
    ['short', 'must have at least 10 characters'],
    ['x'.repeat(1025), 'must have at most 1024 bytes'],
    ['Weak@acme.example', 'must not be the mail address'],
    ['half a pair \ud800', 'must be a text'],
  ])('refuses the password %j', async (bad, problem) => {
    const signUp = world.auth.signUp({ email: 'weak@acme.example', password: bad, tenant: { name: 'Weak' } });
    await expect(signUp).rejects.toMatchObject({ code: 'password_refused', details: { problem } });
  });
});

describe('logging in', () => {
  it('lets the right password in, in whatever case the address is', async () => {
    const { email, tenantId } = await world.signedUp();
    const login = await world.auth.login({ email: email.toUpperCase(), password, ip, userAgent: 'Browser' });
    expect(login).toMatchObject({ ok: true, session: { tenantId, ip, userAgent: 'Browser', impersonator: null } });
  });

  it('gives one answer for an unknown user, a wrong password, a user without one, and what is no address', async () => {
    const { auth } = world;
    const { email } = await world.signedUp();
    await auth.users.create({ email: 'sso@acme.example' });
    const tries = [
      { email, password: 'wrong wrong wrong' },
      { email, password: '' },
      { email: 'nobody@acme.example', password },
      { email: 'sso@acme.example', password },
      { email: "' or 1=1 --", password },
      { email: '', password },
    ];
    for (const [n, input] of tries.entries()) {
      expect(await auth.login({ ...input, ip: `198.51.100.${n}` })).toEqual({
        ok: false,
        reason: 'invalid_credentials',
      });
    }
  });

  it('refuses a suspended user, and cuts the sessions there were at once', async () => {
    const { auth, access } = world;
    const { userId, email, tokens } = await world.signedUp();
    await access.authenticate(bearer(tokens.accessToken));
    expect(await auth.users.suspend(userId)).toMatchObject({ changed: true });
    const refused = access.authenticate(bearer(tokens.accessToken));
    await expect(refused).rejects.toMatchObject({ code: 'unauthenticated', details: { reason: 'user_suspended' } });
    expect(await auth.sessions.refresh(tokens)).toEqual({ ok: false, reason: 'ended' });
    expect(await auth.login({ email, password, ip })).toEqual({ ok: false, reason: 'user_suspended' });
    await auth.users.resume(userId);
    expect(await auth.sessions.refresh(tokens)).toEqual({ ok: false, reason: 'ended' });
    expect(await auth.login({ email, password, ip })).toMatchObject({ ok: true });
  });

  it('acts for no tenant until one of several is chosen', async () => {
    const { auth, access, tenancy } = world;
    const { email, userId, tenantId } = await world.signedUp();
    const other = await tenancy.provision({ userId, name: 'Second' });
    const login = await auth.login({ email, password, ip });
    if (!login.ok) throw new Error('refused');
    expect(login.session.tenantId).toBeNull();
    const without = access.authenticate(bearer(login.tokens.accessToken));
    await expect(without).rejects.toMatchObject({ code: 'tenant_required' });
    const chosen = await auth.sessions.switchTenant({ ...login.tokens, tenantId: other.tenantId });
    if (!chosen.ok) throw new Error('refused');
    expect((await access.authenticate(bearer(chosen.tokens.accessToken))).tenant.id).toBe(other.tenantId);
    const named = await auth.login({ email, password, ip, tenantId });
    expect(named).toMatchObject({ ok: true, session: { tenantId } });
    const strange = (await world.signedUp()).tenantId;
    expect(await auth.login({ email, password, ip, tenantId: strange })).toEqual({
      ok: false,
      reason: 'tenant_not_found',
    });
  });

  it('wants a verified address where that is asked for', async () => {
    const { database, clock, key, tenancy } = world;
    const strict = createAuth({
      db: database.app,
      clock,
      tenancy,
      issuer,
      audience,
      keys: [key],
      requireVerifiedEmail: true,
    });
    const made = await strict.signUp({ email: 'strict@acme.example', password, tenant: { name: 'Strict' } });
    expect(made).toMatchObject({ ok: true, started: null });
    const input = { email: 'strict@acme.example', ip };
    expect(await strict.login({ ...input, password })).toEqual({ ok: false, reason: 'email_unverified' });
    // Who does not know the password is not told of it.
    expect(await strict.login({ ...input, password: `${password}!` })).toEqual({
      ok: false,
      reason: 'invalid_credentials',
    });
  });
});

describe('hashes of another system', () => {
  it('opens one of bcrypt, and makes it anew by the hasher of today', async () => {
    const { auth } = world;
    const passwordHash = bcryptjs.hashSync('an old password', 6).replace('$2b$', '$2y$');
    const { userId } = await auth.users.create({ userId: 'legacy-42', email: 'old@acme.example', passwordHash });
    expect(userId).toBe('legacy-42');
    const login = () => auth.login({ email: 'old@acme.example', password: 'an old password', ip });
    expect(await login()).toMatchObject({ ok: true });
    expect(quick.isCurrent((await hashOf(userId)) ?? '')).toBe(true);
    expect(await login()).toMatchObject({ ok: true });
  });

  it('lets all of several in who log in while the hash is made anew', async () => {
    const { auth } = world;
    const { hash } = scrypt({ logN: 11, parallelism: 1 });
    const { userId } = await auth.users.create({ email: 'many@acme.example', passwordHash: await hash(password) });
    const logins = Array.from({ length: 5 }, () => auth.login({ email: 'many@acme.example', password, ip }));
    expect((await Promise.all(logins)).map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
    expect(quick.isCurrent((await hashOf(userId)) ?? '')).toBe(true);
  });

  it('refuses a hash that no hasher knows, and never opens one that is damaged', async () => {
    const { auth, database } = world;
    const create = auth.users.create({ email: 'md5@acme.example', passwordHash: '5f4dcc3b5aa765d61d8327deb882cf99' });
    await expect(create).rejects.toMatchObject({ code: 'password_refused' });
    const { userId, email } = await world.signedUp();
    const costly = '$argon2id$v=19$m=9999999,t=999,p=1$c29tZXNhbHRzb21l$c29tZXNhbHRzb21lc29tZXNhbHQ';
    for (const hash of ['', '$2b$10$short', '$argon2id$', costly]) {
      await sql`update tenantry.user_passwords set hash = ${hash} where user_id = ${userId}`.execute(database.app);
      expect(await auth.login({ email, password, ip })).toEqual({ ok: false, reason: 'invalid_credentials' });
    }
  });

  it('does not open what bcrypt would cut off', async () => {
    const { auth } = world;
    const long = 'x'.repeat(72);
    await auth.users.create({ email: 'long@acme.example', passwordHash: bcryptjs.hashSync(long, 4) });
    const login = (text: string) => auth.login({ email: 'long@acme.example', password: text, ip });
    expect(await login(`${long} and more`)).toEqual({ ok: false, reason: 'invalid_credentials' });
    expect(await login(long)).toMatchObject({ ok: true });
  });
});

describe('guessing', () => {
  const wrong = (email: string, from: string) => world.auth.login({ email, password: 'wrong wrong wrong', ip: from });

  it('is slowed down more and more, for the one who guesses alone', async () => {
    const { auth, clock } = world;
    const { email } = await world.signedUp();
    const from = '192.0.2.1';
    for (let n = 0; n < 6; n += 1) expect(await wrong(email, from)).toMatchObject({ reason: 'invalid_credentials' });
    const held = await auth.login({ email, password, ip: from });
    expect(held).toEqual({ ok: false, reason: 'throttled', retryAt: new Date(clock().getTime() + 1000) });
    // The user comes in from elsewhere, while somebody fails on purpose.
    expect(await auth.login({ email, password, ip: '192.0.2.2' })).toMatchObject({ ok: true });
    for (const seconds of [2, 4, 8]) {
      clock.advance((seconds / 2) * 1000);
      expect(await wrong(email, from)).toMatchObject({ reason: 'invalid_credentials' });
      const retryAt = new Date(clock().getTime() + seconds * 1000);
      expect(await wrong(email, from)).toEqual({ ok: false, reason: 'throttled', retryAt });
    }
    clock.advance(8000);
    expect(await auth.login({ email, password, ip: from })).toMatchObject({ ok: true });
    for (let n = 0; n < 5; n += 1) expect(await wrong(email, from)).toMatchObject({ reason: 'invalid_credentials' });
  });

  it('tries six passwords of a hundred that come at the same moment', async () => {
    const { email } = await world.signedUp();
    const results = await Promise.all(Array.from({ length: 100 }, () => wrong(email, '192.0.2.3')));
    const reasons = results.map((result) => (result.ok ? 'ok' : result.reason));
    expect(reasons.filter((reason) => reason === 'invalid_credentials')).toHaveLength(6);
    expect(reasons.filter((reason) => reason === 'throttled')).toHaveLength(94);
  });

  it('over many accounts is slowed down for its address, but not for users who log in from there', async () => {
    const { auth } = world;
    const from = '2001:db8:1:2::1';
    const { email } = await world.signedUp();
    expect(await auth.login({ email, password, ip: from })).toMatchObject({ ok: true });
    for (let n = 0; n < 101; n += 1) await wrong(`somebody${n}@acme.example`, `2001:db8:1:2::${n}`);
    const stranger = await world.signedUp();
    const held = await auth.login({ email: stranger.email, password, ip: '2001:db8:1:2:ffff::' });
    expect(held).toMatchObject({ ok: false, reason: 'throttled' });
    expect(await auth.login({ email, password, ip: from })).toMatchObject({ ok: true });
    expect(await auth.login({ email: stranger.email, password, ip: '2001:db8:1:3::1' })).toMatchObject({ ok: true });
  });

  it('locks nobody out where the address of no client is known', async () => {
    const { email } = await world.signedUp();
    for (const unknown of [null, '']) {
      const tries = Array.from({ length: 20 }, () =>
        world.auth.login({ email, password: 'wrong wrong wrong', ip: unknown }),
      );
      for (const result of await Promise.all(tries)) expect(result).toMatchObject({ reason: 'invalid_credentials' });
      expect(await world.auth.login({ email, password, ip: unknown })).toMatchObject({ ok: true });
    }
  });

  it('keeps neither addresses nor users of those who tried', async () => {
    await wrong('private@acme.example', '192.0.2.77');
    const { rows } = await sql<{ all: string }>`
      select string_agg(a::text, ' ') as all from tenantry.login_attempts a`.execute(world.database.app);
    expect(rows[0]?.all).not.toMatch(/private|192\.0\.2/);
  });
});

describe('another password', () => {
  it('is set by who tells the one before, and ends all other sessions', async () => {
    const { auth } = world;
    const { email, userId, session, tokens } = await world.signedUp();
    const other = await auth.login({ email, password, ip });
    if (!other.ok) throw new Error('refused');
    const change = { userId, sessionId: session.sessionId, ip, next: 'another horse battery' };
    const wrong = auth.changePassword({ ...change, current: 'no such password' });
    await expect(wrong).rejects.toMatchObject({ code: 'password_refused' });
    await auth.changePassword({ ...change, current: password });
    expect(await auth.authenticate(tokens.accessToken)).toMatchObject({ ok: true });
    expect(await auth.authenticate(other.tokens.accessToken)).toEqual({ ok: false, reason: 'session_ended' });
    expect(await auth.login({ email, password, ip })).toMatchObject({ reason: 'invalid_credentials' });
    expect(await auth.login({ email, password: 'another horse battery', ip })).toMatchObject({ ok: true });
    await auth.flush();
    expect(world.mails.at(-1)).toMatchObject({ to: email, subject: 'Your password for Acme was changed' });
  });

  it('is not undone by a login that began before', async () => {
    const { auth, database } = world;
    const slow = scrypt({ logN: 15, parallelism: 3 });
    const { userId } = await auth.users.create({ email: 'slow@acme.example', passwordHash: await slow.hash(password) });
    const login = auth.login({ email: 'slow@acme.example', password, ip });
    await sleep(20);
    await auth.setPassword({ userId, password: 'set by somebody else' });
    await login;
    const { rows } = await sql`select 1 from tenantry.sessions where user_id = ${userId} and ended_at is null`.execute(
      database.app,
    );
    expect(rows).toEqual([]);
    expect(await auth.login({ email: 'slow@acme.example', password, ip })).toMatchObject({ ok: false });
    expect(await auth.login({ email: 'slow@acme.example', password: 'set by somebody else', ip })).toMatchObject({
      ok: true,
    });
  });
});

it('reads several users at once, as they are now, and leaves out who is not there', async () => {
  const { auth } = world;
  const [one, two] = [await world.signedUp(), await world.signedUp()];
  await auth.users.update({ userId: two.userId, name: 'Another name' });
  const found = await auth.users.getMany([one.userId, two.userId, one.userId, 'nobody', "' or 1=1 --"]);
  expect([...found.keys()].toSorted()).toEqual([one.userId, two.userId].toSorted());
  expect(found.get(two.userId)).toMatchObject({ email: two.email, name: 'Another name' });
  expect((await auth.users.getMany([])).size).toBe(0);
});

it("keeps users, passwords and sessions out of reach of a tenant's transaction", async () => {
  const { tenancy } = world;
  const { tenantId } = await world.signedUp();
  for (const table of ['users', 'user_passwords', 'user_tokens', 'login_attempts', 'refresh_tokens', 'signing_keys']) {
    const read = tenancy.transaction(tenantId, async (tx) => {
      await sql.raw(`select * from tenantry.${table}`).execute(tx);
    });
    await expect(read).rejects.toThrow();
    const plain = world.database.app.transaction().execute(async (tx) => {
      await sql`set local role tenantry_app`.execute(tx);
      await sql.raw(`select * from tenantry.${table}`).execute(tx);
    });
    await expect(plain).rejects.toMatchObject({ code: '42501' });
  }
});
