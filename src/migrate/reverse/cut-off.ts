import { quoteLiteral } from '../../database/isolation-sql.ts';
import { type Model, mapTable } from '../model.ts';
import { asideName, liveStore, madeHere, partsOf } from '../parts/part.ts';
import { tenantsMade } from '../populate.ts';
import { keepRows, noPlace } from '../quarantine-sql.ts';
import { dollarQuoted } from '../sql-text.ts';
import { drainAllSql } from './back-statements.ts';
import { revokedKeysStatements } from './revoked-keys.ts';

/**
 * Takes the tenants of a migration back. What the library wrote until then is in the legacy tables or is kept; whoever
 * writes after that finds no tenant and is refused, so that nothing is lost in between.
 */
export function cutOffStatements(model: Model): string[] {
  return [
    // Who makes a tenant now ends first, or finds that the migration is none any more.
    'lock table tenantry.tenants in share row exclusive mode',
    ...holdStatements(model),
    drainAllSql(model),
    ...revokedKeysStatements(model),
    ...keepStatements(model),
    ...returnedStatements(model),
    `delete from tenantry.tenants where tenant_id in ${tenantsMade(model)}`,
    ...['migration_map', 'migration_people', 'migration_parts', 'migration_changes'].map(
      (table) => `delete from tenantry.${table} where migration = ${quoteLiteral(model.name)}`,
    ),
    // Rows of which no key or grant could be made stand in the legacy tables as they always did.
    ...partsOf(model).map(
      (part) =>
        `delete from tenantry.migration_quarantine where migration = ${quoteLiteral(model.name)} and table_name = ${quoteLiteral(asideName(part))}`,
    ),
  ];
}

/** Rows that others refer to are locked: who inserts more waits and then finds no tenant. */
function holdStatements(model: Model): string[] {
  const tables = [
    'tenants',
    'organizations',
    'members',
    'api_keys',
    'usage_counters',
    'member_grants',
    'tenant_lookups',
  ];
  const hold = tables.map(
    (table) => `perform 1 from tenantry.${table} n where n.tenant_id in ${tenantsMade(model)} for update;`,
  );
  return [`do ${dollarQuoted(`\nbegin\n  ${hold.join('\n  ')}\nend `, 'tenantry_hold')}`];
}

interface Kept {
  readonly table: string;
  readonly key: string;
  readonly where?: string;
}

function keep(model: Model, { table, key, where = 'true' }: Kept): string {
  const name = `tenantry.${table}`;
  return keepRows(model, { table: name, rows: name, key, where: `n.tenant_id in ${tenantsMade(model)} and ${where}` });
}

/**
 * Keeps what the library has alone: tenants, members, keys and grants that no legacy row stands for, entries of the audit
 * trail, usage, and what was changed in a way that the legacy columns cannot say.
 */
function keepStatements(model: Model): string[] {
  const migration = quoteLiteral(model.name);
  const { people, parts } = liveStore(model);
  const part = (made: string): string =>
    `not exists (select 1 from ${parts} q where q.tenant_id = n.tenant_id and q.made = ${made} and q.migration = ${migration})`;
  // A member or key whose legacy row was deleted meanwhile has gone with it, and is nothing new.
  const gone = madeHere('n.id');
  const homeless = `not exists (select 1 from ${mapTable} m where m.migration = ${migration} and m.tenant_id = n.tenant_id)
    and exists (select 1 from ${parts} q where q.tenant_id = n.tenant_id and q.made = 'new' and q.part = 'tenants' and q.migration = ${migration})`;
  return [
    keep(model, { table: 'tenants', key: 'n.tenant_id::text', where: homeless }),
    keep(model, { table: 'organizations', key: 'n.tenant_id::text', where: homeless }),
    keep(model, { table: 'tenant_lookups', key: `n.kind || ':' || n.value`, where: homeless }),
    keep(model, {
      table: 'members',
      key: 'n.id::text',
      where: `not exists (select 1 from ${people} p where p.tenant_id = n.tenant_id and p.member_id = n.id and p.migration = ${migration})
    and not (n.status = 'removed' and ${gone})`,
    }),
    keep(model, {
      table: 'api_keys',
      key: 'n.id::text',
      where: `${part('n.id::text')} and not (n.revoked_at is not null and ${gone})`,
    }),
    keep(model, {
      table: 'member_grants',
      key: `n.tenant_id || ':' || n.member_id || ':' || n.permission`,
      where: part(`n.member_id || ':' || n.permission`),
    }),
    keep(model, {
      table: 'audit_entries',
      key: 'n.id::text',
      where: `n.context ->> 'migration' is distinct from ${migration}`,
    }),
    keep(model, {
      table: 'usage_counters',
      key: `n.meter || ':' || n.per || ':' || n.period_start::text || ':' || n.tenant_id`,
    }),
    `insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
  select c.migration, c.table_name, c.row_key, c.row_data,
    'changed in the new shape (' || array_to_string(c.left_out || c.pending, ', ') || '); the old one has no place for that'
  from tenantry.migration_changes c where c.migration = ${migration} and cardinality(c.left_out || c.pending) > 0
  on conflict (migration, table_name, row_key) do nothing`,
    keepRestSql(model),
  ];
}

/** Tables that are kept in a way of their own; what a rate limit counts is over in a moment. */
const spokenFor = [
  'rate_limits',
  'tenants',
  'organizations',
  'tenant_lookups',
  'members',
  'api_keys',
  'api_key_digests',
  'member_grants',
  'audit_entries',
  'usage_counters',
];

/** Tables of the library that no legacy row is ever made into are kept whole, whatever the library grows. */
function keepRestSql(model: Model): string {
  const made = dollarQuoted(tenantsMade(model), 'tenantry_made');
  return `do ${dollarQuoted(
    `
declare tenantry_table record;
begin
  for tenantry_table in
    select c.relname as name, (select string_agg(format('n.%I::text', a.attname), ' || '':'' || ' order by k.place)
        from pg_index i cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum where i.indrelid = c.oid and i.indisprimary) as id
    from pg_class c join pg_namespace s on s.oid = c.relnamespace and s.nspname = 'tenantry'
    where c.relkind in ('r', 'p') and c.relname !~ '^(migration_|retenant)' and c.relname <> all (array[${spokenFor.map(quoteLiteral).join(', ')}])
      and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)
  loop
    execute format('insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason)
      select %L, %L, %s, row_to_json(n), %L from tenantry.%I n where n.tenant_id in %s on conflict do nothing',
      ${quoteLiteral(model.name)}, 'tenantry.' || tenantry_table.name, coalesce(tenantry_table.id, 'md5(n::text)'), ${quoteLiteral(noPlace)}, tenantry_table.name, ${made});
  end loop;
end `,
    'tenantry_rest',
  )}`;
}

/** Counts what triggers carried back since the switch. */
function returnedStatements(model: Model): string[] {
  return [
    `insert into tenantry.migration_returned as r (migration, table_name, row_count)
  select c.migration, c.table_name, count(*) from tenantry.migration_changes c
  where c.migration = ${quoteLiteral(model.name)} and c.done <> '{}' group by 1, 2
  on conflict (migration, table_name) do update set row_count = r.row_count + excluded.row_count`,
  ];
}
