/** A table, and the tables that its foreign keys lead to. */
export interface OrderedTable {
  readonly oid: string;
  readonly parents: readonly string[];
}

/**
 * Puts tables behind those that their foreign keys lead to. Tables that lead to each other in a circle stand together in
 * one group: their rows can only be written or deleted by one statement (Tarjan, Depth-first search and linear graph
 * algorithms, 1972).
 */
export function orderTables<Table extends OrderedTable>(tables: readonly Table[]): readonly (readonly Table[])[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: Table[] = [];
  const groups: Table[][] = [];

  function visit(table: Table): number {
    const number = index.size;
    index.set(table.oid, number);
    let lowest = number;
    stack.push(table);
    for (const oid of table.parents) {
      const parent = byOid.get(oid);
      if (parent === undefined) continue;
      const seen = index.get(oid);
      if (seen === undefined) lowest = Math.min(lowest, visit(parent));
      else if (stack.includes(parent)) lowest = Math.min(lowest, low.get(oid) ?? seen, seen);
    }
    low.set(table.oid, lowest);
    if (lowest === number) groups.push(stack.splice(stack.indexOf(table)));
    return lowest;
  }

  for (const table of tables) if (!index.has(table.oid)) visit(table);
  return groups;
}
