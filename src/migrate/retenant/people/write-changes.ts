import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { Change } from './draft.ts';
import { keyColumns, keyOf, type TableName, tableNames } from './rows.ts';

/**
 * Writes what was worked out: first what goes, the last table first; then what is new or changed, in an order in which
 * each row finds what it refers to.
 */
export async function writeChanges(tx: AnyDatabase, changes: readonly Change[]): Promise<void> {
  // A member who goes would take the keys along that stay where they are.
  const held = changes.flatMap(({ table, before, after }) => (table === 'api_keys' && before && after ? [before] : []));
  if (held.length > 0) {
    const text = `update tenantry.api_keys x set member_id = null from jsonb_populate_recordset(null::tenantry.api_keys, $1::jsonb) r
where x.tenant_id = r.tenant_id and x.id = r.id and x.member_id is not null`;
    await execute(tx, text, [JSON.stringify(held)]);
  }
  for (const table of tableNames.toReversed()) {
    const gone = changes.flatMap(({ before, after, joined, ...change }) =>
      change.table === table &&
      before !== null &&
      (joined || after === null || keyOf(table, before) !== keyOf(table, after))
        ? [before]
        : [],
    );
    if (gone.length > 0) await execute(tx, deleteText(table), [JSON.stringify(gone)]);
  }
  for (const table of tableNames) {
    const rows = changes.flatMap(({ after, joined, ...change }) =>
      change.table === table && after !== null && !joined ? [after] : [],
    );
    for (const [columns, alike] of byColumns(rows)) {
      await execute(tx, upsertText(table, columns.split(' ')), [JSON.stringify(alike)]);
    }
  }
}

/** A row that was read has every column of its table, one that is made those that are known here. */
function byColumns(rows: readonly object[]): Map<string, object[]> {
  const groups = new Map<string, object[]>();
  for (const row of rows) {
    const columns = Object.keys(row).toSorted().join(' ');
    const alike = groups.get(columns);
    if (alike === undefined) groups.set(columns, [row]);
    else alike.push(row);
  }
  return groups;
}

function deleteText(table: TableName): string {
  const same = keyColumns[table].map((column) => `x.${column} = r.${column}`).join(' and ');
  return `delete from tenantry.${table} x using jsonb_populate_recordset(null::tenantry.${table}, $1::jsonb) r where ${same}`;
}

function upsertText(table: TableName, columns: readonly string[]): string {
  const keys: readonly string[] = keyColumns[table];
  const set = columns.filter((column) => !keys.includes(column)).map((column) => `${column} = excluded.${column}`);
  return `insert into tenantry.${table} (${columns.join(', ')})
select ${columns.map((column) => `r.${column}`).join(', ')} from jsonb_populate_recordset(null::tenantry.${table}, $1::jsonb) r
on conflict (${keys.join(', ')}) do ${set.length === 0 ? 'nothing' : `update set ${set.join(', ')}`}`;
}
