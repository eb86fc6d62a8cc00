import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { type Model, type OwnTable, tenantOfRow } from '../model.ts';
import type { Step } from '../plan.ts';
import type { BatchSql } from './backfill.ts';

/**
 * The statements of the backfill of a table without a key: batches of whole blocks, from the first to the last that there
 * was when it began. A row that is updated meanwhile goes to another place, and has its tenant from the trigger by then.
 */
export function placeBatchSql(model: Model, table: OwnTable): BatchSql {
  const block = (parameter: number): string => `($${parameter}::text::point)[0]::bigint`;
  const edge = (start: string, bound: number, size: number): string =>
    `select json_build_array(format('(%s,0)', least(${block(bound)}, ${start} + greatest(1, ceil($${size}::integer / d.density))::bigint))) as key
  from (select case when c.relpages > 0 and c.reltuples > 0 then greatest(1, c.reltuples / c.relpages) else 50 end as density
    from pg_class c where c.oid = ${quoteLiteral(table.sql)}::regclass) as d`;
  const column = quoteIdentifier(model.column);
  const tenant = tenantOfRow(model, table, 't');
  // A row that leads to no tenant stays where it lies; written again it would come to lie before the batches once more.
  const fill = (where: string): string =>
    `update ${table.sql} as t set ${column} = ${tenant}\n  where ${where} and t.${column} is null and ${tenant} is not null`;
  return {
    bound: `select json_build_array(format('(%s,0)', b.blocks)) as key
  from (select pg_relation_size(${quoteLiteral(table.sql)}::regclass) / current_setting('block_size')::bigint as blocks) as b where b.blocks > 0`,
    firstEdge: edge('0', 1, 2),
    nextEdge: edge(block(1), 2, 3),
    first: fill('t.ctid <= $1::text::tid'),
    next: fill('t.ctid > $1::text::tid and t.ctid <= $2::text::tid'),
  };
}

/** Keeps the application's triggers from firing until the transaction ends, as in a batch, where the role may. */
export const quietSql = `do $tenantry_quiet$ begin
  if (select r.rolsuper or has_parameter_privilege('session_replication_role', 'set') from pg_roles r where r.rolname = current_user) then
    perform set_config('session_replication_role', 'replica', true);
  end if;
end $tenantry_quiet$`;

/**
 * Looks through the table once more: where it was rewritten meanwhile (VACUUM FULL, CLUSTER), rows may have come to lie
 * where the batches had been. What one snapshot shows is all, since every row that is written has its tenant.
 */
export function lookAgainStep(model: Model, table: OwnTable): Step {
  const column = quoteIdentifier(model.column);
  const tenant = tenantOfRow(model, table, 't');
  return {
    id: `backfill:${table.name}:again`,
    stage: 'backfill',
    table: table.name,
    kind: 'transaction',
    sql: [
      quietSql,
      'set local row_security = off',
      `update ${table.sql} as t set ${column} = ${tenant} where t.${column} is null and ${tenant} is not null`,
    ],
    undo: [],
    lock: 'row',
  };
}
