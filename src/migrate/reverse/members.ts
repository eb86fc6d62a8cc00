import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, keyText, type Model, mapTable } from '../model.ts';
import { hasMembers, liveStore, type Part, partOf } from '../parts/part.ts';
import { peopleColumns } from '../parts/people.ts';
import { sourceColumns, tenantIdSql } from '../source-sql.ts';
import {
  attemptSql,
  backFunctionSql,
  backName,
  backRowFunctionSql,
  backTriggerSql,
  changedSql,
  differSql,
  inTypeOf,
  leaveSql,
  lockedSql,
  markSql,
  oursSql,
  outcomeVariables,
  plainColumn,
} from './back-sql.ts';
import { firstRowSql } from './first-row.ts';

const columns = ['email', 'name', 'role', 'status', 'user_id'];

/** What happens to members in the library is written into the rows of the persons. */
export function memberBackStatements(model: Model): string[] {
  const part = partOf(model, 'members');
  if (part === undefined || !hasMembers(model.definition)) return [];
  const name = backName(model, 'members');
  const back = (row: string, changed: string): string =>
    `perform tenantry.${name}(${row}.tenant_id, ${row}.id, ${changed});`;
  const body = `if TG_OP = 'DELETE' then
    if exists (select 1 from ${mine(model, 'OLD.tenant_id', 'OLD.id')}) then
      ${leaveSql(model, 'members', 'OLD.id::text', 'OLD.tenant_id', `'{deleted}'`, 'row_to_json(OLD)')}
    end if;
  elsif TG_OP = 'INSERT' then
    ${back('NEW', `'{}'`)}
  else
    ${back('NEW', changedSql(columns))}
  end if;`;
  return [
    ...backFunctionSql(model, {
      name,
      parameters: [
        ['tenantry_tenant', 'uuid'],
        ['tenantry_id', 'uuid'],
        ['tenantry_columns', 'text[]'],
      ],
      returns: 'void',
      declare: `tenantry_row tenantry.members; tenantry_first text; tenantry_key text; tenantry_group text; tenantry_rule text; ${outcomeVariables}`,
      body: memberBody(model, part),
    }),
    ...backRowFunctionSql(model, 'members', body),
    backTriggerSql(model, 'members', 'members', { on: 'insert' }),
    backTriggerSql(model, 'members', 'members', { on: 'update', when: differSql(columns) }),
    backTriggerSql(model, 'members', 'members', { on: 'delete' }),
  ];
}

/** The rows of the person that a member is. */
function mine(model: Model, tenant: string, member: string): string {
  return `${liveStore(model).people} p where p.tenant_id = ${tenant} and p.member_id = ${member} and p.migration = ${quoteLiteral(model.name)}`;
}

/** The legacy columns of a member, by the library's names of them. */
function placesOf(model: Model, { table }: Part): Record<'email' | 'name' | 'role' | 'status', string | undefined> {
  const { members } = model.definition;
  const role = members?.role.kind === 'expression' ? members.role.role : undefined;
  return {
    email: plainColumn(table, members?.email),
    name: plainColumn(table, members?.name),
    role: plainColumn(table, role),
    status: plainColumn(table, members?.status),
  };
}

/** Legacy rows know three states; who left is let in by none of them. */
const legacyStatus = `case tenantry_row.status when 'removed' then 'suspended' when 'requested' then 'pending' else tenantry_row.status end`;

function memberBody(model: Model, part: Part): string {
  const { table } = part;
  const those = mine(model, 'tenantry_tenant', 'tenantry_id');
  const rows = `${table.sql} as x join ${those.replace(' where ', ` on ${keyEquals(table.key, 'x', 'p.row_key')} where `)}`;
  const places = placesOf(model, part);
  const write = Object.entries(places).map(([name, column]) => {
    const statement =
      column === undefined
        ? `tenantry_left := tenantry_left || '${name}'::text;`
        : attemptSql(
            name,
            `update ${table.sql} as x set ${quoteIdentifier(column)} = ${inTypeOf(table, column, name === 'status' ? legacyStatus : `tenantry_row.${name}`)}
        from ${those.replace(' where ', ` where ${keyEquals(table.key, 'x', 'p.row_key')} and `)};`,
          );
    return `if '${name}' = any(tenantry_columns) then
      ${statement}
    end if;`;
  });
  const people = liveStore(model).people;
  const person = `update ${people} p set person = s.person
      from (${peopleColumns(model, part, `(select x.* from ${rows})`, liveStore(model))}) as s
      where p.row_key = s.k and p.migration = ${quoteLiteral(model.name)} and p.person is distinct from s.person;`;
  return `if not ${oursSql(model, 'tenantry_tenant')} then return; end if;
  select * into tenantry_row from tenantry.members m where m.tenant_id = tenantry_tenant and m.id = tenantry_id;
  if not found then return; end if;
  if exists (select 1 from ${those}) then
    ${lockedSql(
      `perform 1 from ${rows} order by p.row_key for no key update of x`,
      `${write.join('\n    ')}
    if 'status' = any(tenantry_columns) and tenantry_row.status in ('removed', 'requested') then tenantry_left := tenantry_left || 'status'::text; end if;
    if 'user_id' = any(tenantry_columns) then tenantry_left := tenantry_left || 'user_id'::text; end if;
    ${person}`,
    )}
  elsif tenantry_row.status <> 'removed' then
    ${makeMember(model, part, places)}
    tenantry_left := '{}';
  end if;
  ${markSql(model, 'members', 'tenantry_id::text', 'tenantry_tenant', 'row_to_json(tenantry_row)')}`;
}

