import type { AnyMigration } from './definition.ts';

/** The columns that the additions of a definition add, by table. */
export function addedColumns({ additions = [] }: AnyMigration): Map<string, readonly string[]> {
  const added = new Map<string, readonly string[]>();
  for (const { adds = {} } of additions) {
    for (const [table, columns] of Object.entries(adds)) added.set(table, [...(added.get(table) ?? []), ...columns]);
  }
  return added;
}
