import { performance } from 'node:perf_hooks';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { applyMigration, defineMigration, rollbackMigration, via } from '../../src/migrate/index.ts';
import { perOrg } from '../../src/tenancy/index.ts';
import { median, type Row, rounded, type Suite } from '../harness.ts';

/** What is converted: items that find their tenant through an account. */
interface Legacy {
  accounts: { id: number; name: string };
  items: { id: number; account_id: number; body: string; touched: number };
}

const definition = defineMigration<Legacy>()({
  name: 'bench',
  from: perOrg(),
  to: perOrg(),
  schema: 'bench_legacy',
  tenants: { source: 'accounts', sameTenant: ['id'], name: 'name' },
  tables: { items: via('account_id') },
});

/**
 * The backfill (batches, a checkpoint in each transaction, the dual-write trigger in place) against the one UPDATE that
 * an engineer would write, each on fresh tables; the latency of writers while it runs against their own without it; their
 * longest wait against the lock_timeout; and the memory that a large backfill takes against a small one. All are times in
 * milliseconds or MB: a lower ratio is better.
 */
export const suite: Suite = async (bench) => {
  const { url } = await bench.database();
  const pool = new Pool({ connectionString: url, max: 10 });
  const db = new Kysely<Legacy>({ dialect: new PostgresDialect({ pool }) });
  const rows = bench.quick ? 100_000 : 1_000_000;
  const rounds = 3;

  async function fresh(size = rows): Promise<void> {
    for (const statement of [
      'drop schema if exists bench_legacy cascade',
      'create schema bench_legacy',
      'create table bench_legacy.accounts (id integer primary key, name text not null)',
      `create table bench_legacy.items (id bigint primary key, account_id integer not null, body text not null, touched integer not null default 0)`,
      `insert into bench_legacy.accounts select n, 'Account ' || n from generate_series(1, 1000) n`,
      `insert into bench_legacy.items select n, 1 + n % 1000, repeat('x', 80) from generate_series(1, ${size}) n`,
      'vacuum analyze bench_legacy.items',
      'checkpoint',
    ]) {
      await pool.query(statement);
    }
  }

  /** Applies up to the backfill and gives the time of the one step that fills the items. */
  async function backfill(): Promise<number> {
    let begun = 0;
    let took = 0;
    await applyMigration(db, definition, {
      to: 'backfill',
      onProgress({ step, rows: done, finished }) {
        if (step !== 'backfill:items') return;
        if (done === 0 && !finished) begun = performance.now();
        if (finished) took = performance.now() - begun;
      },
    });
    return took;
  }

  async function oneUpdate(): Promise<number> {
    await pool.query('alter table bench_legacy.accounts add column tenant_id uuid default gen_random_uuid()');
    await pool.query('alter table bench_legacy.items add column tenant_id uuid');
    const begun = performance.now();
    await pool.query(
      'update bench_legacy.items i set tenant_id = a.tenant_id from bench_legacy.accounts a where a.id = i.account_id',
    );
    return performance.now() - begun;
  }

  /**
   * Eight writers, each a statement every few milliseconds, until `work` ends. Every write must be in the table
   * afterwards.
   */
  async function writersDuring(work: Promise<unknown>): Promise<{ p99: number; longest: number }> {
    let going = true;
    const latencies: number[] = [];
    const write = async (): Promise<void> => {
      while (going) {
        const begun = performance.now();
        await pool.query('update bench_legacy.items set touched = touched + 1 where id = $1', [
          1 + Math.floor(Math.random() * rows),
        ]);
        latencies.push(performance.now() - begun);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const writers = Array.from({ length: 8 }, write);
    await work;
    going = false;
    await Promise.all(writers);
    const { rows: kept } = await pool.query<{ writes: string }>(
      'select sum(touched) as writes from bench_legacy.items',
    );
    if (Number(kept[0]?.writes) !== latencies.length) {
      throw new Error(`${latencies.length} writes were answered, ${kept[0]?.writes} are in the table`);
    }
    latencies.sort((one, other) => one - other);
    return {
      p99: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
      longest: latencies.at(-1) ?? Number.NaN,
    };
  }

  /** The most memory that the process held while it filled so many rows, in MB, looked at often. */
  async function memoryOf(size: number): Promise<number> {
    await fresh(size);
    let most = 0;
    const look = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 20);
    await backfill();
    clearInterval(look);
    await rollbackMigration(db, definition);
    return most / 1024 / 1024;
  }

  const found = { backfill: [] as Turn[], writers: [] as Turn[], longest: [] as Turn[], memory: [] as Turn[] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      const sides = { ours: backfill, reference: oneUpdate };
      const turn: Turn = { ours: 0, reference: 0 };
      for (const side of round % 2 === 0 ? (['ours', 'reference'] as const) : (['reference', 'ours'] as const)) {
        await fresh();
        turn[side] = await sides[side]();
        if (side === 'ours') await rollbackMigration(db, definition);
      }
      found.backfill.push(turn);
      await fresh();
      const alone = await writersDuring(new Promise((resolve) => setTimeout(resolve, bench.quick ? 1500 : 5000)));
      await fresh();
      const beside = await writersDuring(backfill());
      found.writers.push({ ours: beside.p99, reference: alone.p99 });
      found.longest.push({ ours: beside.longest, reference: lockTimeout });
      await rollbackMigration(db, definition);
    }
    const small = await memoryOf(100_000);
    found.memory.push({ ours: await memoryOf(bench.quick ? 500_000 : 5_000_000), reference: small });
  } finally {
    await db.destroy();
  }
  const result = [
    rowOf('backfill/one-update', 1, found.backfill),
    rowOf('writers-p99/alone', 8, found.writers),
    rowOf('writers-longest/lock-timeout', 8, found.longest),
    { ...rowOf(`memory-${bench.quick ? '500k' : '5m'}/100k`, 1, found.memory), unit: 'MB' as const },
  ];
  for (const row of result) bench.report(row);
  return result;
};

/** What a statement of the migration waits for a lock at most, in milliseconds. */
const lockTimeout = 2000;

interface Turn {
  ours: number;
  reference: number;
}

function rowOf(name: string, at: number, turns: readonly Turn[]): Row {
  const ratios = turns.map(({ ours, reference }) => ours / reference);
  return {
    name,
    at,
    unit: 'ms',
    ours: rounded(median(turns.map(({ ours }) => ours))),
    reference: rounded(median(turns.map(({ reference }) => reference))),
    ratio: rounded(median(ratios)),
    spread: [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
  };
}