/**
 * A member whom the library made gets a row where the legacy table can hold one: it leads to the tenant as others do, and
 * reads as the same person. Whatever the table refuses is kept by a rollback.
 */
function makeMember(model: Model, part: Part, places: ReturnType<typeof placesOf>): string {
  const { table } = part;
  const user = plainColumn(table, model.definition.members?.userId);
  const isSource = table.name === model.source.name;
  const direct = table.via?.parent.name === model.source.name ? table.via : undefined;
  if (user === undefined || (!isSource && direct === undefined)) return '-- The legacy tables have no place for it.';
  const values = new Map<string, string>();
  const add = (column: string | undefined, value: string): void => {
    if (column !== undefined && !values.has(column)) values.set(column, inTypeOf(table, column, value));
  };
  direct?.columns.forEach((column, place) => {
    const from = `select f.${quoteIdentifier(direct.parentKey[place] ?? '')} from ${model.source.sql} f where ${keyEquals(model.source.key, 'f', 'tenantry_first')}`;
    add(column, from);
  });
  add(user, 'tenantry_row.user_id');
  for (const [name, column] of Object.entries(places))
    add(column, name === 'status' ? legacyStatus : `tenantry_row.${name}`);
  const rows = isSource ? sourceRow(model, values, user) : insertSql(model, part, values);
  const migration = quoteLiteral(model.name);
  const store = liveStore(model);
  const made = `(select * from ${table.sql} as x where ${keyEquals(table.key, 'x', 'tenantry_key')})`;
  return attemptSql(
    'row',
    `tenantry_first := ${firstRowSql(model, 'tenantry_tenant')};
      ${isSource ? '' : `if tenantry_first is null then raise exception 'no legacy row stands for the tenant'; end if;`}
      ${rows}
      insert into ${store.people} (migration, row_key, tenant_id, member_id, person, user_id)
      select ${migration}, s.k, tenantry_tenant, tenantry_id, s.person, s.user_id from (${peopleColumns(model, part, made, store)}) as s
      where s.user_id = tenantry_row.user_id;
      if not found then raise exception 'the row would be another user'; end if;`,
  );
}

function insertSql(model: Model, { table }: Part, values: ReadonlyMap<string, string>): string {
  const all = new Map([...values, [model.column, 'tenantry_tenant']]);
  return `insert into ${table.sql} as x (${[...all.keys()].map(quoteIdentifier).join(', ')}) overriding system value
      values (${[...all.values()].join(', ')}) returning ${keyText(table.key, 'x')} into tenantry_key;`;
}

/**
 * A row of the source must also be grouped into its tenant when the migration is begun again: it gets the value of the
 * column by which the tenant's first row was, or for a new tenant its name.
 */
function sourceRow(model: Model, values: ReadonlyMap<string, string>, user: string): string {
  const { tenants } = model.definition;
  const part: Part = { name: 'members', table: model.source };
  const migration = quoteLiteral(model.name);
  const keys = [...model.source.key.map(({ name }) => name), user];
  const rules = tenants.sameTenant
    .map((rule) => plainColumn(model.source, rule))
    .filter((rule) => rule !== undefined && !keys.includes(rule) && !values.has(rule));
  const joins = rules.map((rule = '') => {
    const same = `(select f.${quoteIdentifier(rule)} from ${model.source.sql} f where ${keyEquals(model.source.key, 'f', 'tenantry_first')})`;
    return `when ${quoteLiteral(rule)} then
        ${insertSql(model, part, new Map([...values, [rule, same]]))}`;
  });
  const name = plainColumn(model.source, tenants.name);
  const founds = new Map(values);
  if (name !== undefined && !founds.has(name)) {
    founds.set(
      name,
      inTypeOf(model.source, name, '(select t.name from tenantry.tenants t where t.tenant_id = tenantry_tenant)'),
    );
  }
  const nowhere = `raise exception 'no column says that the row is of this tenant';`;
  const made = `(select * from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'tenantry_key')})`;
  return `if tenantry_first is null then
        ${insertSql(model, part, founds)}
      else
        select m.rule, m.group_key into tenantry_rule, tenantry_group from ${mapTable} m where m.migration = ${migration} and m.source_key = tenantry_first;
        ${joins.length === 0 ? nowhere : `case tenantry_rule\n        ${joins.join('\n        ')}\n        else ${nowhere}\n        end case;`}
      end if;
      insert into ${mapTable} (migration, source_key, group_key, tenant_id, rule)
      select ${migration}, s.k, s.g, tenantry_tenant, s.rule from (${sourceColumns(model, made)}) as s
      where case when tenantry_first is null then not exists (select 1 from ${mapTable} o where o.migration = ${migration} and o.tenant_id = ${tenantIdSql(model, 's.g')})
        else s.g = tenantry_group end;
      if not found then raise exception 'the row would be grouped into another tenant'; end if;`;
}
