import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { partOf } from '../parts/part.ts';
import { mappedRows } from '../source-sql.ts';
import { backFunctionSql, backName } from './back-sql.ts';

/**
 * The source row that stands for a tenant where a legacy row must name one: its owner's, or the first by the order of the
 * members. It is the same for the same rows, so that every write of a tenant leads to one place.
 */
export function firstRowStatements(model: Model): string[] {
  const migration = quoteLiteral(model.name);
  const mark = `select q.row_key into tenantry_row from tenantry.migration_parts q
  where q.tenant_id = tenantry_tenant and q.made = '' and q.part = 'first' and q.migration = ${migration}`;
  // The lock keeps the row until whoever refers to it is there too.
  const hold = `perform 1 from ${model.source.sql} as x where ${keyEquals(model.source.key, 'x', 'tenantry_row')} for key share`;
  return [
    ...backFunctionSql(model, {
      name: backName(model, 'first'),
      parameters: [['tenantry_tenant', 'uuid']],
      returns: 'text',
      patient: true,
      declare: 'tenantry_row text;',
      body: `${mark};
  if tenantry_row is not null then
    ${hold};
    if found then return tenantry_row; end if;
  end if;
  select r.k into tenantry_row from ${mappedRows(model, 'm.tenant_id = tenantry_tenant')} order by ${orderSql(model)} limit 1;
  if tenantry_row is not null then
    ${hold};
    if not found then return null; end if;
  end if;
  return tenantry_row;`,
    }),
    `insert into tenantry.migration_parts (migration, part, row_key, tenant_id, made)
  select distinct on (r.tenant_id) ${migration}, 'first', r.k, r.tenant_id, '' from ${mappedRows(model, 'true')}
  where not exists (select 1 from tenantry.migration_parts q where q.tenant_id = r.tenant_id and q.made = '' and q.part = 'first' and q.migration = ${migration})
  order by r.tenant_id, ${orderSql(model)} on conflict do nothing`,
  ];
}

function orderSql(model: Model): string {
  const owner = `exists (select 1 from tenantry.migration_people p join tenantry.members o on o.tenant_id = p.tenant_id and o.id = p.member_id
    where p.row_key = r.k and p.migration = ${quoteLiteral(model.name)} and o.role = 'owner' and o.status <> 'removed') desc, `;
  return `${partOf(model, 'members')?.table.name === model.source.name ? owner : ''}r.ord, r.k`;
}

/** The key of the source row that stands for a tenant; NULL when there is none. */
export function firstRowSql(model: Model, tenant: string): string {
  return `tenantry.${backName(model, 'first')}(${tenant})`;
}

/** Takes the marks of {@link firstRowStatements} away. */
export function forgetFirstRowsSql(model: Model): string {
  return `delete from tenantry.migration_parts where part = 'first' and migration = ${quoteLiteral(model.name)}`;
}
