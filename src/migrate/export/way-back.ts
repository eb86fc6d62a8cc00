import { quoteLiteral } from '../../database/isolation-sql.ts';
import { auditEntrySql, sqlRunner } from '../audit-trail.ts';
import { ownName } from '../catalogue.ts';
import type { OwnTable } from '../model.ts';
import type { Step } from '../plan.ts';
import { endBackWrites } from '../reverse/back-statements.ts';
import { columnStepId, expandBackwards } from '../stages/expand.ts';
import { dropTriggerStatements } from '../triggers.ts';
import { releaseLease, renewLease, takeLease } from './lease.ts';
import type { Export, Piece } from './piece.ts';
import { attempts, block, raise } from './plpgsql.ts';
import { doneOf, requireMigration, requirePlan, schemaThere } from './preflight.ts';
import { isDone, undoPiece } from './steps.ts';

/**
 * Takes steps back as the engine does, last to first. The dual writes end before the tenants go, so that no write of the
 * old application makes one anew. Once begun, the way back is gone to its end.
 *
 * @param steps - Those to take back, in the order in which they were applied.
 * @param later - Steps that must have been taken back before.
 * @param last - Whether nothing is left to take back afterwards.
 */
export function wayBackPieces(x: Export, steps: readonly Step[], later: readonly Step[], last: boolean): Piece[] {
  const expanded = steps.filter(({ stage }) => stage === 'expand');
  return [
    beginPiece(x, later),
    ...steps
      .filter(({ stage }) => stage !== 'expand')
      .reverse()
      .map((step) => undoPiece(x, step)),
    ...(expanded.length === 0 ? [] : x.model.own.map((table) => endDualWrites(x, table))),
    ...expandBackwards(x.model, expanded).map((step) => undoPiece(x, step)),
    ...(expanded.length === 0 ? [] : endBackWrites(x.model).map(({ kind, sql }) => endBack(x, kind, sql))),
    last ? endPiece(x) : { kind: 'transaction', title: 'give the lease back', body: releaseLease(x) },
  ];
}

function beginPiece(x: Export, later: readonly Step[]): Piece {
  const name = quoteLiteral(x.plan.migration);
  const done = doneOf(
    x,
    later.map((step) => step.id),
  );
  const order = `select string_agg(step, ', ') into tenantry_found from (${done} limit 3) as s;
if tenantry_found is not null then ${raise(`'what was done later must be taken back first: ' || tenantry_found || ' …'`)} end if;`;
  const statements = [
    schemaThere(),
    requireMigration(x),
    takeLease(x),
    requirePlan(x),
    ...(later.length === 0 ? [] : [order]),
    `if (select stage from tenantry.migrations where name = ${name}) <> 'rolling-back' then
${auditEntrySql(x.plan.migration, 'rollback-begun', null, sqlRunner)};
end if;`,
    `update tenantry.migrations set stage = 'rolling-back', updated_at = now() where name = ${name};`,
  ];
  return {
    kind: 'transaction',
    title: `before the way back: the plan and the lease of ${x.plan.migration}`,
    body: block(['tenantry_found text'], statements.join('\n')),
  };
}

/** What the switch put on the library's tables does nothing once the tenants are gone, and goes table by table. */
function endBack(x: Export, kind: string, sql: readonly string[]): Piece {
  const statements = [renewLease(x), ...sql.map((statement) => `${statement};`)];
  return {
    kind: 'transaction',
    title: `end what carried ${kind} back`,
    body: attempts(x.lockRetries, statements.join('\n')),
  };
}

function endDualWrites(x: Export, table: OwnTable): Piece {
  const there = `exists (select 1 from pg_trigger where tgrelid = to_regclass(${quoteLiteral(table.sql)}) and not tgisinternal and tgname ~ '${ownName}')`;
  const statements = [
    `exit when not ${isDone(x, columnStepId(table))} or not ${there};`,
    renewLease(x),
    ...dropTriggerStatements(x.model, table).map((statement) => `${statement};`),
  ];
  return {
    kind: 'transaction',
    title: `end the dual writes of ${table.name}`,
    body: attempts(x.lockRetries, statements.join('\n')),
  };
}

/** Nothing of the migration is left; what had no place in the old shape is named. */
function endPiece(x: Export): Piece {
  const kept = `for tenantry_table in select table_name, count(*) as kept from tenantry.migration_quarantine
where migration = ${quoteLiteral(x.plan.migration)} group by 1 order by 1 loop
  raise warning '% rows of % have no place in the old shape; they are kept in tenantry.migration_quarantine', tenantry_table.kept, tenantry_table.table_name;
end loop;`;
  return {
    kind: 'transaction',
    title: 'all is taken back; give the lease back',
    body: block(
      ['tenantry_table record'],
      `${auditEntrySql(x.plan.migration, 'rolled-back', null, sqlRunner)};
${releaseLease(x, `'rolled-back'`)}\n${kept}`,
    ),
  };
}
