import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { additionSteps } from '../additions.ts';
import { relaxedCheck } from '../catalogue.ts';
import { dropFollowStatements } from '../derived.ts';
import type { Model } from '../model.ts';
import type { Step, StepLock } from '../plan.ts';
import { backStatements, drainTriggerStatements } from '../reverse/back-statements.ts';
import { fillFunctionSql, fillStatements, type Link, linkOf, linksOf } from '../reverse/fill.ts';
import { forgetFirstRowsSql } from '../reverse/first-row.ts';
import { revokeOpenKeysStatements } from '../reverse/revoked-keys.ts';
import { rowsBackStatements } from '../reverse/rows.ts';

/** The check under which NOT NULL returns without a look through the table under a lock. */
const held = 'tenantry_held';

/**
 * From here on the old and the new application both write. What the new one writes is carried into the legacy columns by
 * triggers, as what the old one writes is carried the other way since expand.
 *
 * The steps run from first to last, and are taken back from last to first: the fences go up, then rows are looked through,
 * then NOT NULL returns. The triggers themselves stay until the tenants go, so that nothing written meanwhile is lost.
 */
export function switchSteps(model: Model): Step[] {
  const links = linksOf(model);
  return [
    ...links.filter(isRelaxed).flatMap((link) => presenceSteps(link)),
    ...backStatements(model).map(({ kind, sql }) =>
      step(`switch:back:${kind}`, null, 'none', { sql, undo: kind === 'first' ? [forgetFirstRowsSql(model)] : [] }),
    ),
    step('switch:back:revoked', null, 'row', { sql: revokeOpenKeysStatements(model) }),
    step('switch:back:rows', null, 'row', { undo: rowsBackStatements(model) }),
    ...model.own.flatMap((table) => {
      const link = linkOf(model, table);
      const sql = [
        ...(link === undefined ? [] : linkStatements(model, link)),
        ...drainTriggerStatements(model, table),
        // From here on a derived table is the new application's: nothing that the old one writes goes over its rows.
        ...dropFollowStatements(model, table),
      ];
      const undo = link === undefined ? [] : fenceStatements(model, link);
      return sql.length === 0 ? [] : [step(`switch:${table.name}`, table.name, 'access exclusive', { sql, undo })];
    }),
    ...additionSteps(model, 'switch'),
  ];
}

function step(
  id: string,
  table: string | null,
  lock: StepLock,
  { sql = [], undo = [] }: { readonly sql?: readonly string[]; readonly undo?: readonly string[] },
): Step {
  return { id, stage: 'switch', table, kind: 'transaction', sql, undo, lock };
}

function isRelaxed(link: Link): boolean {
  return link.columns.some((column) => column.relaxed);
}

function relaxedColumns(link: Link): string[] {
  return link.columns.filter((column) => column.relaxed).map(({ name }) => quoteIdentifier(name));
}

/** NOT NULL returns last, without looking through the table under a lock. */
function presenceSteps(link: Link): Step[] {
  const { table } = link;
  const there = `exists (select 1 from pg_constraint where conrelid = ${quoteLiteral(table.sql)}::regclass and conname = '${held}')`;
  return [
    step(`switch:${table.name}:not-null`, table.name, 'access exclusive', {
      undo: [
        `alter table ${table.sql} ${relaxedColumns(link)
          .map((column) => `alter column ${column} set not null`)
          .join(', ')}, drop constraint if exists ${held}, drop constraint if exists ${relaxedCheck}`,
      ],
    }),
    step(`switch:${table.name}:present`, table.name, 'share update exclusive', {
      undo: [
        `do $tenantry_held$ begin if ${there} then alter table ${table.sql} validate constraint ${held}; end if; end $tenantry_held$`,
      ],
    }),
  ];
}

function linkStatements(model: Model, link: Link): string[] {
  const { table } = link;
  const columns = relaxedColumns(link);
  const tenant = quoteIdentifier(model.column);
  const relax =
    columns.length === 0
      ? []
      : [
          `alter table ${table.sql} ${columns.map((column) => `alter column ${column} drop not null`).join(', ')},
    add constraint ${relaxedCheck} check (${tenant} is not null or ${columns.map((column) => `${column} is not null`).join(' and ')}) not valid`,
        ];
  return [...fillStatements(model, link), ...relax];
}

/** Whoever writes to the table has ended, or begins with the fence in place. */
function fenceStatements(model: Model, link: Link): string[] {
  const { table } = link;
  const columns = relaxedColumns(link);
  return [
    `lock table ${table.sql} in share row exclusive mode`,
    ...fillFunctionSql(model, link, true),
    ...(columns.length === 0
      ? []
      : [
          `alter table ${table.sql} add constraint ${held} check (${columns.map((column) => `${column} is not null`).join(' and ')}) not valid`,
        ]),
  ];
}
