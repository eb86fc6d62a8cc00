import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';
import type { AttemptReason } from './verdict.ts';

/** An attempt that ended, and what follows for its delivery. */
export interface EndedAttempt {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly messageId: string;
  /** The number of the attempt. */
  readonly fence: number;
  readonly trigger: string;
  readonly outcome: 'delivered' | 'failed';
  readonly reason: AttemptReason | null;
  readonly status: number | null;
  readonly startedAt: Date;
  readonly durationMilliseconds: number;
  readonly response: string | null;
  /** When it is tried again; null: the delivery is finished. */
  readonly nextAt: Date | null;
  /** False: the try does not count. */
  readonly counts: boolean;
}

/**
 * Whether an attempt has the last word: it is the last one and its lease holds. Where the lease was over and another took
 * the delivery, that one's word counts, unless this one was a success, which closes the delivery in any case.
 */
const counts = `(d.due_at is not null
  and (d.fence = e.fence and d.leased_at is not null or d.fence > e.fence and e.outcome = 'delivered'))`;

const when = (value: string, otherwise: string): string => `case when ${counts} then ${value} else ${otherwise} end`;

/** Every attempt is logged, also one without the last word; it then takes the place of `interrupted`. */
const completeText = `
  with ended as materialized (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[],
      $8::smallint[], $9::timestamptz[], $10::integer[], $11::text[], $12::timestamptz[], $13::boolean[])
      as t (tenant_id, endpoint_id, message_id, fence, trigger, outcome, reason, status, started_at, duration_ms, response,
        next_at, counts)
  ), written as (
    update tenantry.webhook_deliveries d
    set status = ${when(
      "case when e.outcome = 'delivered' then 'delivered' when e.next_at is null then 'failed' else 'pending' end",
      'd.status',
    )},
      due_at = ${when('e.next_at', 'd.due_at')},
      leased_at = ${when('null', 'd.leased_at')},
      trigger = ${when("case when e.counts then 'retry' else d.trigger end", 'd.trigger')},
      tries = ${when('case when e.counts then d.tries else d.tries - 1 end', 'd.tries')},
      finished_at = ${when('case when e.next_at is null then $14::timestamptz end', 'd.finished_at')},
      last_status = ${when('e.status', 'd.last_status')},
      last_reason = ${when('e.reason', 'd.last_reason')}
    from ended e
    where d.tenant_id = e.tenant_id and d.endpoint_id = e.endpoint_id and d.message_id = e.message_id
    returning d.tenant_id, d.endpoint_id, d.message_id, e.fence, e.trigger, e.outcome, e.reason, e.status as answered,
      e.started_at, e.duration_ms, e.response, e.next_at
  )
  insert into tenantry.webhook_attempts as a
    (tenant_id, endpoint_id, message_id, number, trigger, outcome, reason, status, started_at, duration_ms, response,
      next_attempt_at)
  select tenant_id, endpoint_id, message_id, fence, trigger, outcome, reason, answered, started_at, duration_ms, response,
    next_at
  from written
  on conflict (tenant_id, endpoint_id, message_id, number) do update
  set outcome = excluded.outcome, reason = excluded.reason, status = excluded.status,
    started_at = excluded.started_at, duration_ms = excluded.duration_ms, response = excluded.response,
    next_attempt_at = excluded.next_attempt_at`;

/** Writes what came of attempts, in one statement. */
export async function completeAttempts(db: AnyDatabase, all: readonly EndedAttempt[], now: Date): Promise<void> {
  const once = new Map(all.map((one) => [`${one.endpointId} ${one.messageId}`, one]));
  // Two attempts of one delivery end together only where a process was held up for as long as a lease.
  if (once.size < all.length) {
    const last = new Set(once.values());
    await completeAttempts(
      db,
      all.filter((one) => !last.has(one)),
      now,
    );
  }
  const ended = [...once.values()];
  const column = <Value>(pick: (one: EndedAttempt) => Value): Value[] => ended.map(pick);
  await run(db, completeText, [
    column((one) => one.tenantId),
    column((one) => one.endpointId),
    column((one) => one.messageId),
    column((one) => one.fence),
    column((one) => one.trigger),
    column((one) => one.outcome),
    column((one) => one.reason),
    column((one) => one.status),
    column((one) => one.startedAt),
    column((one) => one.durationMilliseconds),
    column((one) => one.response),
    column((one) => one.nextAt),
    column((one) => one.counts),
    now,
  ]);
}
