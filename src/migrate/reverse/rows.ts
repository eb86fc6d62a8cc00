import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { ownName } from '../catalogue.ts';
import { defaultTenantSql, keptKey, keyEquals, type Model, mapTable, type OwnTable, tenantOfRow } from '../model.ts';
import { keptColumn } from '../quarantine-sql.ts';
import { dollarQuoted } from '../sql-text.ts';
import { countReturned } from './count-returned.ts';
import { type Link, linkOf, linksOf, unlinkedSql } from './fill.ts';
import { firstRowSql } from './first-row.ts';

/**
 * On the way back, rows of tables that lead to the source get the legacy columns that they lack, and rows whose tenant has
 * no legacy row at all are kept, with everything that hangs on them.
 */
export function rowsBackStatements(model: Model): string[] {
  return [
    ...linksOf(model).map((link) => fillRowsSql(model, link)),
    ...keepRowsSql(model),
    ...model.own.filter(({ leads }) => leads !== undefined).map((table) => tellAstraySql(model, table)),
  ];
}

/**
 * A row that another table or SQL leads to its tenant stays where it is, for the columns are its own. When they lead
 * elsewhere than to the tenant for which the new application wrote it, the old shape does not know whose it is: that is
 * told.
 */
function tellAstraySql(model: Model, table: OwnTable): string {
  const column = `t.${quoteIdentifier(model.column)}`;
  const reason = 'stands in its table, and its columns do not lead to the tenant for which it was written';
  return `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select ${quoteLiteral(model.name)}, ${quoteLiteral(table.name)}, ${keptKey(table, 't')}, row_to_json(t), ${quoteLiteral(reason)}
  from ${table.sql} as t where ${column} is not null and ${column} is distinct from ${tenantOfRow(model, table, 't')}
  on conflict do nothing`;
}

/** Rows that the old application wrote without a link, and that have the default tenant, stay as they were written. */
function fillRowsSql(model: Model, link: Link): string {
  const { table } = link;
  const column = quoteIdentifier(model.column);
  const relaxed = link.columns.some((part) => part.relaxed);
  const given = defaultTenantSql(model, table);
  const others = given === undefined || relaxed ? '' : `and t.${column} is distinct from ${given}`;
  const set = link.columns.map(
    ({ name, sourceColumn }) =>
      `${quoteIdentifier(name)} = (select x.${quoteIdentifier(sourceColumn)} from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'f.first')})`,
  );
  return `with f as materialized (
    select d.tenant, ${firstRowSql(model, 'd.tenant')} as first
    from (select distinct t.${column} as tenant from ${table.sql} as t where ${unlinkedSql(link, 't')} and t.${column} is not null ${others}) as d
  ), filled as (
    update ${table.sql} as t set ${set.join(', ')} from f where f.first is not null and t.${column} = f.tenant and ${unlinkedSql(link, 't')}
    returning 1
  )
  ${countReturned(model, table.name, '(select count(*) from filled)')}`;
}

/** One statement for all tables, so that foreign keys are checked when all of it is gone. */
function keepRowsSql(model: Model): string[] {
  const migration = quoteLiteral(model.name);
  const tables = model.own.filter((table) => table.name !== model.source.name && table.derivation === undefined);
  const reason = quoteLiteral('its tenant was made in the new shape; the old one has no row that it could lead to');
  const taken = tables.map(
    (table, place) =>
      `d${place} as (delete from ${table.sql} as t where ${placeless(model, table, 't', 1)} returning t.*)`,
  );
  const kept = tables.map((table, place) => {
    const key = keptKey(table, `d${place}`);
    const again = `exists (select 1 from tenantry.migration_quarantine q where q.migration = ${migration} and q.table_name = ${quoteLiteral(table.name)} and q.row_key = ${key})`;
    return `select ${migration}, ${quoteLiteral(table.name)}, ${key} || case when ${again} then ' again' else '' end, row_to_json(d${place}), ${reason} from d${place}`;
  });
  if (tables.length === 0) return [];
  return [
    `with homeless as materialized (
    select q.tenant_id as id, q.made = 'new' as made_new, q.part = 'fallback' as fallback from tenantry.migration_parts q
    where q.part in ('tenants', 'fallback') and q.migration = ${migration}
      and not exists (select 1 from ${mapTable} m where m.migration = ${migration} and m.tenant_id = q.tenant_id)
  ), ${taken.join(', ')}
  insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  ${kept.join('\n  union all ')}`,
  ];
}

