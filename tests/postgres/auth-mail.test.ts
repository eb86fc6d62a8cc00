import { sql } from 'kysely';
import { createTransport } from 'nodemailer';
import { createAuth, defaultTemplates, type Mail, nodemailerSender } from 'tenantry/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, ip, issuer, password, quick } from '../support/auth-world.ts';
import { startSmtpServer } from '../support/smtp-server.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await authWorld();
});
afterAll(() => world.database.destroy());

describe('the verification of an address', () => {
  it('takes the token of the mail once, and tells the platform', async () => {
    const { auth, audit } = world;
    const { email, userId } = await world.signedUp();
    const token = await world.tokenTo(email);
    expect(await auth.emailVerification.confirm({ token })).toMatchObject({ ok: true, user: { userId } });
    expect((await auth.users.get({ userId }))?.emailVerifiedAt).toEqual(world.clock());
    expect(await auth.emailVerification.confirm({ token })).toEqual({ ok: false, reason: 'used' });
    const { items } = await audit.platform.list({ actions: ['user.email_verified'] });
    expect(items[0]?.targets).toEqual([{ type: 'user', id: userId }]);
  });

  it('refuses a token that is over, replaced, or of another purpose', async () => {
    const { auth, clock } = world;
    const { email, userId } = await world.signedUp();
    const first = await world.tokenTo(email);
    expect(await auth.emailVerification.send({ userId })).toBe(false);
    clock.advance(61_000);
    expect(await auth.emailVerification.send({ userId })).toBe(true);
    const second = await world.tokenTo(email);
    expect(second).not.toBe(first);
    expect(await auth.emailVerification.confirm({ token: first })).toEqual({ ok: false, reason: 'not_found' });
    const reset = await auth.passwordReset.complete({ token: second, password: 'another horse battery' });
    expect(reset).toEqual({ ok: false, reason: 'not_found' });
    clock.advance(24 * 3_600_000);
    expect(await auth.emailVerification.confirm({ token: second })).toEqual({ ok: false, reason: 'expired' });
  });

  it('is taken once by ten who bring one token at the same moment', async () => {
    const { email } = await world.signedUp();
    const token = await world.tokenTo(email);
    const tries = Array.from({ length: 10 }, () => world.auth.emailVerification.confirm({ token }));
    expect((await Promise.all(tries)).filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('stores no token', async () => {
    const { email } = await world.signedUp();
    const token = await world.tokenTo(email);
    const { rows } = await sql<{ all: string }>`
      select string_agg(t::text, ' ') as all from tenantry.user_tokens t`.execute(world.database.app);
    expect(rows[0]?.all).not.toContain(token.slice(4));
  });
});

describe('the reset of a password', () => {
  it('sets another one, ends all sessions, and verifies the address', async () => {
    const { auth } = world;
    const { email, userId, tokens } = await world.signedUp();
    await auth.passwordReset.request({ email: email.toUpperCase() });
    const token = await world.tokenTo(email);
    const weak = auth.passwordReset.complete({ token, password: 'weak' });
    await expect(weak).rejects.toMatchObject({ code: 'password_refused' });
    const done = await auth.passwordReset.complete({ token, password: 'another horse battery' });
    expect(done).toMatchObject({ ok: true, user: { userId, emailVerifiedAt: world.clock() } });
    expect(await auth.sessions.refresh(tokens)).toEqual({ ok: false, reason: 'ended' });
    expect(await auth.login({ email, password, ip })).toMatchObject({ reason: 'invalid_credentials' });
    expect(await auth.login({ email, password: 'another horse battery', ip })).toMatchObject({ ok: true });
    const again = await auth.passwordReset.complete({ token, password: 'yet another battery' });
    expect(again).toEqual({ ok: false, reason: 'used' });
  });

  it('opens once for ten who bring one token at the same moment, and not after an hour', async () => {
    const { auth, clock } = world;
    const { email } = await world.signedUp();
    await auth.passwordReset.request({ email });
    const token = await world.tokenTo(email);
    const passwords = Array.from({ length: 10 }, (_, n) => `another horse battery ${n}`);
    const results = await Promise.all(passwords.map((next) => auth.passwordReset.complete({ token, password: next })));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    const logins = await Promise.all(
      passwords.map((next, n) => auth.login({ email, password: next, ip: `192.0.2.${n}` })),
    );
    expect(logins.map(({ ok }) => ok)).toEqual(results.map(({ ok }) => ok));
    clock.advance(61_000);
    await auth.passwordReset.request({ email });
    const late = await world.tokenTo(email);
    clock.advance(3_600_000);
    const over = await auth.passwordReset.complete({ token: late, password: 'yet another battery' });
    expect(over).toEqual({ ok: false, reason: 'expired' });
  });

  it('answers alike for nobody, for a suspended user, and within a minute, and sends nothing then', async () => {
    const { auth, mails } = world;
    const { email } = await world.signedUp();
    const suspended = await world.signedUp();
    await auth.users.suspend(suspended.userId);
    await auth.flush();
    const before = mails.length;
    for (const to of [email, email, 'nobody@acme.example', suspended.email]) {
      expect(await auth.passwordReset.request({ email: to })).toBeUndefined();
    }
    await auth.flush();
    expect(mails.slice(before).map(({ to, subject }) => [to, subject])).toEqual([
      [email, 'Choose a new password for Acme'],
    ]);
  });

  it('asked for by ten at the same moment sends one mail, and leaves one token open', async () => {
    const { auth, mails, database } = world;
    const { email, userId } = await world.signedUp();
    await auth.flush();
    for (const round of [1, 2]) {
      const before = mails.length;
      await Promise.all(Array.from({ length: 10 }, () => auth.passwordReset.request({ email })));
      await auth.flush();
      expect([round, mails.slice(before).map(({ to }) => to)]).toEqual([round, [email]]);
      const { rows } = await sql`select 1 from tenantry.user_tokens
        where user_id = ${userId} and purpose = 'reset' and used_at is null`.execute(database.app);
      expect(rows).toHaveLength(1);
      world.clock.advance(61_000);
    }
  });

  it('goes to the address as the user gave it, not as another spelled it', async () => {
    const { auth, mails } = world;
    const { email } = await world.signedUp();
    await auth.passwordReset.request({ email: email.replace('acme.example', 'ACME.example') });
    await auth.flush();
    expect(mails.at(-1)?.to).toBe(email);
  });
});

describe('another address', () => {
  it('is taken once its mail comes back; the old one is told', async () => {
    const { auth, mails } = world;
    const { email, userId, session } = await world.signedUp();
    const next = `new-${email}`;
    await auth.emailChange.request({ userId, sessionId: session.sessionId, email: next });
    expect((await auth.users.get({ userId }))?.email).toBe(email);
    const token = await world.tokenTo(next);
    expect(await auth.emailChange.confirm({ token })).toMatchObject({ ok: true, user: { email: next } });
    await auth.flush();
    expect(mails.at(-1)).toMatchObject({ to: email, subject: 'Your address for Acme was changed' });
    expect(await auth.login({ email: next, password, ip })).toMatchObject({ ok: true });
  });

  it('that another user has gets no mail, also when they took it meanwhile', async () => {
    const { auth, mails } = world;
    const [one, two] = [await world.signedUp(), await world.signedUp()];
    await auth.flush();
    const before = mails.length;
    await auth.emailChange.request({ userId: one.userId, sessionId: one.session.sessionId, email: two.email });
    await auth.flush();
    expect(mails).toHaveLength(before);
    const wanted = `wanted-${one.email}`;
    await auth.emailChange.request({ userId: one.userId, sessionId: one.session.sessionId, email: wanted });
    const token = await world.tokenTo(wanted);
    await auth.users.create({ email: wanted });
    expect(await auth.emailChange.confirm({ token })).toEqual({ ok: false, reason: 'not_found' });
    expect((await auth.users.get({ userId: one.userId }))?.email).toBe(one.email);
  });

  it('is not asked for from the session of another', async () => {
    const [one, two] = [await world.signedUp(), await world.signedUp()];
    const request = world.auth.emailChange.request({
      userId: one.userId,
      sessionId: two.session.sessionId,
      email: 'x@y.zz',
    });
    await expect(request).rejects.toMatchObject({ code: 'permission_denied' });
  });
});

describe('sending', () => {
  const links = { verify: 'https://a.example/v', reset: 'https://a.example/r', change: 'https://a.example/c' };

  it('goes through nodemailer to a server, with replaced templates, whatever stands in a name or an address', async () => {
    const server = await startSmtpServer();
    const transport = createTransport({ host: '127.0.0.1', port: server.port, ignoreTLS: true });
    const templates = {
      ...defaultTemplates({ product: 'Acme', links }),
      reset: ({ token }: { token: string }) => ({ subject: 'Neues Passwort für Acme', text: token, html: token }),
    };
    const auth = createAuth({
      db: world.database.app,
      clock: world.clock,
      tenancy: world.tenancy,
      issuer,
      audience,
      keys: [world.key],
      passwords: { hasher: quick },
      mail: { send: nodemailerSender(transport, { from: 'Acme <no-reply@acme.example>' }), templates },
    });
    const name = '<img src=x onerror=alert(1)>';
    await auth.signUp({ email: 'smtp@acme.example', password, name, tenant: { name: 'Smtp' } });
    await auth.passwordReset.request({ email: 'smtp@acme.example' });
    await auth.signUp({ email: 'ada@bücher.example', password, tenant: { name: 'Bücher' } });
    for (const email of [
      'a@b.example\r\nBcc: eve@evil.example',
      'a@b.example, eve@evil.example',
      '<eve@evil.example>',
    ]) {
      const signUp = auth.signUp({ email, password, tenant: { name: 'Evil' } });
      await expect(signUp).rejects.toMatchObject({ code: 'name_invalid' });
    }
    await auth.flush();
    transport.close();
    await server.stop();
    expect(server.mails.map(({ from, to }) => [from, ...to]).toSorted()).toEqual([
      ['no-reply@acme.example', 'ada@xn--bcher-kva.example'],
      ['no-reply@acme.example', 'smtp@acme.example'],
      ['no-reply@acme.example', 'smtp@acme.example'],
    ]);
    const verify = server.mails.find(({ data }) => data.includes('Confirm your address for Acme'))?.data ?? '';
    expect(verify).toMatch(/https:\/\/a\.example\/v#token=/);
    expect(verify).not.toMatch(/^<p>Hello <img/m);
    expect(server.mails.some(({ data }) => /Subject: =\?UTF-8\?/.test(data))).toBe(true);
  });

  it('that fails is told to the application, and undoes nothing', async () => {
    const errors: unknown[] = [];
    const auth = createAuth({
      db: world.database.app,
      clock: world.clock,
      tenancy: world.tenancy,
      issuer,
      audience,
      keys: [world.key],
      passwords: { hasher: quick },
      mail: {
        send: () => Promise.reject(new Error('no server')),
        templates: defaultTemplates({ product: 'Acme', links }),
        onError: (error) => errors.push(error),
      },
    });
    expect(await auth.signUp({ email: 'fails@acme.example', password, tenant: { name: 'Fails' } })).toMatchObject({
      ok: true,
    });
    await auth.flush();
    expect(errors).toEqual([new Error('no server')]);
  });

  it("happens within a caller's transaction, where an outbox stands or falls with it", async () => {
    const sent: { mail: Mail; joined: boolean }[] = [];
    const auth = createAuth({
      db: world.database.app,
      clock: world.clock,
      tenancy: world.tenancy,
      issuer,
      audience,
      keys: [world.key],
      passwords: { hasher: quick },
      mail: {
        send: async (mail, { db }) => {
          sent.push({ mail, joined: db?.isTransaction === true });
        },
        templates: defaultTemplates({ product: 'Acme', links }),
      },
    });
    const outer = world.database.app.transaction().execute(async (tx) => {
      await auth.signUp({ email: 'outbox@acme.example', password, tenant: { name: 'Outbox' } }, { db: tx });
      throw new Error('undone');
    });
    await expect(outer).rejects.toThrow('undone');
    expect(sent.map(({ joined }) => joined)).toEqual([true]);
    expect(await auth.users.get({ email: 'outbox@acme.example' })).toBeNull();
  });
});
