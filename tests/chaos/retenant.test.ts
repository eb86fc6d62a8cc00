import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, expect, it } from 'vitest';
import { applyRetenanting, rollbackRetenanting, verifyRetenanting } from '../../src/migrate/index.ts';
import type { TestDatabase } from '../support/databases.ts';
import { everyRow, fillShop, retenantingOf, type Shop } from '../support/retenant-rows.ts';
import { openRunner, type Runner } from '../support/runner.ts';
import { shopDatabase } from '../support/shop-database.ts';
import { workerFile } from '../support/worker-file.ts';

const worker = workerFile('retenant-worker');
const { TENANTRY_KILLS = '30' } = process.env;

let database: TestDatabase<Shop>;
/** It may keep triggers from firing, which the owner may not. */
let runner: Runner<Shop>;
afterEach(async () => {
  await runner.db.destroy();
  await database.destroy();
  await runner.destroy();
});

/** What writers did, as far as the database told them. */
interface Written {
  readonly notes: Map<string, string>;
  added: number;
  refused: number;
  unmatched: number;
}

it.each([
  ['merge', 20_000],
  ['split', 20_000],
  ['merge', 10],
  ['split', 10],
] as const)(
  'loses no write of eight writers while tenants %s and go back (large from %s rows)',
  async (kind, largeUnit) => {
    database = await shopDatabase({ connections: 20 });
    runner = await openRunner(database);
    const { program, acme, beta } = await fillShop(database);
    const definition = retenantingOf(kind, acme, beta);
    const projects = await database.owner.selectFrom('projects').select(['id', 'tenant_id', 'owner_id']).execute();
    const sums = async () =>
      Number(
        (await sql<{ used: string }>`select sum(used)::text as used from meters`.execute(database.owner)).rows[0]?.used,
      );
    const used = await sums();
    const written: Written = { notes: new Map(), added: 0, refused: 0, unmatched: 0 };
    let running = true;

    /** A writer holds a tenant for a while, as a request does, and asks anew when it is told to. */
    async function writer(number: number): Promise<void> {
      const own = projects.filter(
        ({ tenant_id, owner_id }) => tenant_id === beta && owner_id === (['eve', 'bob', 'cyd'][number % 3] ?? ''),
      );
      const userId = own[0]?.owner_id ?? 'eve';
      let tenantId = beta;
      for (let turn = 0; running; turn += 1) {
        await wait(2 + Math.random() * 6);
        const project = own[turn % own.length];
        const id = crypto.randomUUID();
        const body = `writer ${number} turn ${turn}`;
        try {
          if (number % 4 === 3) {
            const done = await program.tenancy
              .scope(tenantId)
              .updateTable('meters')
              .set(({ eb }) => ({ used: eb('used', '+', 1) }))
              .where('meter', '=', 'calls')
              .executeTakeFirst();
            if (done.numUpdatedRows === 1n) written.added += 1;
            else throw Object.assign(new Error('no row'), { code: 'unmatched' });
          } else if (number % 2 === 0) {
            await program.tenancy
              .scope(tenantId)
              .insertInto('notes')
              .values({ id, project_id: project?.id ?? '', label_id: null, body })
              .execute();
            written.notes.set(id, body);
          } else {
            await program.tenancy.transaction(tenantId, async (tx) => {
              await tx
                .insertInto('notes')
                .values({ id, tenant_id: tenantId, project_id: project?.id ?? '', label_id: null, body: 'draft' })
                .execute();
              await tx.updateTable('notes').set({ body }).where('id', '=', id).execute();
            });
            written.notes.set(id, body);
          }
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? String(error.code) : '';
          if (!['tenant_not_found', 'tenant_in_maintenance', '23503', '40P01', '42501', 'unmatched'].includes(code))
            throw error;
          if (code === 'unmatched') written.unmatched += 1;
          else written.refused += 1;
          if (code === 'tenant_in_maintenance') await wait(5);
          const found = await program.tenancy.resolve({ userId });
          if (found.ok) tenantId = found.tenantId;
        }
      }
    }

    const writers = Array.from({ length: 8 }, (_, number) => writer(number));
    try {
      for (let round = 0; round < 3; round += 1) {
        await wait(150);
        await applyRetenanting(runner.db, definition, { largeUnit, batchSize: 8 });
        await wait(150);
        const { checks } = await verifyRetenanting(runner.db, definition);
        expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
        await rollbackRetenanting(runner.db, definition);
      }
    } finally {
      running = false;
      await Promise.allSettled(writers);
    }
    await Promise.all(writers);
    const found = await database.owner
      .selectFrom('notes')
      .select(['id', 'body', 'tenant_id'])
      .where('body', 'like', 'writer%')
      .execute();
    expect(new Map(found.map(({ id, body }) => [id, body]))).toEqual(written.notes);
    expect(new Set(found.map(({ tenant_id }) => tenant_id))).toEqual(new Set([beta]));
    expect(await sums()).toBe(used + written.added);
    expect(written.notes.size).toBeGreaterThan(60);
    expect(written.added).toBeGreaterThan(20);
  },
);

