import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { Change } from './draft.ts';
import { keyColumns, keyOf, type Records, type TableName, tableNames } from './rows.ts';

/** What changes come to when they are done one after another: by table the rows that are new or other, and those that are no more. */
export interface Outcome {
  readonly made: ReadonlyMap<TableName, readonly object[]>;
  readonly gone: ReadonlyMap<TableName, readonly object[]>;
}

/** Sums up the changes of units, each after the one before it. */
export function outcomeOf(units: readonly (readonly Change[])[]): Outcome {
  const rows = new Map<string, { readonly table: TableName; readonly row: object; readonly made: boolean }>();
  const put = (table: TableName, row: Records[TableName], made: boolean): void => {
    const key = `${table} ${keyOf(table, row)}`;
    rows.delete(key);
    rows.set(key, { table, row, made });
  };
  for (const changes of units) {
    for (const { table, before, after, joined } of changes) {
      if (before !== null && (joined || after === null || keyOf(table, before) !== keyOf(table, after))) {
        put(table, before, false);
      }
    }
    // One row may stand in the place of another.
    for (const { table, after, joined } of changes) if (after !== null && !joined) put(table, after, true);
  }
  const listed = (made: boolean): Map<TableName, object[]> => {
    const lists = new Map<TableName, object[]>();
    for (const one of rows.values()) {
      if (one.made !== made) continue;
      const list = lists.get(one.table);
      if (list === undefined) lists.set(one.table, [one.row]);
      else list.push(one.row);
    }
    return lists;
  };
  return { made: listed(true), gone: listed(false) };
}

/**
 * Writes what is new or other, in an order in which each row finds what it refers to. What goes is still there: whatever
 * hangs on it can follow before {@link writeGone} ends it.
 */
export async function writeMade(tx: AnyDatabase, { made }: Outcome): Promise<void> {
  for (const table of tableNames) {
    for (const [columns, alike] of byColumns(made.get(table) ?? [])) {
      await execute(tx, upsertText(table, columns.split(' ')), [JSON.stringify(alike)]);
    }
  }
}

/** Ends what goes, the last table first. */
export async function writeGone(tx: AnyDatabase, { gone }: Outcome): Promise<void> {
  for (const table of tableNames.toReversed()) {
    const rows = gone.get(table) ?? [];
    if (rows.length > 0) await execute(tx, deleteText(table), [JSON.stringify(rows)]);
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

/** What a row repeats of another one, which is there by then, and that no draft says. */
const copied: { readonly [Table in TableName]?: Readonly<Record<string, string>> } = {
  api_key_digests: {
    facts: '(select k.facts from tenantry.api_keys k where k.tenant_id = r.tenant_id and k.id = r.key_id)',
  },
};

function upsertText(table: TableName, columns: readonly string[]): string {
  const keys: readonly string[] = keyColumns[table];
  const written = { ...Object.fromEntries(columns.map((column) => [column, `r.${column}`])), ...copied[table] };
  const names = Object.keys(written);
  const set = names.filter((column) => !keys.includes(column)).map((column) => `${column} = excluded.${column}`);
  return `insert into tenantry.${table} (${names.join(', ')})
select ${Object.values(written).join(', ')} from jsonb_populate_recordset(null::tenantry.${table}, $1::jsonb) r
on conflict (${keys.join(', ')}) do ${set.length === 0 ? 'nothing' : `update set ${set.join(', ')}`}`;
}
