import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../toolbox.ts';

/** Which deliveries are wanted. */
export interface ClaimInput {
  readonly now: Date;
  /** Until when whoever claims has them for itself. */
  readonly leaseUntil: Date;
  readonly limit: number;
  /** How many one endpoint may have under way. */
  readonly perEndpoint: number;
  /** Endpoints that have some under way already, or fewer places than others. */
  readonly busy: ReadonlyMap<string, BusyEndpoint>;
  /** From this many failures on, an endpoint is only probed. */
  readonly probeFrom: number;
  /** How many endpoints are looked at. */
  readonly window: number;
  /** The endpoint behind which the walk begins; null: at the beginning. */
  readonly after: WalkPlace | null;
}

/** How many attempts an endpoint may have under way, and how many it has. */
export interface BusyEndpoint {
  readonly places: number;
  readonly taken: number;
}

/** A place in the walk around the endpoints for which something waits. */
export interface WalkPlace {
  readonly tenantId: string;
  readonly endpointId: string;
}

/** A delivery that was claimed. */
export interface ClaimedDelivery {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly messageId: string;
  /** The number of the attempt. Who has a lower one was too slow, and writes no more than the log. */
  readonly fence: number;
  /** Attempts in this round, this one with them. */
  readonly tries: number;
  readonly trigger: string;
  readonly type: string;
  /** The body in the newest version. */
  readonly payload: string;
  /** When it was due. */
  readonly dueAt: Date;
}

/** What {@link claimDeliveries} gives. */
export interface Claim {
  readonly deliveries: readonly ClaimedDelivery[];
  /** Where the next walk begins; null when this one came to the end. */
  readonly next: WalkPlace | null;
}

/**
 * The walk goes from endpoint to endpoint by the index of open deliveries, one probe each, however many wait for one. Of
 * each it takes what fits, and no more than its share; then tenants take turns, and within a tenant its endpoints. An
 * attempt whose lease is over is written into the log here: nobody else could. Where all messages go one after the other,
 * only the first is looked at, however many wait behind it.
 */
const claimText = `
  with recursive walk as (
    (select d.tenant_id, d.endpoint_id, d.due_at, 1 as n from tenantry.webhook_deliveries d
      where d.due_at is not null and (d.tenant_id, d.endpoint_id) > ($2::uuid, $3::uuid)
      order by d.tenant_id, d.endpoint_id, d.due_at limit 1)
    union all
    select x.tenant_id, x.endpoint_id, x.due_at, w.n + 1 from walk w cross join lateral (
      select d.tenant_id, d.endpoint_id, d.due_at from tenantry.webhook_deliveries d
      where d.due_at is not null and (d.tenant_id, d.endpoint_id) > (w.tenant_id, w.endpoint_id)
      order by d.tenant_id, d.endpoint_id, d.due_at limit 1) x
    where w.n < $4::integer
  ), open as materialized (
    select w.tenant_id, w.endpoint_id, e.ordering,
      greatest(0, least(coalesce(b.places, $5::integer), case when e.failures >= $10::integer then 1 else $5::integer end)
        - coalesce(b.taken, 0)) as room,
      count(*) over () as endpoints
    from walk w cross join lateral (
      select e.failures, e.ordering from tenantry.webhook_endpoints e
      where e.tenant_id = w.tenant_id and e.id = w.endpoint_id and e.status = 'active'
        and (e.paused_until is null or e.paused_until <= $1::timestamptz) offset 0) e
    left join unnest($6::uuid[], $7::integer[], $11::integer[]) as b (endpoint_id, places, taken) on b.endpoint_id = w.endpoint_id
    where w.due_at <= $1::timestamptz
  ), candidates as materialized (
    select o.tenant_id, o.endpoint_id, c.message_id, c.due_at,
      row_number() over (partition by o.tenant_id, o.endpoint_id order by c.due_at, c.message_id) as place
    from open o cross join lateral (
      (select d.message_id, d.due_at from tenantry.webhook_deliveries d
        where d.tenant_id = o.tenant_id and d.endpoint_id = o.endpoint_id and d.due_at <= $1::timestamptz
          and (o.ordering <> 'endpoint' or d.order_key is distinct from '')
          and (d.order_key is null or not exists (
            select from tenantry.webhook_deliveries p
            where p.tenant_id = d.tenant_id and p.endpoint_id = d.endpoint_id and p.order_key = d.order_key
              and p.due_at is not null and p.message_id < d.message_id))
        order by d.tenant_id, d.endpoint_id, d.due_at limit least(o.room, $8::integer / o.endpoints + 1))
      union all
      (select h.message_id, h.due_at from (
          select d.message_id, d.due_at from tenantry.webhook_deliveries d
          where o.ordering = 'endpoint' and d.tenant_id = o.tenant_id and d.endpoint_id = o.endpoint_id
            and d.order_key = '' and d.due_at is not null
          order by d.tenant_id, d.endpoint_id, d.order_key, d.message_id limit 1) h
        where h.due_at <= $1::timestamptz and o.room > 0)) c
  ), chosen as materialized (
    select t.tenant_id, t.endpoint_id, t.message_id, t.due_at from (
      select c.*, row_number() over (partition by c.tenant_id order by c.place, random()) as turn from candidates c) t
    order by t.turn, random() limit $8::integer
  ), locked as materialized (
    select l.*, c.due_at as was_due_at from chosen c cross join lateral (
      select d.tenant_id, d.endpoint_id, d.message_id, d.fence, d.leased_at, d.trigger, d.tries
      from tenantry.webhook_deliveries d
      where d.tenant_id = c.tenant_id and d.endpoint_id = c.endpoint_id and d.message_id = c.message_id
        and d.due_at <= $1::timestamptz
      for update skip locked) l
  ), interrupted as (
    insert into tenantry.webhook_attempts
      (tenant_id, endpoint_id, message_id, number, trigger, outcome, reason, started_at, next_attempt_at)
    select tenant_id, endpoint_id, message_id, fence, trigger, 'interrupted', 'interrupted', leased_at, $1::timestamptz
    from locked where leased_at is not null
    on conflict do nothing
  ), claimed as (
    update tenantry.webhook_deliveries d
    set fence = d.fence + 1, tries = d.tries + 1, leased_at = $1::timestamptz, due_at = $9::timestamptz
    from locked l
    where d.tenant_id = l.tenant_id and d.endpoint_id = l.endpoint_id and d.message_id = l.message_id
    returning d.tenant_id, d.endpoint_id, d.message_id, d.fence, d.tries, d.trigger, l.was_due_at
  )
  select c.tenant_id as "tenantId", c.endpoint_id as "endpointId", c.message_id as "messageId", c.fence, c.tries,
    c.trigger, c.was_due_at as "dueAt", m.type, m.payload, null::uuid as "nextTenant", null::uuid as "nextEndpoint"
  from claimed c cross join lateral (
    select m.type, m.payload from tenantry.webhook_messages m
    where m.tenant_id = c.tenant_id and m.id = c.message_id offset 0) m
  union all
  select null, null, null, null, null, null, null, null, null, w.tenant_id, w.endpoint_id
  from walk w where w.n = $4::integer`;

