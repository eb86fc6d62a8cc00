import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { execute } from '../sql-text.ts';
import type { RetenantingUnit } from './units.ts';

/**
 * Where a re-tenanting stands: planned; `moving`, some units are done; `moved`, all are; on the way back; `finished`, with
 * nothing left to go back by.
 */
export type RetenantingStage = 'none' | 'planned' | 'moving' | 'moved' | 'rolling-back' | 'rolled-back' | 'finished';

/** Where a unit stands: `held` is one of many rows, whose tenants are in maintenance while they move. */
export type UnitStage = 'planned' | 'held' | 'decided' | 'written' | 'done' | 'returning' | 'returned';

/** A unit as the database remembers it. */
export interface StoredUnit {
  readonly unit: RetenantingUnit;
  readonly position: number;
  readonly stage: UnitStage;
  readonly rows: number;
  readonly progress: UnitProgress;
}

/** What a unit of many rows remembers between its transactions. */
export interface UnitProgress {
  /** How each tenant will stand once its rows are where they belong. */
  readonly statuses?: Readonly<Record<string, string>>;
  /** The place of the table whose rows are being moved, and the key up to which they were. */
  readonly table?: number;
  readonly last?: string;
}

/** A re-tenanting as the database remembers it. */
export interface StoredRetenanting {
  readonly stage: RetenantingStage;
  readonly definitionHash: string;
  readonly holder: string | null;
}

/** Reads where a re-tenanting stands; undefined when there is none of that name. */
export async function readRetenanting(db: AnyDatabase, name: string): Promise<StoredRetenanting | undefined> {
  try {
    const found = await execute<StoredRetenanting & { readonly kind: string | null }>(
      db,
      `select stage, definition_hash as "definitionHash", holder, plan ->> 'kind' as kind from tenantry.migrations where name = $1`,
      [name],
    );
    const row = found.rows[0];
    if (row !== undefined && row.kind !== 'retenanting') {
      const problem = 'it is a migration and no re-tenanting: choose another name';
      throw new TenantryError('migration_stage_invalid', { migration: name, stage: row.stage, problem });
    }
    return row;
  } catch (error) {
    if (!['42P01', '3F000'].includes(sqlstateOf(error))) throw error;
    throw new TenantryError('schema_missing', { schema: 'tenantry' }, { cause: error });
  }
}

/** Makes the record by which runners keep apart, where there is none yet or the last one went back. */
export async function storeRetenanting(
  db: AnyDatabase,
  {
    name,
    definitionHash,
    planHash,
    actor,
  }: { readonly name: string; readonly definitionHash: string; readonly planHash: string; readonly actor: string },
): Promise<void> {
  await execute(
    db,
    `insert into tenantry.migrations (name, stage, definition_hash, plan_hash, catalogue, plan, actor, created_at, updated_at)
values ($1, 'planned', $2, $3, '{}', '{"kind": "retenanting", "steps": []}', $4, now(), now())
on conflict (name) do update set stage = excluded.stage, definition_hash = excluded.definition_hash, plan_hash = excluded.plan_hash,
  actor = excluded.actor, created_at = excluded.created_at, updated_at = excluded.updated_at
where migrations.stage in ('planned', 'rolled-back', 'finished') and migrations.holder is null`,
    [name, definitionHash, planHash, actor],
  );
}

/** Says where a re-tenanting stands, inside a transaction that holds the lease. */
export async function setRetenantingStage(tx: AnyDatabase, name: string, stage: RetenantingStage): Promise<void> {
  await execute(tx, 'update tenantry.migrations set stage = $2, updated_at = now() where name = $1', [name, stage]);
}

/** The units in their order. */
export async function readUnits(db: AnyDatabase, retenanting: string): Promise<StoredUnit[]> {
  const found = await execute<{
    unit: RetenantingUnit;
    position: number;
    stage: UnitStage;
    rows: number;
    progress: UnitProgress;
  }>(db, `${unitText} where retenanting = $1 order by position`, [retenanting]);
  return found.rows;
}

const unitText =
  'select people as unit, position, stage, row_count::float8 as rows, progress from tenantry.retenant_units';

/** One unit. */
export async function readUnit(db: AnyDatabase, retenanting: string, unit: string): Promise<StoredUnit | undefined> {
  const found = await execute<StoredUnit>(db, `${unitText} where retenanting = $1 and unit = $2`, [retenanting, unit]);
  return found.rows[0];
}

/** Says where units stand, in the transaction that brought them there. */
export async function setUnits(
  tx: AnyDatabase,
  retenanting: string,
  units: readonly string[],
  {
    stage,
    rows = null,
    progress = {},
  }: { readonly stage: UnitStage; readonly rows?: number | null; readonly progress?: UnitProgress },
): Promise<void> {
  await execute(
    tx,
    `update tenantry.retenant_units set stage = $3, row_count = coalesce($4::bigint, row_count), progress = progress || $5::jsonb,
  started_at = coalesce(started_at, clock_timestamp()), finished_at = case when $3 in ('done', 'returned') then clock_timestamp() end
where retenanting = $1 and unit = any($2::text[])`,
    [retenanting, [...units], stage, rows, JSON.stringify(progress)],
  );
}

/** Says where a unit stands. */
export function setUnit(
  tx: AnyDatabase,
  retenanting: string,
  { unit }: RetenantingUnit,
  state: Parameters<typeof setUnits>[3],
): Promise<void> {
  return setUnits(tx, retenanting, [unit], state);
}

/** Forgets one unit whose rows somebody else moves. */
export async function forgetUnit(
  tx: AnyDatabase,
  { retenanting, unit }: { readonly retenanting: string; readonly unit: string },
): Promise<void> {
  for (const table of ['retenant_units', 'retenant_ways', 'retenant_rows', 'retenant_baselines']) {
    await execute(tx, `delete from tenantry.${table} where retenanting = $1 and unit = $2`, [retenanting, unit]);
  }
}

/** Forgets everything of a re-tenanting but that it was. */
export async function forgetUnits(tx: AnyDatabase, retenanting: string): Promise<void> {
  for (const table of ['retenant_units', 'retenant_ways', 'retenant_rows', 'retenant_baselines', 'retenant_people']) {
    await execute(tx, `delete from tenantry.${table} where retenanting = $1`, [retenanting]);
  }
}
