import { TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { contentHash, keyOfRow, ofTable, rowAfterEntry } from './row-sql.ts';
import { type RowModel, type RowTable, tableOf } from './table.ts';

/**
 * Proves units before they are committed, by sums and joins over the rows as they stand and not by what was decided: what was
 * there is there, once, and no reference crosses tenants.
 *
 * @throws TenantryError `migration_verify_failed`.
 */
export async function proveUnits(tx: AnyDatabase, model: RowModel, units: readonly string[]): Promise<void> {
  const checks = model.tables.flatMap((table) => [
    {
      sql: conservedSql(table, model.name, units),
      text: () => `conserved: the rows of "${table.name}" are not what they were`,
    },
    ...(table.library?.billing === true ? [] : [leftCheck(table, model.name, units)]),
    ...crossingChecks(model, table, tenantsOfUnits(model.name, units)).map(({ sql, text }) => ({
      sql,
      text: (wrong: number) => `closed: ${wrong} ${text}`,
    })),
  ]);
  if (checks.length === 0) return;
  const parts = checks.map(({ sql }, place) => `select ${place} as place, (${sql})::float8 as wrong`);
  const found = await execute<{ place: number; wrong: number }>(tx, parts.join('\nunion all '));
  const failed = found.rows.flatMap(({ place, wrong }) => (wrong > 0 ? [checks[place]?.text(wrong) ?? ''] : []));
  if (failed.length > 0) throw new TenantryError('migration_verify_failed', { migration: model.name, failed });
}

const leftCheck = (table: RowTable, name: string, units: readonly string[]) => ({
  sql: leftSql(table, name, units),
  text: (wrong: number) => `left: ${wrong} rows of "${table.name}" stayed with a tenant that moved`,
});

const inUnits = (alias: string, name: string, units: readonly string[] | null): string =>
  `${alias}.retenanting = ${quoteLiteral(name)}${units === null ? '' : ` and ${alias}.unit in (${units.map(quoteLiteral).join(', ')})`}`;

/** All tenants that units concern. */
export const tenantsOfUnits = (name: string, units: readonly string[] | null): string =>
  `select u.old_tenant_id as tenant_id from tenantry.retenant_units u where ${inUnits('u', name, units)} and u.stage <> 'planned'
union select (t ->> 'tenantId')::uuid from tenantry.retenant_units u, jsonb_array_elements(u.people -> 'targets') as t where ${inUnits('u', name, units)} and u.stage <> 'planned'`;

/**
 * Counts `wrong`: 1 when number and content of the rows that were there differ from what there is. Rows stand where they
 * went, or where they stayed; of those that were changed or lost it is what was written down that counts.
 */
export function conservedSql(table: RowTable, name: string, units: readonly string[] | null): string {
  const inJournal = `from tenantry.retenant_rows j where ${inUnits('j', name, units)} and ${ofTable('j', table)}`;
  const kept = `json_populate_record(null::${table.sql}, j.before)`;
  return `with before as (
  select coalesce(sum(b.row_count), 0) as n, coalesce(sum(b.checksum), 0) as c from tenantry.retenant_baselines b where ${inUnits('b', name, units)} and ${ofTable('b', table)}
), gone as (
  select count(*) as n, coalesce(sum(${contentHash(table, 'x')}), 0) as c
  from tenantry.retenant_rows j join ${table.sql} x on ${rowAfterEntry(table, 'x', 'j')}
  where ${inUnits('j', name, units)} and ${ofTable('j', table)} and j.action = 'move' and j.before is null
), changed as (
  select count(*) as n, coalesce(sum(${contentHash(table, 'k')}), 0) as c
  from (select j.* ${inJournal} and j.before is not null and (j.action in ('move', 'join', 'drop') or (j.action = 'change' and j.old_tenant_id::text = j.unit))) as j
  cross join lateral ${kept} as k
), stayed as (
  select count(*) as n, coalesce(sum(${contentHash(table, 'x')}), 0) as c
  from tenantry.retenant_units u join ${table.sql} x on x.${table.column} = u.old_tenant_id
  where ${inUnits('u', name, units)} and u.stage <> 'planned'
    and (x.${table.column}, ${keyOfRow(table, 'x')}) not in (select j.new_tenant_id, j.new_key ${inJournal})
) select case when b.n = g.n + c.n + s.n and b.c = g.c + c.c + s.c then 0 else 1 end as wrong from before b, gone g, changed c, stayed s`;
}

/** Counts rows that stand at a tenant which moved. */
export function leftSql(table: RowTable, name: string, units: readonly string[] | null): string {
  return `select count(*) as wrong from tenantry.retenant_units u join ${table.sql} x on x.${table.column} = u.old_tenant_id
where ${inUnits('u', name, units)} and not u.stays and u.stage <> 'planned'`;
}

/** Counts pairs of rows of two tenants, for each reference from a table. A reference that leads nowhere is no pair. */
export function crossingChecks(
  model: RowModel,
  table: RowTable,
  tenants: string,
): { readonly sql: string; readonly text: string }[] {
  return table.references.map((reference) => {
    const parent = tableOf(model, reference.parent);
    const on = reference.columns.map(
      (name, place) => `p.${quoteIdentifier(reference.parentColumns[place] ?? '')} = x.${quoteIdentifier(name)}`,
    );
    const own = `exists (select from ${parent.sql} p where p.${parent.column} = x.${table.column} and ${on.join(' and ')})`;
    return {
      sql: `select count(*) as wrong from ${table.sql} x where x.${table.column} in (${tenants}) and not ${own}
  and exists (select from ${parent.sql} p where p.${parent.column} in (${tenants}) and ${on.join(' and ')})`,
      text: `rows of "${table.name}" refer to "${parent.name}" of another tenant by (${reference.columns.join(', ')})`,
    };
  });
}
