import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { CatalogueForeignKey } from '../catalogue.ts';
import { checksumSettings, checksumSql } from '../checksum.ts';
import { isSource, type Model, type OwnTable } from '../model.ts';
import { execute } from '../sql-text.ts';
import {
  type Checker,
  expectedTenant,
  joinsToSource,
  mayBeQuarantined,
  none,
  numbers,
  quarantined,
  type VerifyCheck,
} from './check.ts';

/** Every row has a tenant, or waits for quarantine because it leads nowhere. */
export async function checkTotal({ tx, model, column, done }: Checker, table: OwnTable): Promise<VerifyCheck> {
  const found = await numbers<'rows' | 'missing' | 'leading'>(tx, totalSql(model, column, table));
  const waiting = mayBeQuarantined(table) && !done.has(`enforce:${table.name}:quarantine`);
  if (!waiting)
    return none('total', table.name, found.missing, 'rows have no tenant', `${found.rows} rows, each with one tenant`);
  const good = `${found.rows - found.missing} rows with one tenant, ${found.missing} bound for quarantine`;
  return none('total', table.name, found.leading, 'rows lead to a tenant and have none', good);
}

/** Counts `rows`, those `missing` a tenant, and those of them `leading` to one. */
export function totalSql(model: Model, column: string, table: OwnTable): string {
  const source = isSource(table) ? 't' : 's';
  return `select count(*)::text as rows, count(*) filter (where t.${column} is null)::text as missing,
  count(*) filter (where t.${column} is null and ${source}.${column} is not null)::text as leading
from ${table.sql} as t ${joinsToSource(model, table)}`;
}

/** The tenant of a row is that of the source row it leads to, found again by joins. */
export async function checkTenant(checker: Checker, table: OwnTable): Promise<VerifyCheck> {
  const { tx, model, column } = checker;
  const expected = isStill(checker, table) ? expectedTenant(model, column, table) : undefined;
  const found = await numbers<'wrong' | 'tenants'>(tx, tenantSql(model, column, table, expected));
  return none(
    'tenant',
    table.name,
    found.wrong,
    'rows have another tenant than the row they lead to',
    `${found.tenants} tenants`,
  );
}

/** Whether nobody wrote to a table, or to those on its way to the source: a row keeps its tenant when its way is gone. */
function isStill({ model, switched, writes }: Checker, table: OwnTable): boolean {
  const way = [model.source.name];
  for (let at: OwnTable | undefined = table; at !== undefined; at = at.via?.parent) way.push(at.name);
  return !switched && way.every((name) => (writes.get(name) ?? 0) === 0);
}

/** Counts rows with the `wrong` tenant, which is another than that of the source row or than `expected`. */
export function tenantSql(model: Model, column: string, table: OwnTable, expected = `s.${column}`): string {
  return `select count(*) filter (where t.${column} is distinct from ${expected})::text as wrong, count(distinct t.${column})::text as tenants
from ${table.sql} as t ${joinsToSource(model, table)} where ${expected} is not null`;
}

/** A row and what it refers to have the same tenant. */
export async function checkClosed({ tx, model, column }: Checker, table: OwnTable): Promise<VerifyCheck[]> {
  const checks: VerifyCheck[] = [];
  for (const { key, parent: parentName } of table.references) {
    const parent = model.own.find((candidate) => candidate.name === parentName);
    if (parent === undefined) continue;
    const found = await numbers<'crossing'>(tx, closedSql(column, table, parent, key));
    checks.push(
      none(
        'closed',
        table.name,
        found.crossing,
        `rows refer to "${parentName}" of another tenant`,
        `${key.name} stays within its tenant`,
      ),
    );
  }
  return checks;
}

/** Counts rows `crossing` to another tenant by a foreign key. */
export function closedSql(column: string, table: OwnTable, parent: OwnTable, key: CatalogueForeignKey): string {
  const on = key.columns.map(
    (name, place) => `t.${quoteIdentifier(name)} = o.${quoteIdentifier(key.targetColumns[place] ?? '')}`,
  );
  return `select count(*)::text as crossing from ${table.sql} as t join ${parent.sql} as o on ${on.join(' and ')} where t.${column} <> o.${column}`;
}

/** Every tenant that a row names exists. */
export async function checkOrphans({ tx, column }: Checker, table: OwnTable): Promise<VerifyCheck> {
  const found = await numbers<'orphans'>(tx, orphansSql(column, table));
  return none('orphans', table.name, found.orphans, 'tenants of rows do not exist', 'every tenant exists');
}

/** Counts `orphans`: tenants of rows that do not exist. */
export function orphansSql(column: string, table: OwnTable): string {
  return `select count(*)::text as orphans from (select distinct t.${column} as tenant from ${table.sql} as t) as t
where t.tenant is not null and not exists (select 1 from tenantry.tenants n where n.tenant_id = t.tenant)`;
}

/** Nothing but the tenant changed: the checksum of the other columns, with quarantined rows, is that of the baseline. */
export async function checkConserved({ tx, model, writes }: Checker, table: OwnTable): Promise<VerifyCheck> {
  for (const setting of checksumSettings) await execute(tx, setting);
  const stored = await execute<{ row_count: string; checksum: string }>(
    tx,
    'select row_count::text, checksum from tenantry.migration_baselines where migration = $1 and table_name = $2',
    [model.name, table.name],
  );
  const before = stored.rows[0];
  const name = 'conserved';
  if (before === undefined) return { name, table: table.name, status: 'skip', detail: 'no baseline yet' };
  const since = writes.get(table.name) ?? 0;
  if (since > 0) {
    const detail = `the application wrote ${since} times since the baseline, so it is no measure`;
    return { name, table: table.name, status: 'skip', detail };
  }
  const after = await execute<{ row_count: string; checksum: string }>(tx, conservedSql(model, table));
  const now = after.rows[0];
  const same = now?.row_count === before.row_count && now.checksum === before.checksum;
  const detail = same
    ? `${before.row_count} rows, checksum ${before.checksum}`
    : `${before.row_count} rows became ${now?.row_count}, checksum ${before.checksum} became ${now?.checksum}`;
  return { name, table: table.name, status: same ? 'pass' : 'fail', detail };
}

/** Counts and sums up the rows of a table with those that went to quarantine. */
export function conservedSql(model: Model, table: OwnTable): string {
  const aside = checksumSql({ ...table, sql: quarantined(model, table) });
  return `select sum(row_count)::text as row_count, sum(checksum::numeric)::text as checksum from (${checksumSql(table)} union all ${aside}) as sums`;
}

/** The sequence value is read as text through the catalogue, where it is absent before expand and after contract. */
export async function writesSince(
  { tx, model }: Pick<Checker, 'tx' | 'model'>,
  table: OwnTable,
  sequence: string,
): Promise<number> {
  const exists = await execute<{ found: boolean }>(
    tx,
    `select to_regclass(${quoteLiteral(sequence)}) is not null as found`,
  );
  if (exists.rows[0]?.found !== true) return 0;
  return (await numbers<'writes'>(tx, writesSql(model, table, sequence))).writes;
}

/** Counts `writes` since the baseline. */
export function writesSql(model: Model, table: OwnTable, sequence: string): string {
  return `select (case when s.is_called then s.last_value else 0 end - coalesce((select writes from tenantry.migration_baselines
  where migration = ${quoteLiteral(model.name)} and table_name = ${quoteLiteral(table.name)}), 0))::text as writes from ${sequence} as s`;
}
