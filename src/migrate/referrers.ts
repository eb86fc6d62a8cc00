import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { ownName } from './catalogue.ts';
import type { Model, OwnTable } from './model.ts';
import { dollarQuoted, execute } from './sql-text.ts';

/** A table of any schema with a foreign key to a table. */
export interface Referrer {
  /** The name as SQL. */
  readonly sql: string;
  /** Schema and name as they are. */
  readonly schema: string;
  readonly name: string;
  /** The condition that row `r` of it refers to row `t` of the table. */
  readonly on: string;
}

/** The foreign keys of the application that lead to a table, from whatever schema. */
function referrersQuery(table: OwnTable): string {
  return `select f.conrelid::regclass::text as sql, n.nspname as schema, c.relname as name,
  string_agg(format('r.%I = t.%I', a.attname, b.attname), ' and ') as on
from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_namespace n on n.oid = c.relnamespace
  cross join lateral unnest(f.conkey, f.confkey) as k(x, y)
  join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.x
  join pg_attribute b on b.attrelid = f.confrelid and b.attnum = k.y
where f.contype = 'f' and f.confrelid = ${quoteLiteral(table.sql)}::regclass and f.conparentid = 0
  and f.conname !~ '${ownName}'
group by f.oid, f.conrelid, n.nspname, c.relname order by 1, 4`;
}

/** Reads who refers to a table. */
export async function referrersOf(tx: AnyDatabase, table: OwnTable): Promise<Referrer[]> {
  return (await execute<Referrer>(tx, referrersQuery(table))).rows;
}

/**
 * A statement that fails with SQLSTATE 23503 while rows that stay refer to rows of the table without a tenant. A foreign
 * key with ON DELETE CASCADE or SET NULL would otherwise take along or change rows that nobody recorded. The rows are
 * locked first, so that nobody comes to refer to them meanwhile.
 */
export function refuseReferredSql(model: Model, table: OwnTable): string {
  const column = quoteIdentifier(model.column);
  return `do ${dollarQuoted(`
declare referrer record; left_behind bigint;
begin
  perform 1 from ${table.sql} as t where t.${column} is null for update;
  for referrer in ${referrersQuery(table)} loop
    execute format('select count(*) from %s as r join %s as t on %s where t.%s is null and %s', referrer.sql, ${quoteLiteral(table.sql)},
      referrer.on, ${quoteLiteral(column)}, case when referrer.sql::regclass = ${quoteLiteral(table.sql)}::regclass then ${quoteLiteral(`r.${column} is not null`)} else 'true' end)
      into left_behind;
    if left_behind > 0 then
      raise exception using errcode = '23503', message = format('%s rows of %s refer to rows of %s that are bound for quarantine', left_behind, referrer.sql, ${quoteLiteral(table.sql)});
    end if;
  end loop;
end `)}`;
}