/**
 * The condition that a row has no place: its tenant was made by the library and has no legacy row, or it was written
 * without a link for a tenant whose legacy rows are gone, or it hangs on such a row.
 */
function placeless(model: Model, table: OwnTable, alias: string, level: number): string {
  const tenant = `${alias}.${quoteIdentifier(model.column)}`;
  const link = linkOf(model, table);
  const made = `${tenant} in (select h.id from homeless h where h.made_new)`;
  if (link !== undefined) {
    // Rows without a link belong to the fallback in the old shape too, where it lets them stand.
    const which = link.columns.some((column) => column.relaxed) ? '' : ' where not h.fallback';
    return `(${made} or ${tenant} in (select h.id from homeless h${which}) and ${unlinkedSql(link, alias)})`;
  }
  const { via } = table;
  if (via === undefined) return made;
  const parent = `p${level}`;
  const on = via.columns.map(
    (name, place) => `${parent}.${quoteIdentifier(via.parentKey[place] ?? '')} = ${alias}.${quoteIdentifier(name)}`,
  );
  const above = `exists (select 1 from ${via.parent.sql} ${parent} where ${on.join(' and ')} and ${placeless(model, via.parent, parent, level + 1)})`;
  return `(${made} or ${tenant} in (select h.id from homeless h) and ${above})`;
}

/**
 * Rows that were set aside come back into their table as they were: the application's triggers do not fire on them, while
 * foreign keys are checked. One that the table refuses by now, because its key was given
 * again or what it refers to is gone, stays where it is, with that reason.
 */
export function returnRowsSql(model: Model, table: OwnTable): string {
  const mine = `q.migration = ${quoteLiteral(model.name)} and q.table_name = ${quoteLiteral(table.name)} and q.aside`;
  const columns = table.table.columns.filter((column) => !column.generated);
  const insert = (
    where: string,
  ): string => `insert into ${table.sql} (${columns.map(({ name }) => quoteIdentifier(name)).join(', ')}) overriding system value
  select ${columns.map(keptColumn).join(', ')}
  from tenantry.migration_quarantine q cross join lateral json_populate_record(null::${table.sql}, q.row_data) as r
  where ${where}`;
  const forget = (where: string): string => `delete from tenantry.migration_quarantine q where ${where}`;
  return `do ${dollarQuoted(
    `
#variable_conflict use_column
declare tenantry_count bigint := 0; tenantry_row record; tenantry_constraint text; tenantry_silent text[]; tenantry_again text;
begin
  set constraints all immediate;
  if exists (select 1 from tenantry.migration_quarantine q where ${mine}) then
    select array_agg(format('%I', t.tgname)), string_agg(format('alter table ${table.sql.replaceAll('%', '%%').replaceAll("'", "''")} enable %s trigger %I',
        case t.tgenabled when 'A' then 'always' when 'R' then 'replica' else '' end, t.tgname), '; ')
      into tenantry_silent, tenantry_again from pg_trigger t
    where t.tgrelid = ${quoteLiteral(table.sql)}::regclass and not t.tgisinternal and t.tgenabled <> 'D' and (t.tgtype & 4) <> 0 and t.tgname !~ '${ownName}';
    for tenantry_row in select unnest(tenantry_silent) as t loop
      execute ${quoteLiteral(`alter table ${table.sql} disable trigger `)} || tenantry_row.t;
    end loop;
  end if;
  begin
    ${insert(mine)};
    get diagnostics tenantry_count = row_count;
    ${forget(mine)};
  exception when integrity_constraint_violation then
    tenantry_count := 0;
    for tenantry_row in select q.row_key as k from tenantry.migration_quarantine q where ${mine} loop
      begin
        ${insert(`${mine} and q.row_key = tenantry_row.k`)};
        ${forget(`${mine} and q.row_key = tenantry_row.k`)};
        tenantry_count := tenantry_count + 1;
      exception when integrity_constraint_violation then
        get stacked diagnostics tenantry_constraint = constraint_name;
        update tenantry.migration_quarantine q set aside = false,
          reason = q.reason || '; it did not come back, for the old table refuses it by now (' || tenantry_constraint || ')'
        where ${mine} and q.row_key = tenantry_row.k;
      end;
    end loop;
  end;
  if tenantry_again is not null then execute tenantry_again; end if;
  ${countReturned(model, table.name, 'tenantry_count')};
end `,
    'tenantry_rows',
  )}`;
}
