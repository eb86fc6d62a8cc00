import { isUuid, TenantryError } from '../../../core/index.ts';
import type { CallOptions } from '../../../database/index.ts';
import { filtersOf, isEventFilter } from '../catalogue/event-patterns.ts';
import { findEndpoint } from '../endpoints/endpoint-store.ts';
import { type EndpointRef, noEndpoint, noMessage, readEndpointRef, run, type Toolbox } from '../toolbox.ts';
import { findMessage } from './attempt-log.ts';

/** Which messages are sent again to an endpoint. */
export interface ReplayInput extends EndpointRef {
  /** One message, whatever became of it. */
  readonly messageId?: string;
  /**
   * `failed` (when absent): given up, or canceled; `missing`: never on their way there, though the filters let them
   * through, as of the time when it was disabled or not made yet; `all`: both, and those that arrived.
   */
  readonly which?: 'failed' | 'missing' | 'all';
  /** Published since; needed unless a message is named. */
  readonly since?: Date;
  /** Published before; until now when absent. */
  readonly until?: Date;
  /** Only types of events that one of these patterns lets through. */
  readonly types?: readonly string[];
  /** The `nextCursor` of the replay before. */
  readonly cursor?: string | null;
}

/** What {@link Webhooks.replay} did. */
export interface Replayed {
  /** How many deliveries are due now. */
  readonly deliveries: number;
  /** There are more than 10,000: hand it in to go on. Null at the end. */
  readonly nextCursor: string | null;
}

const most = 10_000;

const replayText = `
  with wanted as materialized (
    select m.id, m.order_key, e.ordering
    from tenantry.webhook_messages m
    join tenantry.webhook_endpoints e on e.tenant_id = m.tenant_id and e.id = $2::uuid
    left join tenantry.webhook_deliveries d
      on d.tenant_id = m.tenant_id and d.endpoint_id = e.id and d.message_id = m.id
    where m.tenant_id = $1::uuid and m.created_at >= $3::timestamptz and m.created_at < $4::timestamptz
      and ($5::text[] is null or m.type = any($5::text[])) and ($10::uuid is null or m.id > $10::uuid)
      and case
        when d.message_id is null then $6::text in ('missing', 'all') and m.type = any($9::text[])
        when d.status in ('failed', 'canceled') then $6::text in ('failed', 'all')
        else d.status = 'delivered' and $6::text = 'all' end
    order by m.id limit $8::integer
  ), due as (
    insert into tenantry.webhook_deliveries as d
      (tenant_id, endpoint_id, message_id, status, due_at, trigger, order_key, created_at)
    select $1::uuid, $2::uuid, w.id, 'pending', $7::timestamptz, 'replay',
      case w.ordering when 'endpoint' then '' when 'key' then w.order_key end, $7::timestamptz
    from wanted w
    on conflict (tenant_id, endpoint_id, message_id) do update
    set status = 'pending', due_at = excluded.due_at, trigger = 'replay', tries = 0, finished_at = null
    where d.leased_at is null
    returning 1
  )
  select (select count(*)::integer from due) as deliveries,
    (select id from wanted order by id offset $8::integer - 1 limit 1) as last`;

const oneText = `
  insert into tenantry.webhook_deliveries as d
    (tenant_id, endpoint_id, message_id, status, due_at, trigger, order_key, created_at)
  select m.tenant_id, e.id, m.id, 'pending', $4::timestamptz, 'replay',
    case e.ordering when 'endpoint' then '' when 'key' then m.order_key end, $4::timestamptz
  from tenantry.webhook_messages m
  join tenantry.webhook_endpoints e on e.tenant_id = m.tenant_id and e.id = $2::uuid
  where m.tenant_id = $1::uuid and m.id = $3::uuid
  on conflict (tenant_id, endpoint_id, message_id) do update
  set status = 'pending', due_at = excluded.due_at, trigger = 'replay', tries = 0, finished_at = null
  where d.leased_at is null
  returning 1`;

/** Sends messages again. See {@link Webhooks.replay}. */
export type Replay = (input: ReplayInput, options?: CallOptions) => Promise<Replayed>;

/** Makes what sends messages again: under the same id, with a round of retries of their own. */
export function createReplay({ db, clock, catalogue }: Toolbox): Replay {
  return async ({ messageId, which = 'failed', since, until, types, cursor = null, ...given }, options) => {
    const ref = readEndpointRef('webhooks.replay', given);
    const handle = options?.db ?? db;
    const now = clock();
    const endpoint = await findEndpoint(handle, ref);
    if (endpoint === null) throw noEndpoint(ref.endpointId);
    if (endpoint.status !== 'active') throw problem('endpoint', 'is disabled: enable it first');
    if (messageId !== undefined) {
      const message = isUuid(messageId) ? await findMessage(handle, ref.tenantId, messageId) : null;
      if (message === null) throw noMessage(messageId);
      const due = await run(handle, oneText, [ref.tenantId, ref.endpointId, messageId, now]);
      return { deliveries: due.length, nextCursor: null };
    }
    if (!(since instanceof Date)) throw problem('since', 'must be a Date, unless a message is named');
    if (!['failed', 'missing', 'all'].includes(which)) throw problem('which', 'must be failed, missing or all');
    if (types !== undefined && !types.every(isEventFilter)) throw problem('types', 'must be patterns of types');
    if (cursor !== null && !isUuid(cursor)) throw problem('cursor', 'is not one that a replay gave');
    // Few types go through the filters, and the catalogue knows them all.
    const known = [...catalogue.events.keys()];
    const through = (filters: readonly string[]): string[] =>
      known.filter((type) => filtersOf(type).some((filter) => filters.includes(filter)));
    const [row] = await run<{ deliveries: number; last: string | null }>(handle, replayText, [
      ref.tenantId,
      ref.endpointId,
      since,
      until ?? new Date(now.getTime() + 1),
      types === undefined ? null : through(types),
      which,
      now,
      most,
      through(endpoint.filters),
      cursor,
    ]);
    return { deliveries: row?.deliveries ?? 0, nextCursor: row?.last ?? null };
  };
}

function problem(field: string, text: string): TenantryError {
  return new TenantryError('name_invalid', { field, problem: text });
}
