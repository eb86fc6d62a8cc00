import type { AnyDatabase } from '../database/index.ts';
import { type Int8, run } from './store.ts';

/** Rows that may be deleted. */
interface Prunable {
  readonly table: string;
  /** The primary key, with its types. */
  readonly key: readonly (readonly [column: string, type: string])[];
  /** Which rows of `x` are old; `$1` is the moment. */
  readonly old: string;
}

/** When a period ended, by its kind (`month`, `3 month`, `within 1 hour`) and its start; null for what never ends. */
const periodEnd = `x.period_start + case when x.per in ('none', 'once') then null when x.per ~ '^within '
  then substr(x.per, 8)::interval when x.per ~ '^[0-9]' then x.per::interval else ('1 ' || x.per)::interval end`;

/** Five days more: one of February that is counted from the 31st ends on 31 March, and zones have clocks of their own. */
const over = `${periodEnd} + interval '5 days' < $1::timestamptz`;

const counterKey = [
  ['tenant_id', 'uuid'],
  ['meter', 'text'],
  ['per', 'text'],
  ['period_start', 'timestamptz'],
] as const;

/** What may be deleted. */
const prunable = {
  keys: {
    table: 'usage_keys',
    key: [
      ['tenant_id', 'uuid'],
      ['meter', 'text'],
      ['key', 'text'],
    ],
    old: 'x.used_at < $1::timestamptz',
  },
  reservations: {
    table: 'usage_reservations',
    key: [
      ['tenant_id', 'uuid'],
      ['id', 'uuid'],
    ],
    old: `x.status <> 'held' and x.settled_at < $1::timestamptz`,
  },
  windows: { table: 'usage_counters', key: counterKey, old: `x.per ~ '^within ' and ${over}` },
  hours: {
    table: 'usage_hours',
    key: [
      ['tenant_id', 'uuid'],
      ['meter', 'text'],
      ['subject', 'text'],
      ['hour', 'timestamptz'],
    ],
    old: 'x.hour < $1::timestamptz',
  },
  // One that the provider is being told of stays until it was told.
  periods: {
    table: 'usage_counters',
    key: counterKey,
    old: `x.per !~ '^within ' and x.exporting is null and x.updated_at < $1::timestamptz and ${over}`,
  },
  members: {
    table: 'member_usage',
    key: [
      ['tenant_id', 'uuid'],
      ['member_id', 'uuid'],
      ['meter', 'text'],
      ['per', 'text'],
      ['period_start', 'timestamptz'],
    ],
    old: `x.updated_at < $1::timestamptz and ${over}`,
  },
} as const satisfies { readonly [name: string]: Prunable };

/** Names rows that may be deleted. */
export type PrunableName = keyof typeof prunable;

/*
 * The table is walked once, in the order of its primary key and so many rows at a time, since an index by age would have its
 * price with every unit that is used. What somebody has locked is left to the next time, so that nobody waits for this.
 *
 * $1 the moment, $2 the tenant or null for all, $3 how many rows, $4 … the key after which the part begins; null: at first.
 */
function pruneText({ table, key, old }: Prunable): string {
  const names = key.map(([column]) => column).join(', ');
  const places = key.map(([, type], index) => `$${index + 4}::text::${type}`).join(', ');
  const same = key.map(([column]) => `x.${column} = p.${column}`).join(' and ');
  const last = key.map(([column]) => `p.${column}::text`).join(', ');
  return `
    with part as materialized (
      select ${names} from tenantry.${table}
      where ($2::uuid is null or tenant_id = $2::uuid) and ($4::text is null or (${names}) > (${places}))
      order by ${names} limit $3::integer
    ), old as materialized (
      select ${key.map(([column]) => `x.${column}`).join(', ')} from tenantry.${table} x join part p on ${same}
      where ${old} for update of x skip locked
    ), gone as (
      delete from tenantry.${table} x using old p where ${same} returning 1
    )
    select (select count(*) from gone) as gone, (select count(*) from part) as seen,
      (select array[${last}] from part p order by ${key.map(([column]) => `p.${column} desc`).join(', ')} limit 1) as last`;
}

/** Deletes old rows of one kind, so many at a time, and gives how many they were. */
export async function pruneRows(
  db: AnyDatabase,
  name: PrunableName,
  { before, tenantId, atOnce }: { readonly before: Date; readonly tenantId: string | null; readonly atOnce: number },
): Promise<number> {
  const { key } = prunable[name];
  const text = pruneText(prunable[name]);
  let after: readonly (string | null)[] = key.map(() => null);
  let deleted = 0;
  for (;;) {
    const parameters = [before, tenantId, atOnce, ...after];
    const [row] = await run<{ gone: Int8; seen: Int8; last: readonly string[] | null }>(db, text, parameters);
    deleted += Number(row?.gone ?? 0);
    if (!row?.last || Number(row.seen) < atOnce) return deleted;
    after = row.last;
  }
}
