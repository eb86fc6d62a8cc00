import type { AnyDatabase } from '../../../database/index.ts';
import type { DecidedRows } from '../rows/decide-units.ts';
import { readLibraryTables } from '../rows/library-tables.ts';
import type { RowModel } from '../rows/table.ts';
import { type RetenantingUnit, waysOf } from '../units.ts';
import type { PeopleConflict, PeopleUnit } from './people-unit.ts';

/** The model of a unit whose rows somebody else moves: the tables of the library alone. */
export async function libraryModel(
  db: AnyDatabase,
  { retenanting, to, policies }: Pick<PeopleUnit, 'retenanting' | 'to' | 'policies'>,
): Promise<RowModel> {
  const library = await readLibraryTables(db, { name: retenanting, to, people: policies });
  return { ...library, name: retenanting, schema: 'public' };
}

/** A unit of people as one of rows. */
export function rowUnitOf({ unit, oldTenantId, targets }: PeopleUnit): RetenantingUnit {
  return { unit, oldTenantId, targets, chosen: false, ways: waysOf(targets) };
}

/** What was found of rows of the library that cannot be carried. */
export function libraryConflicts({ unknown, uniques }: Pick<DecidedRows, 'unknown' | 'uniques'>): PeopleConflict[] {
  return [
    ...unknown.map(
      ({ table, rows, tenants, sealed = false }): PeopleConflict => ({
        topic: 'library',
        table,
        between: tenants,
        remedy: sealed
          ? `${rows} rows of "${table}" are sealed for their tenant: hand in what seals them, "secrets".`
          : `${rows} rows of "${table}" are of these tenants, and this version does not know how to carry them: remove them first.`,
      }),
    ),
    ...uniques
      .filter(({ table, policy }) => policy === 'fail' && table.startsWith('tenantry.'))
      .map(
        ({ table, unique, samples }): PeopleConflict => ({
          topic: 'library',
          table,
          between: samples,
          remedy: `Rows of "${table}" have the same "${unique}" as rows of the target: remove one of each first.`,
        }),
      ),
  ];
}
