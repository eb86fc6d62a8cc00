import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { checksumSettings } from '../checksum.ts';
import { isSource, type OwnTable } from '../model.ts';
import { writesSequence } from '../triggers.ts';
import { mayBeQuarantined } from '../verify/check.ts';
import { groupingSql, partProofs } from '../verify/people.ts';
import { closedSql, conservedSql, orphansSql, tenantSql, totalSql, writesSql } from '../verify/rows.ts';
import type { Export, Piece } from './piece.ts';
import { block, raise } from './plpgsql.ts';
import { stageOpen } from './preflight.ts';
import { isDone } from './steps.ts';

/**
 * The proof that stands before enforce, with the queries of the library's own: it counts in one snapshot what should not
 * be, and refuses to go on. The look through the application's role is left to the library, after enforce.
 */
export function verifyPiece(x: Export): Piece {
  const { model } = x;
  const column = quoteIdentifier(model.column);
  const writesOf = (table: string): string =>
    `tenantry_writes[${model.own.findIndex(({ name }) => name === table) + 1}]`;
  const checks = model.own.flatMap((table) => [
    totalCheck(x, table, column),
    isSource(table) ? '' : check(tenantSql(model, column, table), 'wrong', `tenant ${table.name}`),
    check(orphansSql(column, table), 'orphans', `orphans ${table.name}`),
    ...table.references.map(({ key, parent: parentName }) => {
      const parent = model.own.find((candidate) => candidate.name === parentName);
      return parent === undefined
        ? ''
        : check(closedSql(column, table, parent, key), 'crossing', `closed ${table.name}`);
    }),
    conservedCheck(x, table),
  ]);
  const grouping = groupingSql(model, column);
  const people = [
    // Source rows keep the tenant that they had when the application changes what the rules read.
    `if tenantry_source_writes = 0 then
${check(grouping, 'torn', 'grouping: torn')}
${check(grouping, 'joined', 'grouping: joined')}
end if;`,
    ...partProofs(model, column).flatMap(({ name, query, wrong, rows }) =>
      wrong.map(({ column: count, whileStill }) => {
        const one = check(query, count, `${name}: ${count}`);
        return whileStill === true ? `if ${writesOf(rows)} = 0 then\n${one}\nend if;` : one;
      }),
    ),
  ];
  const writes = model.own.map(
    (table) =>
      `tenantry_writes := tenantry_writes || (select w.writes::bigint from (${writesSql(model, table, writesSequence(model, table))}) as w);`,
  );
  const statements = [
    `if ${stageOpen(x, 'enforce')} then`,
    ...checksumSettings.map((setting) => `${setting};`),
    ...writes,
    `tenantry_source_writes := ${writesOf(model.source.name)};`,
    ...checks,
    ...people,
    `if cardinality(tenantry_failed) > 0 then
${raise(`'verification failed, nothing was enforced: ' || array_to_string(tenantry_failed, '; ')`, 'verifyMigration of the library tells more.')}
end if;
end if;`,
  ].filter((text) => text !== '');
  return {
    kind: 'transaction',
    title: 'verify the backfill',
    snapshot: true,
    body: block(
      [
        'tenantry_bad bigint',
        `tenantry_failed text[] := '{}'`,
        `tenantry_writes bigint[] := '{}'`,
        'tenantry_source_writes bigint',
        'tenantry_before record',
        'tenantry_after record',
      ],
      statements.join('\n'),
    ),
  };
}

function failed(label: string, detail: string): string {
  return `tenantry_failed := array_append(tenantry_failed, ${quoteLiteral(label)} || ': ' || ${detail});`;
}

/** One query, one of its columns, and what it is called when it is not 0. */
function check(query: string, column: string, label: string): string {
  return `tenantry_bad := (select c.${column}::bigint from (${query}) as c);
if tenantry_bad > 0 then ${failed(label, `tenantry_bad || ' rows'`)} end if;`;
}

function totalCheck(x: Export, table: OwnTable, column: string): string {
  const query = totalSql(x.model, column, table);
  const all = check(query, 'missing', `total ${table.name}`);
  if (!mayBeQuarantined(table)) return all;
  return `if ${isDone(x, `enforce:${table.name}:quarantine`)} then
${all}
else
${check(query, 'leading', `total ${table.name}`)}
end if;`;
}

/** The baseline is a measure only while the application wrote nothing since. */
function conservedCheck({ model }: Export, table: OwnTable): string {
  const place = model.own.indexOf(table) + 1;
  const name = quoteLiteral(model.name);
  return `select b.row_count::text as row_count, b.checksum into tenantry_before from tenantry.migration_baselines b
where b.migration = ${name} and b.table_name = ${quoteLiteral(table.name)};
if found and tenantry_writes[${place}] = 0 then
select c.row_count, c.checksum into tenantry_after from (${conservedSql(model, table)}) as c;
if (tenantry_after.row_count, tenantry_after.checksum) is distinct from (tenantry_before.row_count, tenantry_before.checksum) then
${failed(`conserved ${table.name}`, `tenantry_before.row_count || ' rows became ' || tenantry_after.row_count || ', or other ones'`)}
end if;
end if;`;
}
