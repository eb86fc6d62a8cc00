import type { AnyDatabase } from '../../../database/index.ts';
import { quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { type RetenantingUnit, staysOf } from '../units.ts';
import type { RowModel } from './table.ts';

/** Rows of the library of which nothing says how they are carried. */
export interface UnknownRows {
  readonly table: string;
  readonly rows: number;
  readonly tenants: readonly string[];
  /** The rows hold what is sealed for their tenant. */
  readonly sealed?: boolean;
}

/** Finds rows of unknown tables of the library at tenants that end, are split, or lose their members. */
export async function unknownRows(
  db: AnyDatabase,
  { unknown, memberless }: RowModel,
  units: readonly RetenantingUnit[],
): Promise<UnknownRows[]> {
  const tenants = units
    .filter((unit) => !unit.chosen && (unit.targets.length > 1 || !staysOf(unit) || memberless))
    .map(({ oldTenantId }) => oldTenantId);
  if (unknown.length === 0 || tenants.length === 0) return [];
  const parts = unknown.map(
    ({ name, sql }) => `select ${quoteLiteral(name)} as "table", count(*)::float8 as rows,
  to_json((array_agg(distinct tenant_id))[1:10]) as tenants from ${sql} where tenant_id = any($1::uuid[]) having count(*) > 0`,
  );
  const found = await execute<UnknownRows>(db, parts.join('\nunion all '), [tenants]);
  return found.rows;
}
