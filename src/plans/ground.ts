import type { BoundedMap } from '../core/bounded-map.ts';
import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { maxUsed } from './amount.ts';
import type { Burn } from './burn-store.ts';
import { type Entitlement, evaluateEntitlement } from './evaluate-entitlement.ts';
import { counterPer, periodAt } from './meter-period.ts';
import { type ConsumeResult, meterState, type TenantClosed } from './meter-state.ts';
import type { PlanCatalogue } from './plan-definitions.ts';
import { hasGrants } from './plan-terms.ts';
import type { CounterKey, EntitlementFacts } from './store.ts';
import type { Hour, MemberUnits, Take, TakeConditions } from './take-units.ts';

/** One caller's wish. */
export interface Ask {
  readonly amount: number;
  /** Who wishes: what they use of a quota is kept. */
  readonly memberId?: string | undefined;
  /** The API key that wishes: what is used by it is written down by the hour. */
  readonly keyId?: string | undefined;
  /** The same wish, however often it comes, is granted once. */
  readonly idempotencyKey?: string | undefined;
}

/** What one caller gets: an answer, or an error of its own. */
export type Served = { readonly result: ConsumeResult } | { readonly error: unknown };

/** Wishes for units of one meter of one tenant, in order of arrival. */
export interface Batch {
  readonly db: AnyDatabase;
  readonly catalogue: PlanCatalogue;
  readonly tenantId: string;
  readonly meter: string;
  readonly asks: readonly Ask[];
  /** When the units are used: in the past for late ones. */
  readonly now: Date;
  /** Whether the units were used at another time than now: they belong to another hour than the running one. */
  readonly late?: boolean;
  /** What is assumed of the tenant; the statement finds out whether it still holds. */
  readonly assumed: EntitlementFacts | undefined;
  /** Reads it anew. */
  readonly refresh: () => Promise<EntitlementFacts>;
  /** Adds units to a counter that is there and counts the hour. */
  readonly take: Take;
  /** Adds units to a counter of which nothing is known. */
  readonly begin: Take;
  /** Gives back the units of reservations whose time is over. */
  readonly expire: () => Promise<void>;
  /** Told of every counter that was raised, or looked at. */
  readonly watch: (ground: Ground, used: number, alerted: number | null) => Promise<void>;
  /** Whether usage is written down by the hour. */
  readonly history: boolean;
  /** Makes a reservation of the units. */
  readonly hold?: Burn['hold'];
  /** What counters held when they were last seen, for a better first guess; absent in a caller's transaction. */
  readonly guesses?: BoundedMap<string, Guess>;
}

/** What a counter held when it was last seen. */
export interface Guess {
  /** Names the period. */
  readonly counter: string;
  readonly used: number;
  /** The hour that it counted, where it did. */
  readonly hour?: number | undefined;
  /** What the facts meant then. */
  readonly ground?: Ground;
  /** How many units more could be taken, with grants. */
  readonly room?: number;
}

/** What the facts mean for one meter at one moment. */
export interface Ground {
  readonly facts: EntitlementFacts;
  readonly entitlement: Entitlement;
  readonly key: CounterKey;
  readonly resetsAt: Date | null;
  /** Whether there may be units of grants. */
  readonly grants: boolean;
}

/** Every attempt after the third means that somebody else changed the counter or the tenant meanwhile. */
export const maxAttempts = 1000;

/** Names one meter of one tenant. */
export function meterKey(tenantId: string, meter: string): string {
  return `${tenantId.toLowerCase()} ${meter}`;
}

/** Names the period of a counter. */
export function counterOf({ key: { per, start } }: Ground): string {
  return `${per} ${start.getTime()}`;
}

/** Makes of facts what one meter needs; the facts must be of a plan that the catalogue has. */
export function groundOf(
  { catalogue, tenantId, meter, now }: Pick<Batch, 'catalogue' | 'tenantId' | 'meter' | 'now'>,
  facts: EntitlementFacts,
): Ground {
  const { plan, seatsBought, since, terms } = facts;
  const entitlement = evaluateEntitlement(catalogue, { plan, seatsBought, since, terms, at: now }, meter);
  const { start, end } = periodAt(entitlement, facts, now);
  const key = { tenantId, meter, per: counterPer(entitlement), start };
  return { facts, entitlement, key, resetsAt: end, grants: hasGrants(terms, meter, now.getTime()) };
}

/**
 * Whether what facts meant before holds for a moment, too: they are the same, nothing in them has a time of its own, and it
 * is the same period.
 */
