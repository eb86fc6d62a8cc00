import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { PlanTerms } from './plan-terms.ts';

const changeText = `
  update tenantry.tenants set plan_terms = $3::jsonb, entitlement_revision = entitlement_revision + 1,
    updated_at = $4::timestamptz
  where tenant_id = $1::uuid and entitlement_revision = $2::bigint and status <> 'moved'
  returning tenant_id`;

/** Stores a tenant's terms, if nothing that entitlements are computed from was changed since a revision. */
export async function writeTerms(
  db: AnyDatabase,
  tenantId: string,
  { revision, terms, now }: { readonly revision: number; readonly terms: PlanTerms | null; readonly now: Date },
): Promise<boolean> {
  const json = terms === null ? null : JSON.stringify(terms);
  return (await run(db, changeText, [tenantId, revision, json, now])).length > 0;
}

const trialText = `
  with taken as (
    select plan, fingerprint from tenantry.plan_trial_fingerprints
    where plan = $2::text and fingerprint = any($5::text[]) and tenant_id <> $1::uuid
  ), tried as (
    insert into tenantry.plan_trials (tenant_id, plan, started_at, ends_at)
    select $1::uuid, $2::text, $3::timestamptz, $4::timestamptz where not exists (select from taken)
    on conflict (tenant_id, plan) do nothing
    returning tenant_id
  ), known as (
    insert into tenantry.plan_trial_fingerprints (plan, fingerprint, tenant_id)
    select $2::text, f.fingerprint, t.tenant_id from tried t cross join unnest($5::text[]) as f (fingerprint) order by 2
    on conflict (plan, fingerprint) do nothing
    returning fingerprint
  )
  select (select count(*) from tried)::int as tried, (select count(*) from known)::int as known`;

/** Notes that a tenant tries a plan; false when it did before, or somebody of the same fingerprints did. */
export async function insertTrial(
  db: AnyDatabase,
  tenantId: string,
  trial: {
    readonly plan: string;
    readonly startsAt: Date;
    readonly endsAt: Date;
    readonly fingerprints: readonly string[];
  },
): Promise<boolean> {
  const { plan, startsAt, endsAt, fingerprints } = trial;
  const [row] = await run<{ tried: number; known: number }>(db, trialText, [
    tenantId,
    plan,
    startsAt,
    endsAt,
    [...fingerprints],
  ]);
  if (row === undefined || row.tried === 0) return false;
  if (row.known === fingerprints.length) return true;
  // A fingerprint that somebody took at the same moment is found by the unique key alone.
  await run(
    db,
    `with f as (delete from tenantry.plan_trial_fingerprints where tenant_id = $1::uuid and plan = $2::text)
    delete from tenantry.plan_trials where tenant_id = $1::uuid and plan = $2::text`,
    [tenantId, plan],
  );
  return false;
}
