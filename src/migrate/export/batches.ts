import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { OwnTable } from '../model.ts';
import type { Step } from '../plan.ts';
import { dollarQuoted } from '../sql-text.ts';
import { batchSql } from '../stages/backfill.ts';
import { renewLease, settings } from './lease.ts';
import type { Export, Piece } from './piece.ts';
import { block, countedAttempt } from './plpgsql.ts';
import { isDone, recordStep, stepVariables } from './steps.ts';

/**
 * The backfill of one table: a loop in which each batch is one transaction with its checkpoint. The statements are the
 * engine's own, run as text with their parameters; the checkpoint is the engine's too, so either can go on where the
 * other was interrupted.
 */
export function batchesPiece(x: Export, table: OwnTable, step: Step): Piece {
  const sql = batchSql(x.model, table);
  const width = table.key.length;
  const parts = (variable: string): string[] =>
    Array.from({ length: width }, (_, place) => `${variable}[${place + 1}]`);
  const run = (statement: string, values: readonly string[], into = ''): string =>
    `execute ${dollarQuoted(`\n${statement}\n`, 'tenantry_sql')}${into} using ${values.join(', ')};`;
  const key = ' into tenantry_key';
  const where = `migration = ${quoteLiteral(x.plan.migration)} and table_name = ${quoteLiteral(table.name)}`;
  const array = (json: string): string =>
    `(select array_agg(e.value order by e.ordinality) from json_array_elements_text(${json}) with ordinality as e)`;
  const stored = (column: string): string => `case when jsonb_typeof(${column}) = 'array' then ${column}::json end`;
  const milliseconds = `greatest(1, extract(epoch from clock_timestamp() - tenantry_begun) * 1000)`;
  const body = `loop
tenantry_begun := clock_timestamp();
if tenantry_tries > 0 then perform pg_sleep(0.05 * least(tenantry_tries, 20) * (0.5 + random())); end if;
begin
${settings(x)}
if (select rolsuper or has_parameter_privilege('session_replication_role', 'set') from pg_roles where rolname = current_user) then
  perform set_config('session_replication_role', 'replica', true);
end if;
${renewLease(x)}
exit when ${isDone(x, step.id)};
select ${stored('last_key')}, ${stored('upper_bound')}, row_count, finished
into tenantry_key, tenantry_bound_key, tenantry_rows, tenantry_finished
from tenantry.migration_checkpoints where ${where};
if not found then
  execute ${dollarQuoted(`\n${sql.bound}\n`, 'tenantry_sql')} into tenantry_bound_key;
  tenantry_rows := 0;
  tenantry_finished := tenantry_bound_key is null;
  insert into tenantry.migration_checkpoints (migration, table_name, upper_bound, finished)
  values (${quoteLiteral(x.plan.migration)}, ${quoteLiteral(table.name)}, coalesce(tenantry_bound_key, 'null')::jsonb, tenantry_finished);
end if;
if tenantry_finished then
${recordStep(x, step)}
exit;
end if;
perform set_config('row_security', 'off', true);
tenantry_last := ${array('tenantry_key')};
tenantry_bound := ${array('tenantry_bound_key')};
if tenantry_last is null then
${run(sql.firstEdge, [...parts('tenantry_bound'), 'tenantry_size'], key)}
else
${run(sql.nextEdge, [...parts('tenantry_last'), ...parts('tenantry_bound'), 'tenantry_size'], key)}
end if;
tenantry_edge := ${array('tenantry_key')};
if tenantry_edge is not null then
if tenantry_last is null then
${run(sql.first, parts('tenantry_edge'))}
else
${run(sql.next, [...parts('tenantry_last'), ...parts('tenantry_edge')])}
end if;
get diagnostics tenantry_filled = row_count;
tenantry_rows := tenantry_rows + tenantry_filled;
end if;
update tenantry.migration_checkpoints set last_key = coalesce(to_jsonb(tenantry_edge), last_key), row_count = tenantry_rows,
  finished = tenantry_edge is null or tenantry_edge = tenantry_bound
where ${where};
tenantry_tries := 0;
${countedAttempt(x.lockRetries)}
commit;
if tenantry_tries = 0 then
  tenantry_size := least(50000, greatest(200, round(tenantry_size * least(2, greatest(0.5, ${x.batchMilliseconds} / ${milliseconds})))));
  ${x.pause > 0 ? `perform pg_sleep(${x.pause / 1000});` : ''}
end if;
end loop;
commit;`;
  const variables = [
    ...stepVariables,
    'tenantry_begun timestamptz',
    'tenantry_key json',
    'tenantry_bound_key json',
    'tenantry_last text[]',
    'tenantry_bound text[]',
    'tenantry_edge text[]',
    'tenantry_filled bigint',
    'tenantry_finished boolean',
    `tenantry_size integer := ${x.batchSize}`,
    'tenantry_tries integer := 0',
  ];
  return { kind: 'loop', title: step.id, body: block(variables, body) };
}