export function stillHolds(
  { facts, key, resetsAt }: Ground,
  assumed: EntitlementFacts | undefined,
  now: Date,
): boolean {
  if (assumed === undefined || assumed.terms !== null || now < key.start) return false;
  if (resetsAt !== null && now >= resetsAt) return false;
  return facts === assumed || (facts.terms === null && areAlike(facts, assumed));
}

/** A row that was put back may have the revision of another one, so that all of it is looked at. */
function areAlike(facts: EntitlementFacts, others: EntitlementFacts): boolean {
  return (
    facts.revision === others.revision &&
    facts.plan === others.plan &&
    facts.seatsBought === others.seatsBought &&
    facts.anchorAt.getTime() === others.anchorAt.getTime() &&
    facts.since.getTime() === others.since.getTime()
  );
}

/** The highest value that a counter may reach under an entitlement. */
export function ceilingOf({ amount, overage, overageAtMost }: Entitlement): number {
  if (amount === 'unlimited') return maxUsed;
  if (overage === 'refuse') return amount;
  return overageAtMost === null ? maxUsed : Math.min(maxUsed, amount + overageAtMost);
}

/** What the plan itself gives, as a number. */
export function amountOf({ amount }: Entitlement): number {
  return amount === 'unlimited' ? maxUsed : amount;
}

/** What a caller gets whose units do not fit. */
export function refusal(
  { entitlement, resetsAt }: Ground,
  { amount }: Ask,
  used: number,
  closed: TenantClosed | null,
): Served {
  if (closed === null && ceilingOf(entitlement) === maxUsed) {
    const problem = `would take the counter from ${used} past ${maxUsed}`;
    return { error: new TenantryError('amount_invalid', { amount: String(amount), problem }) };
  }
  const reason = entitlement.kind === 'limit' ? 'limit_reached' : 'quota_exceeded';
  const state = meterState(entitlement, used, resetsAt);
  return { result: { ok: false, reason: closed ?? reason, requested: amount, ...state } };
}

/** What a statement found of a tenant, which must exist. */
export function found<Value>(value: Value | undefined, tenantId: string): Value {
  if (value === undefined) throw new TenantryError('tenant_not_found', { tenant: tenantId });
  return value;
}

/** What each member among the callers wishes for. */
export function membersOf(asks: readonly Ask[]): readonly MemberUnits[] {
  if (asks.every(({ memberId }) => memberId === undefined)) return [];
  const units = new Map<string, number>();
  for (const { memberId, amount } of asks) {
    if (memberId !== undefined) units.set(memberId, (units.get(memberId) ?? 0) + amount);
  }
  return [...units].map(([memberId, sum]) => ({ memberId, units: sum }));
}

/** What is written down by the hour. */
export type Written = Pick<TakeConditions, 'hour' | 'hours'>;

const nothing: Written = { hour: null, hours: [] };

/**
 * What is written down of callers by the hour: their sum on the counter itself, where it is the running hour, and beside it
 * what each member and key among them wishes for.
 */
export function writtenOf(
  { history, now, late = false }: Batch,
  kind: Entitlement['kind'],
  asks: readonly Ask[],
): Written {
  if (!history || kind !== 'quota') return nothing;
  const hour = late ? null : hourAt(now);
  if (!late && asks.every(({ memberId, keyId }) => memberId === undefined && keyId === undefined))
    return { hour, hours: [] };
  const units = new Map<string, number>();
  const add = (subject: string, amount: number): void => void units.set(subject, (units.get(subject) ?? 0) + amount);
  for (const { amount, memberId, keyId } of asks) {
    if (late) add('', amount);
    if (memberId !== undefined) add(memberSubject(memberId), amount);
    if (keyId !== undefined) add(keySubject(keyId), amount);
  }
  return { hour, hours: Array.from(units, ([subject, sum]) => ({ subject, units: sum })) };
}

const hourLength = 3_600_000;
/** So far clocks may go apart without disputing which hour it is. */
const apart = 60_000;

function hourAt(now: Date): Hour {
  const time = now.getTime();
  return { start: startOfHour(time), latest: startOfHour(time + apart) };
}

function startOfHour(time: number): Date {
  return new Date(time - (time % hourLength));
}

/** Under which subjects the units of a caller are written down. */
export function subjectsOf({ memberId, keyId }: Ask): readonly string[] {
  return [
    '',
    ...(memberId === undefined ? [] : [memberSubject(memberId)]),
    ...(keyId === undefined ? [] : [keySubject(keyId)]),
  ];
}

const memberSubject = (memberId: string): string => `m:${memberId}`;
const keySubject = (keyId: string): string => `k:${keyId}`;