/** Runs one way in a process and kills it after so many lines. True when it came to its end before. */
async function run(args: readonly string[], afterLines: number): Promise<boolean> {
  const child = spawn(process.execPath, [worker, runner.url, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let lines = 0;
  let done = false;
  for await (const line of createInterface({ input: child.stdout })) {
    done ||= line === 'done';
    lines += 1;
    if (lines !== afterLines) continue;
    await wait(Math.random() * 8);
    child.kill('SIGKILL');
  }
  return done;
}

it.each([
  ['merge', '20000'],
  ['merge', '10'],
  ['split', '10'],
] as const)(
  'ends in the same rows, both ways, however often it is killed (%s, large from %s rows)',
  async (kind, largeUnit) => {
    database = await shopDatabase();
    runner = await openRunner(database);
    const { acme, beta } = await fillShop(database);
    const before = await everyRow(database);
    const definition = retenantingOf(kind, acme, beta);
    await applyRetenanting(runner.db, definition);
    const expected = comparable(await everyRow(database, { only: true }));
    await rollbackRetenanting(runner.db, definition);
    expect(await everyRow(database)).toEqual(before);

    const places = new Map<string, number>();
    const rounds = Math.max(1, Math.ceil(Number(TENANTRY_KILLS) / 30));
    for (let round = 0; round < rounds; round += 1) {
      for (const way of ['apply', 'rollback']) {
        let lines = 3;
        while (!(await run([kind, way, acme, beta, largeUnit], lines))) {
          lines += 1 + Math.floor(Math.random() * 4);
          const { rows } = await sql<{
            place: string;
          }>`select m.stage || ' ' || coalesce(string_agg(u.stage, ' '), '') as place
          from tenantry.migrations m left join tenantry.retenant_units u on u.retenanting = m.name group by m.name, m.stage`.execute(
            database.owner,
          );
          places.set(`${way} ${rows[0]?.place}`, (places.get(`${way} ${rows[0]?.place}`) ?? 0) + 1);
        }
        if (way === 'rollback') {
          expect(await everyRow(database)).toEqual(before);
          continue;
        }
        const { checks } = await verifyRetenanting(runner.db, definition);
        expect(checks.filter(({ status }) => status !== 'pass')).toEqual([]);
        expect(comparable(await everyRow(database, { only: true }))).toEqual(expected);
      }
    }
    expect(places.size).toBeGreaterThan(2);
  },
);

/** Copies get other keys in every run. */
function comparable(rows: readonly unknown[]): string[] {
  return rows.map((row) => JSON.stringify(row).replaceAll(/"(label_)?id": ?\d+/g, '"$1id":0')).toSorted();
}
