import { isUuid, TenantryError } from '../../../core/index.ts';
import { isMoment } from '../../../core/moment.ts';
import type { CallOptions } from '../../../database/index.ts';
import { run } from '../../../database/run.ts';
import { filtersOf, isEventFilter } from '../catalogue/event-patterns.ts';
import { findEndpoint } from '../endpoints/endpoint-store.ts';
import { type EndpointRef, noEndpoint, noMessage, readEndpointRef, type Toolbox } from '../toolbox.ts';
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
  /** 10,000 messages were looked at, and there are more: hand it in to go on. Null at the end. */
  readonly nextCursor: string | null;
}

/** How many messages, or failed deliveries, one statement looks at. */
const most = 10_000;

/** What failed is few among many, and has an index of its own. */
const failedPart = `
  select d.message_id as id, d.created_at from tenantry.webhook_deliveries d
  where d.tenant_id = $1::uuid and d.endpoint_id = $2::uuid and d.status in ('failed', 'canceled')
    and (d.created_at, d.message_id) > ($3::timestamptz, $4::uuid)
  order by d.created_at, d.message_id limit $8::integer`;

const messagePart = `
  select m.id, m.created_at from tenantry.webhook_messages m
  where m.tenant_id = $1::uuid and (m.created_at, m.id) > ($3::timestamptz, $4::uuid) and m.created_at < $6::timestamptz
  order by m.created_at, m.id limit $8::integer`;

/**
 * A delivery is made with its message or later, so that what was published since a time is found by the times of both. A
 * part of them is looked at, each by its primary key, and the rest by another call.
 */
const textOf = (part: string, which: string): string => `
  with part as materialized (${part}
  ), due as (
    insert into tenantry.webhook_deliveries as d
      (tenant_id, endpoint_id, message_id, status, due_at, trigger, order_key, created_at)
    select $1::uuid, $2::uuid, p.id, 'pending', $7::timestamptz, 'replay',
      case e.ordering when 'endpoint' then '' when 'key' then coalesce(m.order_key, p.id::text) end,
      greatest($7::timestamptz, m.created_at)
    from part p
    join tenantry.webhook_endpoints e on e.tenant_id = $1::uuid and e.id = $2::uuid
    cross join lateral (
      select m.type, m.order_key, m.created_at from tenantry.webhook_messages m
      where m.tenant_id = $1::uuid and m.id = p.id offset 0) m
    left join lateral (
      select d.status from tenantry.webhook_deliveries d
      where d.tenant_id = $1::uuid and d.endpoint_id = $2::uuid and d.message_id = p.id offset 0) d on true
    where m.created_at >= $5::timestamptz and m.created_at < $6::timestamptz
      and ($9::text[] is null or m.type = any($9::text[])) and ${which}
    on conflict (tenant_id, endpoint_id, message_id) do update
    set status = 'pending', due_at = excluded.due_at, trigger = 'replay', tries = 0, finished_at = null
    where d.leased_at is null
    returning 1
  )
  select (select count(*)::integer from due) as deliveries, p.id, p.created_at as "createdAt"
  from (select 1) one left join (select id, created_at from part order by created_at, id offset $8::integer - 1) p on true`;

const missing = `(d.status is null and m.type = any($10::text[]))`;
const replayTexts = {
  failed: textOf(failedPart, `d.status in ('failed', 'canceled')`),
  missing: textOf(messagePart, missing),
  all: textOf(messagePart, `(${missing} or d.status in ('failed', 'canceled', 'delivered'))`),
};

const oneText = `
  insert into tenantry.webhook_deliveries as d
    (tenant_id, endpoint_id, message_id, status, due_at, trigger, order_key, created_at)
  select m.tenant_id, e.id, m.id, 'pending', $4::timestamptz, 'replay',
    case e.ordering when 'endpoint' then '' when 'key' then coalesce(m.order_key, m.id::text) end,
    greatest($4::timestamptz, m.created_at)
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
    if (!isMoment(since)) throw problem('since', 'must be a Date, unless a message is named');
    if (until !== undefined && !isMoment(until)) throw problem('until', 'must be a Date');
    if (!['failed', 'missing', 'all'].includes(which)) throw problem('which', 'must be failed, missing or all');
    if (types !== undefined && !types.every(isEventFilter)) throw problem('types', 'must be patterns of types');
    const after = readCursor(cursor);
    // Few types go through the filters, and the catalogue knows them all.
    const known = [...catalogue.events.keys()];
    const through = (filters: readonly string[]): string[] =>
      known.filter((type) => filtersOf(type).some((filter) => filters.includes(filter)));
    const { at, id: behind } = after ?? { at: since, id: nowhere };
    const [row] = await run<ReplayRow>(handle, replayTexts[which], [
      ref.tenantId,
      ref.endpointId,
      at,
      behind,
      since,
      until ?? new Date(now.getTime() + 1),
      now,
      most,
      types === undefined ? null : through(types),
      ...(which === 'failed' ? [] : [through(endpoint.filters)]),
    ]);
    const { deliveries = 0, id = null, createdAt = null } = row ?? {};
    return { deliveries, nextCursor: id && createdAt && `${createdAt.toISOString()}_${id}` };
  };
}

interface ReplayRow {
  readonly deliveries: number;
  /** The last that was looked at, where there may be more. */
  readonly id: string | null;
  readonly createdAt: Date | null;
}

const nowhere = '00000000-0000-0000-0000-000000000000';

function readCursor(cursor: unknown): { readonly at: Date; readonly id: string } | null {
  if (cursor === null) return null;
  const [time = '', id = ''] = String(cursor).split('_');
  const at = new Date(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(time) ? time : Number.NaN);
  if (!isUuid(id) || Number.isNaN(at.getTime())) throw problem('cursor', 'is not one that a replay gave');
  return { at, id };
}

function problem(field: string, text: string): TenantryError {
  return new TenantryError('name_invalid', { field, problem: text });
}
