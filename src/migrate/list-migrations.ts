import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import type { RetenantingStage } from './retenant/store.ts';
import { execute } from './sql-text.ts';
import type { MigrationStage } from './state.ts';

/** A migration or a re-tenanting that a database knows. */
export interface ListedMigration {
  readonly name: string;
  readonly kind: 'migration' | 'retenanting';
  readonly stage: MigrationStage | RetenantingStage;
  /** Steps of a migration, tenants of a re-tenanting. */
  readonly done: number;
  readonly total: number;
  /** Who works on it now; null when nobody does. */
  readonly holder: string | null;
  /** Who began it. */
  readonly actor: string;
  readonly begunAt: Date;
  readonly updatedAt: Date;
}

/**
 * Lists all migrations and re-tenantings that a database knows, the one that was begun last first.
 *
 * @throws TenantryError `schema_missing`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { listMigrations } from 'tenantry/migrate';
 *
 * async function show(db: Kysely<Record<string, never>>): Promise<void> {
 *   for (const { name, kind, stage, done, total } of await listMigrations(db)) console.log(kind, name, stage, done, total);
 * }
 * ```
 */
export async function listMigrations(db: AnyDatabase): Promise<ListedMigration[]> {
  try {
    const found = await execute<ListedMigration>(
      db,
      `select m.name, case when m.plan ->> 'kind' = 'retenanting' then 'retenanting' else 'migration' end as kind, m.stage, m.holder, m.actor,
  m.created_at as "begunAt", m.updated_at as "updatedAt",
  case when m.plan ->> 'kind' = 'retenanting' then (select count(*) from tenantry.retenant_units u where u.retenanting = m.name and u.stage = 'done')
    else (select count(*) from tenantry.migration_steps s where s.migration = m.name and s.finished_at is not null) end::integer as done,
  case when m.plan ->> 'kind' = 'retenanting' then (select count(*) from tenantry.retenant_units u where u.retenanting = m.name)
    else jsonb_array_length(m.plan -> 'steps') end::integer as total
from tenantry.migrations m order by m.created_at desc, m.name`,
    );
    return found.rows;
  } catch (error) {
    if (!['42P01', '3F000'].includes(sqlstateOf(error))) throw error;
    throw new TenantryError('schema_missing', { schema: 'tenantry' }, { cause: error });
  }
}
