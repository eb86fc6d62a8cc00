import type { InspectedReference, SchemaTable } from './inspection.ts';
import { isActor, isNamedAfter } from './names.ts';

/** How a table is led to the source: by which of its references, and how dear the whole way is. */
export interface Lead {
  readonly reference: InspectedReference;
  readonly cost: number;
}

/**
 * Chooses for every table the reference by which its rows are led to the source, the best way first: a column that is
 * always filled before one that may be empty, a foreign key before a resemblance, whose the row is before who wrote it,
 * and few steps before many. Circles end by themselves, since a way never grows cheaper.
 *
 * Tables in `leaves` are led and lead nobody further (they have no key); those in `apart` are passed over.
 */
export function leadTables(
  tables: readonly SchemaTable[],
  references: readonly InspectedReference[],
  source: string,
  { leaves, apart }: { readonly leaves: ReadonlySet<string>; readonly apart: ReadonlySet<string> },
): Map<string, Lead> {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const led = new Map<string, Lead>();
  const settled = new Set<string>();
  const costOf = (table: string): number => (table === source ? 0 : (led.get(table)?.cost ?? Number.POSITIVE_INFINITY));
  for (let at: string | undefined = source; at !== undefined; at = nearest(led, settled)) {
    settled.add(at);
    if (leaves.has(at)) continue;
    for (const reference of references) {
      const table = byName.get(reference.table);
      if (reference.target !== at || table === undefined || settled.has(table.name) || apart.has(table.name)) continue;
      const cost = costOf(at) + stepCost(reference, table);
      if (cost < costOf(table.name)) led.set(table.name, { reference, cost });
    }
  }
  return led;
}

function nearest(led: ReadonlyMap<string, Lead>, settled: ReadonlySet<string>): string | undefined {
  let best: [string, number] | undefined;
  for (const [table, { cost }] of led) {
    if (!settled.has(table) && (best === undefined || cost < best[1])) best = [table, cost];
  }
  return best?.[0];
}

function stepCost(reference: InspectedReference, table: SchemaTable): number {
  const lost = reference.empty + reference.dangling;
  const identifying = reference.columns.every((column) => table.primaryKey.includes(column));
  const named = isNamedAfter(reference.columns[0] ?? '', reference.target);
  return Math.max(
    1,
    10 +
      (reference.constraint === null ? 6 : 0) +
      (reference.nullable ? 3 : 0) +
      (lost > 0 ? 4 + (20 * lost) / Math.max(1, table.rows) : 0) +
      (isActor(reference.columns) ? 40 : 0) -
      (identifying ? 3 : 0) -
      (reference.onDelete === 'cascade' ? 2 : 0) -
      (named ? 1 : 0),
  );
}

/** The references from a table up to the source, nearest first. */
export function chainOf(led: ReadonlyMap<string, Lead>, table: string): InspectedReference[] {
  const chain: InspectedReference[] = [];
  for (let at = led.get(table); at !== undefined; at = led.get(at.reference.target)) chain.push(at.reference);
  return chain;
}

/** A chain for people: `project_id → customer_id`. */
export function pathText(chain: readonly InspectedReference[]): string {
  return chain.map((reference) => reference.columns.join(', ')).join(' → ');
}
