import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type KeyProcess, keyProcess } from '../support/key-process.ts';
import { keyWorld } from '../support/key-world.ts';
import { until } from '../support/until.ts';

let database: TestDatabase<Record<string, never>>;
let superuser: Client;
beforeAll(async () => {
  database = await postgresDatabase();
  superuser = new Client({ connectionString: database.urls?.superuser });
  await superuser.connect();
});
afterAll(async () => {
  await superuser.end();
  await database.destroy();
});

/** Callers that verify the same secrets without a pause, until they are told to stop. */
function callers(process: KeyProcess, secrets: readonly string[], count: number) {
  let running = true;
  /** Whether a caller once saw that a key is revoked: from then on no call that begins may see anything else. */
  const seen = new Set<string>();
  const wrong: string[] = [];
  const work = Array.from({ length: count }, async (_, caller) => {
    for (let call = caller; running; call += 1) {
      const secret = secrets[call % secrets.length] ?? '';
      const known = seen.has(secret);
      const result = await process.keys.verify(secret);
      const reason = result.ok ? 'ok' : result.reason;
      if (reason === 'revoked') seen.add(secret);
      else if (known || reason !== 'ok') wrong.push(`${reason} after revoked`);
      // Microtasks alone would never let a message in.
      if (call % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  });
  return {
    wrong,
    async stop(): Promise<void> {
      running = false;
      await Promise.all(work);
    },
  };
}

it('never goes back behind a revocation that a process heard of, under load, however look-ups and messages cross', async () => {
  const url = database.urls?.app ?? '';
  const [here, ...others] = await Promise.all([keyProcess(url), keyProcess(url), keyProcess(url)]);
  const { tenantId } = await keyWorld(database.app);
  for (let round = 0; round < 15; round += 1) {
    const issued = await Promise.all(Array.from({ length: 20 }, () => here.keys.issue({ tenantId })));
    const secrets = issued.map(({ secret }) => secret);
    // Messages come in the order of their commits: with this one, all of what was issued are there.
    const { tenantId: last } = await keyWorld(database.app);
    await here.keys.revoke({ tenantId: last, keyId: (await here.keys.issue({ tenantId: last })).key.id });
    await Promise.all(others.map(({ heard }) => until(() => heard.includes(last))));
    const loads = [here, ...others].map((process) => callers(process, secrets, 8));
    for (const { key } of issued) {
      const before = others.map(({ heard }) => heard.length);
      await here.keys.revoke({ tenantId, keyId: key.id });
      const { secret } = issued.find((one) => one.key.id === key.id) ?? { secret: '' };
      expect(await here.keys.verify(secret)).toEqual({ ok: false, reason: 'revoked' });
      await Promise.all(
        others.map(async (process, index) => {
          await until(() => process.heard.slice(before[index]).includes(tenantId));
          expect(await process.keys.verify(secret)).toEqual({ ok: false, reason: 'revoked' });
        }),
      );
    }
    for (const load of loads) {
      await load.stop();
      expect(load.wrong).toEqual([]);
    }
  }
  await Promise.all([here, ...others].map((process) => process.close()));
});

it('serves nothing that was revoked while the connection that listens was cut, again and again, under load', async () => {
  const url = database.urls?.app ?? '';
  const [here, there] = [await keyProcess(url), await keyProcess(url)];
  const { tenantId } = await keyWorld(database.app);
  for (let round = 0; round < 30; round += 1) {
    const issued = await Promise.all(Array.from({ length: 5 }, () => here.keys.issue({ tenantId })));
    const secrets = issued.map(({ secret }) => secret);
    const load = callers(there, secrets, 8);
    await until(() => there.keys.cacheState().trusted);
    for (const secret of secrets) expect(await there.keys.verify(secret)).toMatchObject({ ok: true });
    const ended = there.ended();
    await superuser.query('select pg_terminate_backend($1)', [there.listenerPid()]);
    await until(() => there.ended() > ended);
    // From here on the message can reach nobody; a new connection may stand at any moment.
    for (const { key, secret } of issued) {
      await here.keys.revoke({ tenantId, keyId: key.id });
      if (there.keys.cacheState().trusted) await until(() => there.heard.includes(tenantId));
      else expect(await there.keys.verify(secret)).toEqual({ ok: false, reason: 'revoked' });
    }
    await until(() => there.keys.cacheState().trusted);
    for (const secret of secrets) {
      await until(async () => !(await there.keys.verify(secret)).ok);
    }
    await load.stop();
    expect(load.wrong).toEqual([]);
  }
  await Promise.all([here.close(), there.close()]);
});

it('forgets nothing that was granted and grants nothing twice when processes share the limits of a key', async () => {
  const url = database.urls?.app ?? '';
  const rates = { tenant: { limit: 100_000, per: 'day' } } as const;
  const processes = await Promise.all([
    keyProcess(url, { rates }),
    keyProcess(url, { rates }),
    keyProcess(url, { rates }),
  ]);
  const { tenantId } = await keyWorld(database.app);
  const [first] = processes;
  const issued = await Promise.all([300, 777].map((amount) => first.keys.issue({ tenantId, uses: { amount } })));
  const results = await Promise.all(
    Array.from({ length: 3000 }, async (_, call) => {
      const { key, secret } = issued[call % 2] ?? issued[0] ?? { key: undefined, secret: '' };
      const result = await processes[call % 3]?.keys.verify(secret);
      return { id: key?.id, ok: result?.ok === true };
    }),
  );
  for (const [index, amount] of [300, 777].entries()) {
    const id = issued[index]?.key.id;
    expect(results.filter((result) => result.id === id && result.ok)).toHaveLength(amount);
    expect((await first.keys.get({ tenantId, keyId: id ?? '' }))?.uses?.used).toBe(amount);
  }
  await Promise.all(processes.map((process) => process.close()));
});
