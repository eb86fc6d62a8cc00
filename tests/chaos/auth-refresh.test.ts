import { sql } from 'kysely';
import { createAuth } from 'tenantry/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, bearer, ip, issuer, password } from '../support/auth-world.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await authWorld();
});
afterAll(() => world.database.destroy());

const sessionsOf = async (userId: string) => (await world.auth.sessions.list(userId)).map(({ sessionId }) => sessionId);

type Person = Awaited<ReturnType<AuthWorld['signedUp']>>;

async function refreshed(refreshToken: string) {
  const result = await world.auth.sessions.refresh({ refreshToken });
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result.tokens;
}

describe('a refresh token', () => {
  it('shown a hundred times at once leaves one live family, and everybody with tokens of it', async () => {
    const person = await world.signedUp();
    const shown = Array.from({ length: 100 }, () => world.auth.sessions.refresh(person.tokens));
    const results = await Promise.all(shown);
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(await sessionsOf(person.userId)).toEqual([person.session.sessionId]);
    const tokens = results.flatMap((result) => (result.ok ? [result.tokens] : []));
    expect(new Set(tokens.map(({ refreshToken }) => refreshToken)).size).toBe(100);
    for (const { accessToken } of tokens.slice(0, 5)) {
      expect(await world.auth.authenticate(accessToken)).toMatchObject({ ok: true });
    }
    // Whichever of them a client kept, it goes on; those that nobody kept are used up with it.
    const kept = await refreshed(tokens[42]?.refreshToken ?? '');
    world.clock.advance(11_000);
    expect(await world.auth.authenticate(kept.accessToken)).toMatchObject({ ok: true });
    const thief = await world.auth.sessions.refresh({ refreshToken: tokens[7]?.refreshToken ?? '' });
    expect(thief).toEqual({ ok: false, reason: 'reused' });
    expect(await sessionsOf(person.userId)).toEqual([]);
  });

  it('shown by a hundred in several processes after the grace is found out by all, and told once', async () => {
    const { database, clock, key, tenancy } = world;
    const person = await world.signedUp();
    const told: string[] = [];
    const processes = Array.from({ length: 4 }, () =>
      createAuth({
        db: database.app,
        clock,
        tenancy,
        issuer,
        audience,
        keys: [key],
        sessions: {
          onTokenReused: ({ sessionId }) => {
            told.push(sessionId);
          },
        },
      }),
    );
    const next = await refreshed(person.tokens.refreshToken);
    clock.advance(10_001);
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) => processes[n % 4]?.sessions.refresh(person.tokens)),
    );
    const reasons = new Set(results.map((result) => (result?.ok === false ? result.reason : 'ok')));
    expect([...reasons].every((reason) => reason === 'reused' || reason === 'ended')).toBe(true);
    expect(told).toEqual([person.session.sessionId]);
    // The client that was in the right is logged out too: nobody can tell which one it is.
    expect(await world.auth.sessions.refresh(next)).toEqual({ ok: false, reason: 'ended' });
    expect(await world.auth.authenticate(next.accessToken)).toEqual({ ok: false, reason: 'session_ended' });
  });

  it('shown while the session is ended, or the member removed, opens nothing afterwards, whoever was first', async () => {
    for (let round = 0; round < 10; round += 1) {
      const person = await world.signedUp();
      const ends = [
        () => world.auth.sessions.end({ userId: person.userId, sessionId: person.session.sessionId }),
        () => world.auth.users.suspend(person.userId),
      ];
      const [result] = await Promise.all([world.auth.sessions.refresh(person.tokens), ends[round % 2]?.()]);
      const tokens = result.ok ? result.tokens : person.tokens;
      expect(await world.auth.authenticate(tokens.accessToken)).toMatchObject({ ok: false });
      expect(await world.auth.sessions.refresh(tokens)).toEqual({ ok: false, reason: 'ended' });
    }
  });

  it('that was stolen is found out by whoever comes second, thief or user', async () => {
    for (const first of ['thief', 'user']) {
      const person: Person = await world.signedUp();
      const stolen = person.tokens.refreshToken;
      const won = await refreshed(stolen);
      world.clock.advance(60_000);
      expect([first, await world.auth.sessions.refresh({ refreshToken: stolen })]).toEqual([
        first,
        { ok: false, reason: 'reused' },
      ]);
      expect(await world.auth.sessions.refresh(won)).toEqual({ ok: false, reason: 'ended' });
      const { items } = await world.audit.list({ tenantId: person.tenantId, actions: ['session.ended'] });
      expect(items.map(({ metadata, targets }) => [metadata.reason, targets.map(({ type }) => type)])).toEqual([
        ['token_reused', ['user', 'session']],
      ]);
      expect(await world.auth.login({ email: person.email, password, ip })).toMatchObject({ ok: true });
    }
  });

  it('goes on over many refreshes up to the absolute end, and not beyond', async () => {
    const { clock, auth } = world;
    const person = await world.signedUp();
    let tokens = person.tokens;
    for (let day = 0; day < 29; day += 1) {
      clock.advance(86_400_000);
      tokens = await refreshed(tokens.refreshToken);
    }
    expect(tokens.refreshExpiresAt).toEqual(person.session.expiresAt);
    clock.advance(86_400_000);
    expect(await auth.sessions.refresh(tokens)).toEqual({ ok: false, reason: 'expired' });
  });

  it('that nobody used for two weeks is over', async () => {
    const person = await world.signedUp();
    world.clock.advance(14 * 86_400_000);
    expect(await world.auth.sessions.refresh(person.tokens)).toEqual({ ok: false, reason: 'expired' });
  });

  it('is stored as a digest alone', async () => {
    const person = await world.signedUp();
    const secret = person.tokens.refreshToken.slice(3);
    const { rows } = await sql<{ all: string }>`
      select string_agg(r::text, ' ') as all from tenantry.refresh_tokens r`.execute(world.database.app);
    expect(rows[0]?.all).not.toContain(secret);
  });

  it.each(['', 'rt_', 'rt_short', `rt_${'x'.repeat(43)}`, 'ver_x', null, {}])(
    'that is none, %j, opens nothing',
    async (bad) => {
      const refreshToken = bad as string;
      expect(await world.auth.sessions.refresh({ refreshToken })).toEqual({ ok: false, reason: 'not_found' });
      expect(await world.auth.sessions.logOut({ refreshToken })).toBe(false);
    },
  );
});

it('logs out at once, in every tab', async () => {
  const { auth, access } = world;
  const person = await world.signedUp();
  const next = await refreshed(person.tokens.refreshToken);
  expect(await auth.sessions.logOut(next)).toBe(true);
  expect(await auth.sessions.logOut(next)).toBe(false);
  await expect(access.authenticate(bearer(next.accessToken))).rejects.toMatchObject({
    details: { reason: 'session_ended' },
  });
});
