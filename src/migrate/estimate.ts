import type { AnyDatabase } from '../database/index.ts';
import { isSource, type Model } from './model.ts';
import type { Estimate, PlannedStep, Step } from './plan.ts';
import { execute } from './sql-text.ts';

/** What the estimates of a plan stand on. */
export interface EstimateBasis {
  /** How much slower than the reference this server is, and the machine that asks it; measured. */
  readonly slowness: number;
  /** Rows and bytes per row of each table, by its name as SQL. */
  readonly tables: ReadonlyMap<string, { readonly rows: number; readonly width: number }>;
  readonly sourceRows: number;
}

/**
 * Seconds that a million rows of 100 bytes take, by what a statement does: measured with PostgreSQL 15 on a server of two
 * cores that did nothing else. A busy server takes longer, and what waits for a lock as long as it waits.
 */
const secondsPerMillion: readonly (readonly [pattern: RegExp, seconds: number])[] = [
  [/^\s*vacuum/i, 1.5],
  [/^\s*analyze/i, 0.2],
  [/validate constraint/i, 0.6],
  [/create (?:unique )?index|add constraint .* unique \(/is, 2],
  [/tenantry\.migration_baselines/i, 0.6],
  [/^\s*(?:alter|create|drop|lock|comment|grant|revoke|set|do)\b/i, 0],
  [/^\s*(?:select|delete|with gone as)\b/i, 1],
  [/^\s*(?:with|insert|update)\b/i, 8],
];

/** What a batch adds: its checkpoint, its commit, its look for the next edge. */
const batchesPerMillion = 14;

/** What any statement takes, in seconds, however few rows there are: a round trip and a look into the catalogue. */
const least = 0.003;

/** The seconds that {@link measureSlowness} takes on the server of the reference. */
const reference = 0.075;

/** Measures in a transaction that is rolled back how fast this server writes rows. */
export async function measureSlowness(tx: AnyDatabase): Promise<number> {
  const times = await execute<{ seconds: string }>(
    tx,
    `with rows as materialized (select n, md5(n::text) as word from generate_series(1, 40000) as n),
  sorted as materialized (select a.n, a.word from rows a join rows b on b.word = a.word order by a.word)
select extract(epoch from clock_timestamp() - statement_timestamp())::text as seconds from (select count(*) from sorted) as done`,
  );
  return Math.min(20, Math.max(0.2, Number(times.rows[0]?.seconds ?? reference) / reference));
}

/** Reads how wide the rows of the tables are, from what the server knows; 100 bytes where it knows nothing. */
export async function readWidths(db: AnyDatabase, model: Model): Promise<Map<string, number>> {
  const found = await execute<{ name: string; width: string }>(
    db,
    `select c.relname as name, (sum(p.relpages::bigint * 8192) / nullif(sum(p.reltuples), 0))::text as width
from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join lateral (select c.relpages, c.reltuples where c.relkind = 'r'
    union all select k.relpages, k.reltuples from pg_partition_tree(c.oid) t join pg_class k on k.oid = t.relid where c.relkind = 'p' and t.isleaf) as p
    on p.reltuples > 0
where n.nspname = $1 group by 1`,
    [model.schema],
  );
  return new Map(found.rows.map(({ name, width }) => [name, Number(width)]));
}

/** Adds to a step how many rows each of its statements looks at, and about how long it takes. */
export function estimateStep(model: Model, basis: EstimateBasis, step: Step): PlannedStep {
  const statements = step.sql.map((sql) => estimateStatement(model, basis, step, sql));
  return {
    ...step,
    estimate: {
      rows: Math.max(0, ...statements.map(({ rows }) => rows)),
      seconds: rounded(statements.reduce((sum, { seconds }) => sum + seconds, 0)),
    },
    statements,
  };
}

function estimateStatement(model: Model, basis: EstimateBasis, { kind, table, id }: Step, sql: string): Estimate {
  const cost =
    kind === 'batches' ? batchesPerMillion : (secondsPerMillion.find(([pattern]) => pattern.test(sql))?.[1] ?? 0);
  if (cost === 0) return { rows: 0, seconds: rounded(least * basis.slowness) };
  const own = model.own.find(({ name }) => name === table);
  const named = [...basis.tables].filter(([text]) => text === own?.sql || sql.includes(text)).map(([, size]) => size);
  const largest = named.reduce((most, size) => (size.rows > most.rows ? size : most), { rows: 0, width: 100 });
  // What is made of the map has as many rows as the source, whether or not it names it.
  const rows = Math.max(largest.rows, id.startsWith('populate:') ? basis.sourceRows : 0);
  const heavy = (1 + Math.min(50, largest.width / 100)) / 2;
  return { rows, seconds: rounded((least + (cost * heavy * rows) / 1_000_000) * basis.slowness) };
}

/** Sums estimates of the steps of one table. */
export function estimateTable(steps: readonly PlannedStep[]): Estimate {
  return {
    rows: Math.max(0, ...steps.map(({ estimate }) => estimate.rows)),
    seconds: rounded(steps.reduce((sum, { estimate }) => sum + estimate.seconds, 0)),
  };
}

/** More digits than two would be a pretence. */
function rounded(seconds: number): number {
  return Number(seconds.toPrecision(2));
}

/** Puts together what estimates stand on. */
export function estimateBasis(
  model: Model,
  slowness: number,
  widths: ReadonlyMap<string, number>,
  rows: ReadonlyMap<string, number>,
): EstimateBasis {
  const tables = model.own.map(
    ({ name, sql }) => [sql, { rows: rows.get(name) ?? 0, width: widths.get(name) ?? 100 }] as const,
  );
  const source = model.own.find(isSource)?.name ?? model.source.name;
  return { slowness, tables: new Map(tables), sourceRows: rows.get(source) ?? 0 };
}
