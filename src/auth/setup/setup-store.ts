import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';

/** How far a step of a set-up is. */
export type StepStatus = 'open' | 'done' | 'skipped';

/** A step as it is stored. */
export interface StoredStep {
  readonly step: string;
  readonly status: StepStatus;
  readonly data: Readonly<Record<string, unknown>>;
  readonly updatedAt: Date;
}

/** Reads the steps of a tenant that were touched; null when there is no such tenant. */
export async function listSteps(db: AnyDatabase, tenantId: string): Promise<readonly StoredStep[] | null> {
  const { rows } = await sql<{
    step: string | null;
    status: StepStatus;
    data: Readonly<Record<string, unknown>>;
    updated_at: Date;
  }>`select s.step, s.status, s.data, s.updated_at
    from tenantry.tenants t left join tenantry.setup_steps s on s.tenant_id = t.tenant_id
    where t.tenant_id = ${tenantId}::uuid and t.status <> 'moved'`.execute(libraryOf(db));
  if (rows.length === 0) return null;
  return rows.flatMap(({ step, status, data, updated_at: updatedAt }) =>
    step === null ? [] : [{ step, status, data, updatedAt }],
  );
}

/** A change of one step. */
export interface StepPatch {
  readonly tenantId: string;
  readonly step: string;
  readonly status: StepStatus;
  /** As JSON; null: what was kept before stays. */
  readonly data: string | null;
  /** Steps that must be done or skipped. */
  readonly after: readonly string[];
  readonly by: string | null;
  readonly now: Date;
}

/** Sets a step in one statement, and tells what it was; null when a step before it is open, or there is no such tenant. */
export async function putStep(
  db: AnyDatabase,
  { tenantId, step, status, data, after, by, now }: StepPatch,
): Promise<{ readonly previous: StepStatus } | null> {
  const { rows } = await sql<{ previous: StepStatus | null }>`
    with locked as materialized (
      select t.tenant_id from tenantry.tenants t
      where t.tenant_id = ${tenantId}::uuid and t.status <> 'moved'
        and (select count(*) from tenantry.setup_steps b where b.tenant_id = ${tenantId}::uuid and b.status <> 'open'
          and b.step = any(${sql.val([...after])}::text[])) = ${after.length}::integer
    ), was as materialized (
      select s.status from tenantry.setup_steps s where s.tenant_id = ${tenantId}::uuid and s.step = ${step}
    ), set_now as (
      insert into tenantry.setup_steps as s (tenant_id, step, status, data, updated_at, updated_by)
      select l.tenant_id, ${step}, ${status}, coalesce(${data}::jsonb, '{}'), ${now}::timestamptz, ${by}::text from locked l
      on conflict (tenant_id, step) do update set status = excluded.status,
        data = coalesce(${data}::jsonb, s.data), updated_at = excluded.updated_at, updated_by = excluded.updated_by
      returning 1
    )
    select (select status from was) as previous from set_now`.execute(libraryOf(db));
  const row = rows[0];
  return row === undefined ? null : { previous: row.previous ?? 'open' };
}
