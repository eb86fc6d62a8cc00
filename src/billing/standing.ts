import type { BillingRules } from './billing-rules.ts';
import type { SubscriptionRecord } from './subscription-record.ts';

/** What of a tenant's subscriptions says how it stands. */
export interface Standing {
  /** The subscription that counts; null where there never was one of a plan. */
  readonly subscriptionId: string | null;
  /** Its state, in the provider's word. */
  readonly status: string | null;
  /** The plan that the tenant has by it; null where billing has no say. */
  readonly plan: string | null;
  readonly endsAt: Date | null;
  readonly pastDueSince: Date | null;
  /** Until when it keeps its plan though it does not pay; null where that is not limited. */
  readonly graceUntil: Date | null;
  /** Subscriptions that are paid for beside the one that counts. */
  readonly duplicates: readonly string[];
  readonly anchorAt: Date | null;
  /** When this changes without anybody telling. */
  readonly dueAt: Date | null;
}

const day = 86_400_000;
const lookAgain = 3_600_000;

const over = new Set(['canceled', 'incomplete_expired']);
const owing = new Set(['past_due', 'unpaid']);
const paying = new Set(['active', 'trialing']);

/** Tells whether a subscription is over. */
export function isOver({ status, goneAt }: Pick<SubscriptionRecord, 'status' | 'goneAt'>): boolean {
  return over.has(status) || goneAt !== null;
}

/** Tells whether a subscription is charged for, or may be again: all but those that are over and those never begun. */
export function isLive(record: Pick<SubscriptionRecord, 'status' | 'goneAt'>): boolean {
  return !isOver(record) && record.status !== 'incomplete';
}

/**
 * Tells how a tenant stands. Of several subscriptions the oldest counts that gives a plan; subscriptions of no plan of the
 * catalogue have no say. A state that nobody knows changes nothing: who had the plan by it keeps it.
 */
export function standingOf(
  subscriptions: readonly SubscriptionRecord[],
  rules: BillingRules,
  before: { readonly subscriptionId: string | null; readonly plan: string | null },
  now: Date,
): Standing {
  const own = subscriptions
    .filter((record) => record.plan !== null)
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1));
  const gives = (record: SubscriptionRecord): boolean => planGiven(record, rules, before, now) !== null;
  const counting =
    own.find((record) => !isOver(record) && gives(record)) ??
    own.find(isLive) ??
    own.find((record) => !isOver(record)) ??
    own.at(-1);
  const duplicates = subscriptions
    .filter((record) => isLive(record) && record.id !== counting?.id && counting !== undefined && isLive(counting))
    .map(({ id }) => id)
    .toSorted();
  if (counting === undefined) {
    return {
      subscriptionId: null,
      status: null,
      plan: null,
      endsAt: null,
      pastDueSince: null,
      graceUntil: null,
      duplicates: [],
      anchorAt: null,
      dueAt: null,
    };
  }
  const graceUntil = graceOf(counting, rules);
  return {
    subscriptionId: counting.id,
    status: isOver(counting) && counting.goneAt !== null ? 'canceled' : counting.status,
    plan: planGiven(counting, rules, before, now) ?? rules.fallbackPlan,
    endsAt: counting.endsAt,
    pastDueSince: counting.pastDueSince,
    graceUntil,
    duplicates,
    anchorAt: isOver(counting) ? null : counting.anchorAt,
    dueAt: dueOf(subscriptions, graceUntil, now),
  };
}

function graceOf(record: SubscriptionRecord, { pastDue }: BillingRules): Date | null {
  if (!owing.has(record.status) || pastDue.afterGrace === 'keep' || record.pastDueSince === null) return null;
  return new Date(record.pastDueSince.getTime() + pastDue.graceDays * day);
}

/** The plan that a subscription gives, or null. */
function planGiven(
  record: SubscriptionRecord,
  rules: BillingRules,
  before: { readonly subscriptionId: string | null; readonly plan: string | null },
  now: Date,
): string | null {
  const { status, paused, plan } = record;
  if (isOver(record) || status === 'incomplete') return null;
  if (paused || status === 'paused') return rules.whilePaused === 'keep' ? plan : null;
  if (paying.has(status)) return plan;
  if (owing.has(status)) {
    const graceUntil = graceOf(record, rules);
    return graceUntil === null || graceUntil > now ? plan : null;
  }
  return before.subscriptionId === record.id && before.plan === plan ? plan : null;
}

/** What is past and did not happen yet is looked for again an hour later; who owes may have paid, or be given up. */
function dueOf(subscriptions: readonly SubscriptionRecord[], graceUntil: Date | null, now: Date): Date | null {
  const times = subscriptions
    .filter((record) => !isOver(record))
    .flatMap(({ status, endsAt, trialEndsAt, scheduledAt, periodEnd, changesAt }) => [
      owing.has(status) ? new Date(now.getTime() + day) : null,
      endsAt,
      trialEndsAt !== null && trialEndsAt > now ? trialEndsAt : null,
      scheduledAt,
      periodEnd === null ? null : new Date(periodEnd.getTime() + lookAgain),
      changesAt,
    ]);
  if (graceUntil !== null && graceUntil > now) times.push(graceUntil);
  const next = times.flatMap((time) =>
    time === null ? [] : [time > now ? time.getTime() : now.getTime() + lookAgain],
  );
  return next.length === 0 ? null : new Date(Math.min(...next));
}
