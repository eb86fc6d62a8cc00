import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';

/** Which deliveries are wanted. */
export interface ClaimInput {
  readonly now: Date;
  /** Until when whoever claims has them for itself. */
  readonly leaseUntil: Date;
  readonly limit: number;
  /** How many one endpoint may have under way; half as many after each failure in a row. */
  readonly perEndpoint: number;
  /** Endpoints that have some under way already, or fewer places than others. */
  readonly busy: ReadonlyMap<string, BusyEndpoint>;
  /** Of endpoints with more ordering keys than one walk looks at: the key at which it begins. */
  readonly fromKeys: ReadonlyMap<string, string>;
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
  /** The span in which the message was published. */
  readonly traceParent: string | null;
}

/** What {@link claimDeliveries} gives. */
export interface Claim {
  readonly deliveries: readonly ClaimedDelivery[];
  /** Where the next walk begins; null when this one came to the end. */
  readonly next: WalkPlace | null;
  /** The `fromKeys` of the next walk. */
  readonly nextKeys: ReadonlyMap<string, string>;
  /** Of some endpoint there are more keys than were looked at. */
  readonly moreKeys: boolean;
}

/**
 * The walk goes from endpoint to endpoint by the index of open deliveries, one probe each, however many wait for one. It
 * ends where it came by twice as many tenants as there are places: the next one begins there, so that all get their turn. Of
 * each it takes what fits, and no more than its share; then tenants take turns, and within a tenant its endpoints. Where so
 * many wait that the share is one, that is what the walk came by, and none is looked for again. An attempt whose lease is
 * over is written into the log here: nobody else could.
 *
 * Where messages go one after the other, only the first of each key is looked at, however many wait behind it: a second
 * walk goes from key to key. What is left of a time when the endpoint had another ordering is found among the first that
 * are due. What was locked is joined as arrays: of those PostgreSQL expects few rows, and never reads the whole table.
 */
