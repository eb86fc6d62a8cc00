import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';
import type { CircuitRules } from './options.ts';

/** What a batch of attempts tells of one endpoint. */
export interface EndpointOutcome {
  readonly tenantId: string;
  readonly endpointId: string;
  /** Whether there was a success in the batch. */
  readonly succeeded: boolean;
  /** Failures since then, or since its beginning. */
  readonly failures: number;
  /** The first of those failures. */
  readonly firstFailureAt: Date | null;
  readonly lastReason: string | null;
}

/** How an endpoint stands after a batch, where it may have to be told of. */
export interface EndpointStanding {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly url: string;
  readonly failingSince: Date | null;
  /** How many notices were given. */
  readonly notices: number;
  readonly lastReason: string | null;
}

/**
 * Endpoints that are well are written at most once a minute. Rows are locked in one order, so that two workers never wait
 * for each other. After a quiet time the count of days begins anew; who was told before is told again before the end.
 */
const healthText = `
  with batch as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::integer[], $5::timestamptz[], $6::text[])
      as b (tenant_id, endpoint_id, succeeded, fresh, first_failure_at, reason)
  ), locked as materialized (
    select e.tenant_id, e.id, b.succeeded, b.fresh, b.first_failure_at, b.reason,
      case when b.succeeded then 0 else e.failures end + b.fresh as failures,
      case when b.succeeded then 0 else e.pauses end as pauses,
      case when b.succeeded then null else e.paused_until end as paused_until,
      b.fresh > 0 and e.last_failure_at < $7::timestamptz - make_interval(secs => $11::float8) as anew
    from tenantry.webhook_endpoints e join batch b on b.tenant_id = e.tenant_id and b.endpoint_id = e.id
    where e.status = 'active' and (b.fresh > 0 or e.failures > 0 or e.last_success_at is null
      or e.last_success_at < $7::timestamptz - interval '1 minute')
    order by e.tenant_id, e.id for update of e
  )
  update tenantry.webhook_endpoints e
  set failures = l.failures,
    failing_since = case when l.failures = 0 then null
      when l.succeeded or e.failing_since is null or l.anew then l.first_failure_at else e.failing_since end,
    notices = case when l.anew then least(e.notices, 1) else e.notices end,
    last_success_at = case when l.succeeded then $7::timestamptz else e.last_success_at end,
    last_failure_at = case when l.fresh > 0 then $7::timestamptz else e.last_failure_at end,
    last_reason = case when l.fresh > 0 then l.reason else e.last_reason end,
    paused_until = case when l.failures < $8::integer then null
      when l.paused_until is null or l.paused_until <= $7::timestamptz
        then $7::timestamptz + make_interval(secs => least($9::float8 * 2 ^ least(l.pauses, 20), $10::float8))
      else l.paused_until end,
    pauses = case when l.failures < $8::integer then 0
      when l.paused_until is null or l.paused_until <= $7::timestamptz then l.pauses + 1 else l.pauses end
  from locked l
  where e.tenant_id = l.tenant_id and e.id = l.id
  returning e.tenant_id as "tenantId", e.id as "endpointId", e.url, e.failing_since as "failingSince", e.notices,
    e.last_reason as "lastReason"`;

/** Writes how endpoints are doing, and gives those that were written. */
export async function writeHealth(
  db: AnyDatabase,
  outcomes: readonly EndpointOutcome[],
  { failures, pauseSeconds, longestPauseSeconds }: CircuitRules,
  now: Date,
  quietMilliseconds: number,
): Promise<readonly EndpointStanding[]> {
  const column = <Value>(pick: (one: EndpointOutcome) => Value): Value[] => outcomes.map(pick);
  return run<EndpointStanding>(db, healthText, [
    column((one) => one.tenantId),
    column((one) => one.endpointId),
    column((one) => one.succeeded),
    column((one) => one.failures),
    column((one) => one.firstFailureAt),
    column((one) => one.lastReason),
    now,
    failures,
    pauseSeconds,
    longestPauseSeconds,
    quietMilliseconds / 1000,
  ]);
}

/** Notes that a notice is given, unless it was. */
export async function markNotice(
  db: AnyDatabase,
  { tenantId, endpointId }: EndpointStanding,
  notices: number,
): Promise<boolean> {
  const text = `update tenantry.webhook_endpoints set notices = $3::smallint
    where tenant_id = $1::uuid and id = $2::uuid and status = 'active' and notices < $3::smallint
      and failing_since is not null returning 1`;
  return (await run(db, text, [tenantId, endpointId, notices])).length === 1;
}

/** Forgets the notices of an endpoint that does not fail any more. False where somebody else did. */
export async function clearNotices(db: AnyDatabase, { tenantId, endpointId }: EndpointStanding): Promise<boolean> {
  const text = `update tenantry.webhook_endpoints set notices = 0
    where tenant_id = $1::uuid and id = $2::uuid and status = 'active' and notices > 0 and failing_since is null
    returning 1`;
  return (await run(db, text, [tenantId, endpointId])).length === 1;
}
