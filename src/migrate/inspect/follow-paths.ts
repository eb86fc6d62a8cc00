import type { AnyDatabase } from '../../database/index.ts';
import { archives } from './classify.ts';
import type { InspectedReference, OtherPath } from './inspection.ts';
import { chainOf, type Lead, leadTables } from './lead-tables.ts';
import { isActor } from './names.ts';
import { blockedProbe, disagreeProbe, makersSql, measure, type Place, unresolvedProbe } from './probes.ts';

/** Rows that stay while the row they refer to would be moved aside. */
export interface Blocked {
  readonly reference: InspectedReference;
  readonly rows: number;
  readonly sql: string;
}

/** Which way each table takes to the source, held against the data. */
export interface Paths {
  readonly led: ReadonlyMap<string, Lead>;
  readonly common: ReadonlySet<string>;
  readonly unresolved: ReadonlyMap<string, number>;
  readonly unresolvedSql: ReadonlyMap<string, string>;
  readonly others: ReadonlyMap<string, readonly OtherPath[]>;
  readonly blocked: readonly Blocked[];
}

/**
 * Chooses the ways, then looks where a second way leads to another source row. A table that is led only by who made its
 * rows, by a few who made them for all, is shared; the ways are chosen again without it.
 */
export async function followPaths(
  tx: AnyDatabase,
  place: Place,
  references: readonly InspectedReference[],
): Promise<Paths> {
  const tables = [...place.tables.values()];
  const leaves = new Set(tables.filter((table) => table.primaryKey.length === 0).map((table) => table.name));
  const common = new Set<string>();
  for (;;) {
    const apart = new Set([...archives(tables), ...common]);
    const led = leadTables(tables, references, place.source, { leaves, apart });
    const owns = (table: string): boolean => table === place.source || (led.has(table) && !leaves.has(table));
    const second = references.filter(
      (reference) =>
        owns(reference.table) && owns(reference.target) && led.get(reference.table)?.reference !== reference,
    );
    const probes = second.map((reference) =>
      disagreeProbe(place, reference, { mine: chainOf(led, reference.table), theirs: chainOf(led, reference.target) }),
    );
    const counts = await measure(
      tx,
      probes.map((probe) => probe.count),
    );
    const others = new Map<string, OtherPath[]>();
    for (const [at, reference] of second.entries()) {
      const { table, target, columns, constraint } = reference;
      const other = { columns, to: target, constraint, disagree: counts[at]?.rows ?? 0, sql: probes[at]?.list ?? '' };
      others.set(table, [...(others.get(table) ?? []), other]);
    }
    const found = await madeByFew(tx, place, led, suspects(second, others, led));
    if (found.length > 0) {
      for (const table of found) common.add(table);
      continue;
    }
    return { led, common, others, ...(await countUnresolved(tx, place, references, led, owns)) };
  }
}

/** Tables that are led only by who made their rows, and to which rows of other tenants refer. */
function suspects(
  second: readonly InspectedReference[],
  others: ReadonlyMap<string, readonly OtherPath[]>,
  led: ReadonlyMap<string, Lead>,
): string[] {
  const crossed = second.filter(
    ({ table, target, columns }) =>
      table !== target && others.get(table)?.some((other) => other.columns === columns && other.disagree > 0),
  );
  return [...new Set(crossed.map(({ target }) => target))].filter((target) => {
    const way = led.get(target)?.reference;
    return way !== undefined && isActor(way.columns);
  });
}

/** Of these, the tables whose rows a few of many source rows made: look-ups that administrators keep for all. */
async function madeByFew(
  tx: AnyDatabase,
  place: Place,
  led: ReadonlyMap<string, Lead>,
  tables: readonly string[],
): Promise<string[]> {
  const makers = await measure(
    tx,
    tables.map((table) => makersSql(place, table, chainOf(led, table))),
  );
  const all = place.tables.get(place.source)?.rows ?? 0;
  return tables.filter((_, at) => (makers[at]?.rows ?? all) <= Math.max(all / 100, Math.min(3, all / 10)));
}

async function countUnresolved(
  tx: AnyDatabase,
  place: Place,
  references: readonly InspectedReference[],
  led: ReadonlyMap<string, Lead>,
  owns: (table: string) => boolean,
): Promise<Pick<Paths, 'unresolved' | 'unresolvedSql' | 'blocked'>> {
  const lossy = [...led.keys()].filter(
    (table) => owns(table) && chainOf(led, table).some(({ empty, dangling }) => empty + dangling > 0),
  );
  const probes = lossy.map((table) => unresolvedProbe(place, table, chainOf(led, table)));
  const counts = await measure(
    tx,
    probes.map((probe) => probe.count),
  );
  const unresolved = new Map(lossy.map((table, at) => [table, counts[at]?.rows ?? 0]));
  const held = references.filter(
    (reference) =>
      reference.constraint !== null &&
      (unresolved.get(reference.target) ?? 0) > 0 &&
      !(owns(reference.table) && led.get(reference.table)?.reference === reference),
  );
  const holds = held.map((reference) =>
    blockedProbe(place, reference, {
      mine: owns(reference.table) ? chainOf(led, reference.table) : null,
      theirs: chainOf(led, reference.target),
    }),
  );
  const staying = await measure(
    tx,
    holds.map((probe) => probe.count),
  );
  return {
    unresolved,
    unresolvedSql: new Map(lossy.map((table, at) => [table, probes[at]?.list ?? ''])),
    blocked: held
      .map((reference, at) => ({ reference, rows: staying[at]?.rows ?? 0, sql: holds[at]?.list ?? '' }))
      .filter(({ rows }) => rows > 0),
  };
}