const claimText = `
  with recursive walk as (
    (select d.tenant_id, d.endpoint_id, d.due_at, d.message_id, 1 as n,
        case when d.due_at <= $1::timestamptz then d.tenant_id end as due_tenant,
        case when d.due_at <= $1::timestamptz then 1 else 0 end as due_tenants
      from tenantry.webhook_deliveries d
      where d.due_at is not null and (d.tenant_id, d.endpoint_id) > ($2::uuid, $3::uuid)
      order by d.tenant_id, d.endpoint_id, d.due_at limit 1)
    union all
    select x.tenant_id, x.endpoint_id, x.due_at, x.message_id, w.n + 1,
      case when x.due_at <= $1::timestamptz then x.tenant_id else w.due_tenant end,
      w.due_tenants + case when x.due_at <= $1::timestamptz and x.tenant_id is distinct from w.due_tenant then 1 else 0 end
    from walk w cross join lateral (
      select d.tenant_id, d.endpoint_id, d.due_at, d.message_id from tenantry.webhook_deliveries d
      where d.due_at is not null and (d.tenant_id, d.endpoint_id) > (w.tenant_id, w.endpoint_id)
      order by d.tenant_id, d.endpoint_id, d.due_at limit 1) x
    where w.n < $4::integer and w.due_tenants < 2 * $8::integer
  ), open as materialized (
    select w.tenant_id, w.endpoint_id, w.due_at, w.message_id, e.ordering, coalesce(f.from_key, '') as from_key,
      least($8::integer / count(*) over () + 1, least(coalesce(b.places, $5::integer),
        case when e.failures >= $10::integer then 1 else greatest(1, $5::integer >> least(e.failures, 5)) end)
        - coalesce(b.taken, 0)) as share,
      250 / count(*) over () + 1 as most
    from walk w cross join lateral (
      select e.failures, e.ordering from tenantry.webhook_endpoints e
      where e.tenant_id = w.tenant_id and e.id = w.endpoint_id and e.status = 'active'
        and (e.paused_until is null or e.paused_until <= $1::timestamptz) offset 0) e
    left join unnest($6::uuid[], $7::integer[], $11::integer[]) as b (endpoint_id, places, taken) on b.endpoint_id = w.endpoint_id
    left join unnest($12::uuid[], $13::text[]) as f (endpoint_id, from_key) on f.endpoint_id = w.endpoint_id
    where w.due_at <= $1::timestamptz
  ), keyed as (
    select o.tenant_id, o.endpoint_id, o.share, o.most, h.order_key, h.message_id, h.due_at, 1 as n
    from open o cross join lateral (
      select d.order_key, d.message_id, d.due_at from tenantry.webhook_deliveries d
      where d.tenant_id = o.tenant_id and d.endpoint_id = o.endpoint_id and d.due_at is not null
        and d.order_key is not null and d.order_key >= o.from_key
      order by d.tenant_id, d.endpoint_id, d.order_key, d.message_id limit 1) h
    where o.ordering = 'key' and o.share > 0
    union all
    select k.tenant_id, k.endpoint_id, k.share, k.most, h.order_key, h.message_id, h.due_at, k.n + 1
    from keyed k cross join lateral (
      select d.order_key, d.message_id, d.due_at from tenantry.webhook_deliveries d
      where d.tenant_id = k.tenant_id and d.endpoint_id = k.endpoint_id and d.due_at is not null
        and d.order_key is not null and d.order_key > k.order_key
      order by d.tenant_id, d.endpoint_id, d.order_key, d.message_id limit 1) h
    where k.n < k.most
  ), found as (
    select o.tenant_id, o.endpoint_id, o.share, c.message_id, c.due_at
    from open o cross join lateral (
      (select f.message_id, f.due_at from (
          select d.message_id, d.due_at, d.order_key from tenantry.webhook_deliveries d
          where d.tenant_id = o.tenant_id and d.endpoint_id = o.endpoint_id and d.due_at <= $1::timestamptz
          order by d.tenant_id, d.endpoint_id, d.due_at
          limit case when o.ordering = 'none' then o.share else greatest(o.share, o.most) end) f
        where o.ordering = 'none' or f.order_key is null or o.ordering = 'endpoint' and f.order_key <> '' and not exists (
          select from tenantry.webhook_deliveries p
          where p.tenant_id = o.tenant_id and p.endpoint_id = o.endpoint_id and p.order_key = f.order_key
            and p.due_at is not null and p.message_id < f.message_id))
      union all
      (select h.message_id, h.due_at from (
          select d.message_id, d.due_at from tenantry.webhook_deliveries d
          where o.ordering = 'endpoint' and d.tenant_id = o.tenant_id and d.endpoint_id = o.endpoint_id
            and d.order_key = '' and d.due_at is not null
          order by d.tenant_id, d.endpoint_id, d.order_key, d.message_id limit 1) h
        where h.due_at <= $1::timestamptz)) c
    where o.share > 1 or o.share = 1 and o.ordering <> 'none'
    union all
    select o.tenant_id, o.endpoint_id, o.share, o.message_id, o.due_at from open o where o.share = 1 and o.ordering = 'none'
    union all
    select k.tenant_id, k.endpoint_id, k.share, k.message_id, k.due_at from keyed k where k.due_at <= $1::timestamptz
  ), candidates as materialized (
    select f.*, row_number() over (partition by f.tenant_id, f.endpoint_id order by f.due_at, f.message_id) as place
    from found f
  ), chosen as materialized (
    select t.tenant_id, t.endpoint_id, t.message_id, t.due_at from (
      select c.*, row_number() over (partition by c.tenant_id order by c.place, random()) as turn
      from candidates c where c.place <= c.share) t
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
    from (
      select array_agg(tenant_id) as tenants, array_agg(endpoint_id) as endpoints, array_agg(message_id) as messages,
        array_agg(was_due_at) as times from locked) a
      cross join lateral unnest(a.tenants, a.endpoints, a.messages, a.times)
        as l (tenant_id, endpoint_id, message_id, was_due_at)
    where d.tenant_id = l.tenant_id and d.endpoint_id = l.endpoint_id and d.message_id = l.message_id
    returning d.tenant_id, d.endpoint_id, d.message_id, d.fence, d.tries, d.trigger, l.was_due_at
  )
  select c.tenant_id as "tenantId", c.endpoint_id as "endpointId", c.message_id as "messageId", c.fence, c.tries,
    c.trigger, c.was_due_at as "dueAt", m.type, m.payload, m.trace_parent as "traceParent", null::uuid as "nextTenant",
    null::uuid as "nextEndpoint", null::text as "nextKey"
  from claimed c cross join lateral (
    select m.type, m.payload, m.trace_parent from tenantry.webhook_messages m
    where m.tenant_id = c.tenant_id and m.id = c.message_id offset 0) m
  union all
  select null, null, null, null, null, null, null, null, null, null, w.tenant_id, w.endpoint_id, null
  from walk w where w.n = $4::integer or w.due_tenants = 2 * $8::integer
  union all
  select null, null, null, null, null, null, null, null, null, null, null, o.endpoint_id, k.order_key
  from open o left join keyed k on k.endpoint_id = o.endpoint_id and k.n = o.most
  where o.ordering = 'key' and o.share > 0 and (o.from_key <> '' or k.order_key is not null)`;

type Row =
  | (ClaimedDelivery & { readonly nextTenant: null; readonly nextEndpoint: null; readonly nextKey: null })
  | { readonly tenantId: null; readonly nextTenant: string; readonly nextEndpoint: string; readonly nextKey: null }
  | {
      readonly tenantId: null;
      readonly nextTenant: null;
      readonly nextEndpoint: string;
      readonly nextKey: string | null;
    };

const nowhere = '00000000-0000-0000-0000-000000000000';

/** Claims deliveries that are due, in one statement. Those that others are claiming at the moment are passed over. */
export async function claimDeliveries(db: AnyDatabase, input: ClaimInput): Promise<Claim> {
  const { now, leaseUntil, limit, perEndpoint, busy, fromKeys, probeFrom, window, after } = input;
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
    [...fromKeys.keys()],
    [...fromKeys.values()],
  ]);
  const deliveries: ClaimedDelivery[] = [];
  const nextKeys = new Map(fromKeys);
  let next: WalkPlace | null = null;
  let moreKeys = false;
  for (const row of rows) {
    if (row.tenantId !== null) deliveries.push(row);
    else if (row.nextTenant !== null) next = { tenantId: row.nextTenant, endpointId: row.nextEndpoint };
    else if (row.nextKey === null) nextKeys.delete(row.nextEndpoint);
    else {
      moreKeys = true;
      nextKeys.set(row.nextEndpoint, row.nextKey);
    }
  }
  return { deliveries, next, nextKeys, moreKeys };
}
