import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { checksumSettings } from '../checksum.ts';
import { rolledBack } from '../rolled-back.ts';
import { execute } from '../sql-text.ts';
import { none, numbers, type VerifyCheck } from '../verify/check.ts';
import type { AnyRetenanting } from './definition.ts';
import { writesOf } from './guard.ts';
import { verifyPeople } from './people/index.ts';
import { placedSql } from './rows/placed-sql.ts';
import { conservedSql, crossingChecks, leftSql, tenantsOfUnits } from './rows/prove-unit.ts';
import { readRowModel } from './rows/read-tables.ts';
import { partOf } from './rows/table.ts';
import { byIndex } from './run-session.ts';
import { readRetenanting } from './store.ts';

/** What {@link verifyRetenanting} found. */
export interface RetenantingReport {
  readonly retenanting: string;
  readonly checks: readonly VerifyCheck[];
  readonly failed: number;
}

/**
 * Proves a re-tenanting by other SQL than it was done by, on one snapshot: number and content of the rows are what they
 * were, none stayed with a tenant that moved, each stands where its own columns say, no reference crosses tenants, every
 * tenant is there; and of people that nobody was lost or doubled.
 *
 * @throws TenantryError `migration_not_found`; `migration_stage_invalid` when there is nothing to be verified.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyRetenanting, verifyRetenanting } from 'tenantry/migrate';
 *
 * async function prove(db: Kysely<Record<string, never>>, retenanting: AnyRetenanting): Promise<void> {
 *   const { failed, checks } = await verifyRetenanting(db, retenanting);
 *   console.log(`${checks.length} checks, ${failed} failed`);
 * }
 * ```
 */
export async function verifyRetenanting(db: AnyDatabase, definition: AnyRetenanting): Promise<RetenantingReport> {
  const { name } = definition;
  const stored = await readRetenanting(db, name);
  if (stored === undefined) throw new TenantryError('migration_not_found', { migration: name });
  if (stored.stage !== 'moving' && stored.stage !== 'moved') {
    const problem = 'only what was begun and neither finished nor taken back can be verified';
    throw new TenantryError('migration_stage_invalid', { migration: name, stage: stored.stage, problem });
  }
  const model = await readRowModel(db, definition);
  const checks = await rolledBack(db, async (tx) => {
    for (const setting of [...checksumSettings, byIndex]) await execute(tx, setting);
    const found: VerifyCheck[] = [];
    const tenants = tenantsOfUnits(name, null);
    for (const table of partOf(model, 'library').tables) {
      if (table.library?.billing === true) continue;
      const { wrong } = await numbers<'wrong'>(tx, leftSql(table, name, null));
      found.push(
        none(
          'left',
          table.name,
          wrong,
          'rows stand with a tenant that moved',
          'no row stayed with a tenant that moved',
        ),
      );
    }
    for (const table of partOf(model, 'application').tables) {
      const count = async (sql: string): Promise<number> => (await numbers<'wrong'>(tx, sql)).wrong;
      const { writes } = await numbers<'writes'>(
        tx,
        `select case when is_called then last_value else 0 end as writes from ${writesOf(table)}`,
      );
      const differs = await count(conservedSql(table, name, null));
      found.push(
        differs > 0 && writes > 0
          ? {
              name: 'conserved',
              table: table.name,
              status: 'skip',
              detail: `the application wrote ${writes} times since; each unit was proved when it moved`,
            }
          : none(
              'conserved',
              table.name,
              differs,
              'sum of the rows differs',
              'number and content of the rows are what they were',
            ),
        none(
          'left',
          table.name,
          await count(leftSql(table, name, null)),
          'rows stand with a tenant that moved',
          'no row stayed with a tenant that moved',
        ),
        none(
          'orphans',
          table.name,
          await count(
            `select count(*) as wrong from ${table.sql} x where x.${table.column} in (${tenants}) and not exists (select from tenantry.tenants t where t.tenant_id = x.${table.column} and t.status <> 'moved')`,
          ),
          'rows have a tenant that is not there',
          'every tenant is there',
        ),
      );
      for (const { sql, text } of crossingChecks(model, table, tenants)) {
        found.push(none('closed', table.name, await count(sql), text, 'references stay within their tenant'));
      }
      const placed = placedSql(tx, model, table);
      if (placed !== null) {
        const detail = 'rows stand elsewhere than their columns say';
        const wrong = await count(placed);
        found.push(
          wrong > 0 && writes > 0
            ? {
                name: 'placed',
                table: table.name,
                status: 'skip',
                detail: `${wrong} ${detail}, and the application wrote ${writes} times since`,
              }
            : none('placed', table.name, wrong, detail, 'each row stands where its columns say'),
        );
      }
    }
    found.push(...(await verifyPeople(tx, name)));
    return found;
  });
  return { retenanting: name, checks, failed: checks.filter(({ status }) => status === 'fail').length };
}
