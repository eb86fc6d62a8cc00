import { sql } from 'kysely';
import { createAudit } from 'tenantry/audit';
import { createTenancy, perUser } from 'tenantry/tenancy';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

type Empty = Record<string, never>;

let database: TestDatabase<Empty>;
beforeAll(async () => {
  database = await postgresDatabase<Empty>({ connections: 40 });
});
afterAll(() => database.destroy());

async function newTenant(userId: string): Promise<string> {
  return (await createTenancy({ db: database.app, strategy: perUser() }).provision({ userId })).tenantId;
}

it('50 writers, half of whom roll back at times, and 8 chainers make one chain without a gap', async () => {
  const tenantId = await newTenant('crowded');
  let writing = true;
  let committed = 0;
  const writers = Array.from({ length: 50 }, async (_, writer) => {
    const trail = createAudit({ db: database.app });
    for (let n = 0; n < 40; n += 1) {
      const record = { tenantId, action: 'thing.done', metadata: { writer, n } };
      if (n % 2 === 0) {
        await trail.record(record);
        committed += 1;
        continue;
      }
      const undone = (writer + n) % 4 === 0;
      await database.app
        .transaction()
        .execute(async (tx) => {
          await trail.record(record, { db: tx });
          // Transactions of different lengths: entries become visible in another order than that of their ids.
          await sql`select pg_sleep(${(writer % 5) / 1000})`.execute(tx);
          if (undone) throw new Error('undone');
        })
        .catch((error: Error) => {
          if (error.message !== 'undone') throw error;
        });
      if (!undone) committed += 1;
    }
  });
  // Each has a memory of its own, as separate processes have.
  const chainers = Array.from({ length: 8 }, async () => {
    let taken = 0;
    while (writing) taken += await createAudit({ db: database.app }).chain({ tenantId });
    return taken;
  });
  await Promise.all(writers);
  writing = false;
  const taken = (await Promise.all(chainers)).reduce((sum, one) => sum + one, 0);
  const rest = await createAudit({ db: database.app }).chain({ tenantId });
  expect(taken + rest).toBe(committed);
  const result = await createAudit({ db: database.app }).verify({ tenantId });
  expect(result).toMatchObject({ ok: true, entries: committed, waiting: 0, head: { sequence: committed } });
  const { rows } = await sql<{ gaps: number }>`
    select (max(sequence) - count(*))::integer as gaps from tenantry.audit_entries where tenant_id = ${tenantId}`.execute(
    database.app,
  );
  expect(rows).toEqual([{ gaps: 0 }]);
});

it('readers, verifications and anchors at once see a whole chain while 50 write', async () => {
  const tenantId = await newTenant('watched');
  const trail = createAudit({ db: database.app });
  const seen = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      await trail.record({ tenantId, action: 'thing.done', metadata: { n } });
      const anchor = await createAudit({ db: database.app }).anchor({ tenantId });
      return createAudit({ db: database.app }).verify({ tenantId, ...(anchor !== null && { anchor }) });
    }),
  );
  expect(seen.filter(({ ok }) => !ok)).toEqual([]);
  expect(await trail.verify({ tenantId })).toMatchObject({ ok: true, entries: 50 });
});

it('a writer of one tenant whose transaction stays open keeps neither writers nor the chain of that tenant waiting', async () => {
  const tenantId = await newTenant('open');
  const trail = createAudit({ db: database.app });
  await database.app.transaction().execute(async (tx) => {
    await trail.record({ tenantId, action: 'slow.begun' }, { db: tx });
    for (let n = 0; n < 20; n += 1) await trail.record({ tenantId, action: 'quick.done' });
    expect(await trail.verify({ tenantId })).toMatchObject({ ok: true, entries: 20, waiting: 0 });
  });
  const { items } = await trail.list({ tenantId, actions: ['slow.*'] });
  // It began first and was committed last: its place is behind those that could be seen before it.
  expect(items.map(({ sequence }) => sequence)).toEqual([21]);
});
