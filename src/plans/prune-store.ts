import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { Int8 } from './store.ts';
import type { PrunedUsage } from './usage-interface.ts';

/** A table whose old rows may be deleted. */
interface Prunable {
  readonly table: string;
  /** The primary key, with its types. */
  readonly key: readonly (readonly [column: string, type: string])[];
  /** Which rows of `x` are old, by the times of `since`: `history` is null where none of it is to be deleted. */
  readonly old: string;
  /** As what such a row is counted. */
  readonly kind: string;
  /** Whether all of it is history. */
  readonly history?: true;
}

/** When a period ended, by its kind (`month`, `3 month`, `within 1 hour`) and its start; null for what never ends. */
const periodEnd = `x.period_start + case when x.per in ('none', 'once') then null when x.per ~ '^within '
  then substr(x.per, 8)::interval when x.per ~ '^[0-9]' then x.per::interval else ('1 ' || x.per)::interval end`;

/** Five days more: one of February that is counted from the 31st ends on 31 March, and zones have clocks of their own. */
const over = `${periodEnd} + interval '5 days'`;

/** What may be deleted. */
const prunables: readonly Prunable[] = [
  {
    table: 'usage_keys',
    key: [
      ['tenant_id', 'uuid'],
      ['meter', 'text'],
      ['key', 'text'],
    ],
    old: 'x.used_at < since.before',
    kind: `'keys'`,
  },
  {
    table: 'usage_reservations',
    key: [
      ['tenant_id', 'uuid'],
      ['id', 'uuid'],
    ],
    old: `x.status <> 'held' and x.settled_at < since.before`,
    kind: `'reservations'`,
  },
  // A period of which the provider is being told stays until it was told.
  {
    table: 'usage_counters',
    key: [
      ['tenant_id', 'uuid'],
      ['meter', 'text'],
      ['per', 'text'],
      ['period_start', 'timestamptz'],
    ],
    old: `case when x.per ~ '^within ' then ${over} < since.before
      else x.exporting is null and x.updated_at < since.history and ${over} < since.history end`,
    kind: `case when x.per ~ '^within ' then 'windows' else 'periods' end`,
  },
  {
    table: 'usage_hours',
    key: [
      ['tenant_id', 'uuid'],
      ['meter', 'text'],
      ['subject', 'text'],
      ['hour', 'timestamptz'],
    ],
    old: 'x.hour < since.history',
    kind: `'hours'`,
    history: true,
  },
  {
    table: 'member_usage',
    key: [
      ['tenant_id', 'uuid'],
      ['member_id', 'uuid'],
      ['meter', 'text'],
      ['per', 'text'],
      ['period_start', 'timestamptz'],
    ],
    old: `x.updated_at < since.history and ${over} < since.history`,
    kind: `'members'`,
    history: true,
  },
];

/*
 * The table is walked once, in the order of its primary key and so many rows at a time, since an index by age would have its
 * price with every unit that is used. What somebody has locked is left to the next time, so that nobody waits for this.
 *
 * $1, $2 the times, $3 the tenant or null for all, $4 how many rows, $5 … the key after which the part begins; null: at first.
 */
function pruneText({ table, key, old, kind }: Prunable): string {
  const names = key.map(([column]) => column).join(', ');
  const places = key.map(([, type], index) => `$${index + 5}::text::${type}`).join(', ');
  const same = key.map(([column]) => `x.${column} = p.${column}`).join(' and ');
  const last = key.map(([column]) => `p.${column}::text`).join(', ');
  return `
    with since as (
      select $1::timestamptz as before, $2::timestamptz as history
    ), part as materialized (
      select ${names} from tenantry.${table}
      where ($3::uuid is null or tenant_id = $3::uuid) and ($5::text is null or (${names}) > (${places}))
      order by ${names} limit $4::integer
    ), old as materialized (
      select ${key.map(([column]) => `x.${column}`).join(', ')}, ${kind} as kind
      from since cross join tenantry.${table} x join part p on ${same} where ${old} for update of x skip locked
    ), gone as (
      delete from tenantry.${table} x using old p where ${same} returning p.kind
    )
    select (select json_agg(g) from (select kind, count(*) as rows from gone group by kind) g) as gone,
      (select count(*) from part) as seen,
      (select array[${last}] from part p order by ${key.map(([column]) => `p.${column} desc`).join(', ')} limit 1) as last`;
}

/** How old what is deleted is, at least, and whose it is. */
export interface PruneRowsInput {
  readonly before: Date;
  readonly historyBefore: Date | null;
  readonly tenantId: string | null;
  /** How many rows one statement looks at. */
  readonly atOnce: number;
}

interface Part {
  readonly gone: readonly { readonly kind: keyof PrunedUsage; readonly rows: number }[] | null;
  readonly seen: Int8;
  readonly last: readonly string[] | null;
}

/** Deletes old rows, so many at a time, and gives how many they were. */
export async function pruneRows(
  db: AnyDatabase,
  { before, historyBefore, tenantId, atOnce }: PruneRowsInput,
): Promise<PrunedUsage> {
  const pruned = { keys: 0, reservations: 0, windows: 0, hours: 0, periods: 0, members: 0 };
  for (const prunable of prunables) {
    if (prunable.history === true && historyBefore === null) continue;
    const text = pruneText(prunable);
    let after: readonly (string | null)[] | null = prunable.key.map(() => null);
    while (after !== null) {
      const [part]: readonly Part[] = await run(db, text, [before, historyBefore, tenantId, atOnce, ...after]);
      for (const { kind, rows } of part?.gone ?? []) pruned[kind] += rows;
      after = part === undefined || Number(part.seen) < atOnce ? null : part.last;
    }
  }
  return pruned;
}