type Row =
  | (ClaimedDelivery & { readonly nextTenant: null; readonly nextEndpoint: null })
  | { readonly tenantId: null; readonly nextTenant: string; readonly nextEndpoint: string };

const nowhere = '00000000-0000-0000-0000-000000000000';

/** Claims deliveries that are due, in one statement. Those that others are claiming at the moment are passed over. */
export async function claimDeliveries(db: AnyDatabase, input: ClaimInput): Promise<Claim> {
  const { now, leaseUntil, limit, perEndpoint, busy, probeFrom, window, after } = input;
  const rows = await run<Row>(db, claimText, [
    now,
    after?.tenantId ?? nowhere,
    after?.endpointId ?? nowhere,
    window,
    perEndpoint,
    [...busy.keys()],
    [...busy.values()].map(({ places }) => places),
    limit,
    leaseUntil,
    probeFrom,
    [...busy.values()].map(({ taken }) => taken),
  ]);
  const deliveries: ClaimedDelivery[] = [];
  let next: WalkPlace | null = null;
  for (const row of rows) {
    if (row.tenantId === null) next = { tenantId: row.nextTenant, endpointId: row.nextEndpoint };
    else deliveries.push(row);
  }
  return { deliveries, next };
}

/** An endpoint as an attempt needs it. */
export interface TargetEndpoint {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly url: string;
  readonly version: string | null;
  /** Own headers, sealed. */
  readonly headers: string | null;
  /** The secrets that sign, sealed, the newest first. */
  readonly secrets: readonly { readonly id: string; readonly sealed: string }[];
}

const targetsText = `
  select e.tenant_id as "tenantId", e.id as "endpointId", e.url, e.version, e.headers, (
    select coalesce(json_agg(json_build_object('id', s.id, 'sealed', s.secret) order by s.id desc), '[]'::json)
    from tenantry.webhook_endpoint_secrets s
    where s.tenant_id = e.tenant_id and s.endpoint_id = e.id
      and (s.expires_at is null or s.expires_at > $3::timestamptz)) as secrets
  from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, endpoint_id)
  join tenantry.webhook_endpoints e on e.tenant_id = w.tenant_id and e.id = w.endpoint_id
  where e.status <> 'removed'`;

/** Reads the endpoints of attempts, by their ids. */
export async function readTargets(
  db: AnyDatabase,
  wanted: readonly WalkPlace[],
  now: Date,
): Promise<ReadonlyMap<string, TargetEndpoint>> {
  const unique = new Map(wanted.map((one) => [one.endpointId, one.tenantId]));
  const rows = await run<TargetEndpoint>(db, targetsText, [[...unique.values()], [...unique.keys()], now]);
  return new Map(rows.map((row) => [row.endpointId, row]));
}

const sweepText = `
  with closed as materialized (
    select d.tenant_id, d.endpoint_id, d.message_id, e.disabled_reason
    from tenantry.webhook_endpoints e cross join lateral (
      select d.* from tenantry.webhook_deliveries d
      where d.tenant_id = e.tenant_id and d.endpoint_id = e.id and d.due_at is not null
      order by d.due_at limit $2::integer for update skip locked) d
    where e.status <> 'active' limit $2::integer
  )
  update tenantry.webhook_deliveries d
  set status = 'canceled', due_at = null, finished_at = $1::timestamptz, last_reason = 'endpoint_closed'
  from closed c
  where d.tenant_id = c.tenant_id and d.endpoint_id = c.endpoint_id and d.message_id = c.message_id
  returning 1`;

/** Gives up deliveries to endpoints that are disabled or removed, at most so many, and gives how many. */
export async function cancelClosed(db: AnyDatabase, now: Date, limit = 1000): Promise<number> {
  return (await run(db, sweepText, [now, limit])).length;
}
