import { fields, listOf, oneOf, refuse, whole } from './check-shape.ts';

const most = Number.MAX_SAFE_INTEGER;
const common = ['amount', 'perSeat', 'alerts', 'overage'];
const perWindow = ['hour', 'day', 'week', 'month', 'year'];

/** Checks what a plan says of a limit. */
export function checkLimit(path: string, value: unknown): void {
  if (typeof value !== 'object') {
    checkAmount(path, value);
    return;
  }
  const limit = fields(path, value, [...common, 'freeze']);
  checkMeter(path, limit);
  if (limit.overage !== undefined) oneOf(`${path}.overage`, limit.overage, ['refuse', 'allow']);
  if (limit.freeze !== undefined) oneOf(`${path}.freeze`, limit.freeze, ['newest', 'oldest']);
}

/** Checks what a plan says of a quota. */
export function checkQuota(path: string, value: unknown): void {
  const quota = fields(path, value, [...common, 'per', 'every', 'from', 'overageAtMost', 'within']);
  checkMeter(path, quota);
  oneOf(`${path}.per`, quota.per, [...perWindow, 'once']);
  checkEvery(path, quota.every);
  if (quota.every !== undefined && quota.per === 'once') refuse(`${path}.every`, "has no meaning with per: 'once'");
  if (quota.from !== undefined) oneOf(`${path}.from`, quota.from, ['anchor', 'calendar']);
  if (quota.overage !== undefined) oneOf(`${path}.overage`, quota.overage, ['refuse', 'bill', 'allow']);
  if (quota.overageAtMost !== undefined) {
    whole(`${path}.overageAtMost`, quota.overageAtMost, 0, most);
    if (quota.overage !== 'bill' && quota.overage !== 'allow') {
      refuse(`${path}.overageAtMost`, "needs overage: 'bill' or 'allow'");
    }
  }
  if (quota.within !== undefined) checkWindows(`${path}.within`, quota.within);
}

function checkWindows(path: string, value: unknown): void {
  const seen = new Set<string>();
  listOf(path, value, (at, item) => {
    const window = fields(at, item, ['amount', 'per', 'every']);
    whole(`${at}.amount`, window.amount, 0, most);
    oneOf(`${at}.per`, window.per, perWindow);
    checkEvery(at, window.every);
    const length = `${String(window.every ?? 1)} ${String(window.per)}`;
    if (seen.has(length)) refuse(at, 'is as long as another window');
    seen.add(length);
  });
  if (seen.size > 2) refuse(path, 'two windows at most');
}

function checkEvery(path: string, every: unknown): void {
  if (every !== undefined) whole(`${path}.every`, every, 1, 1000);
}

function checkMeter(path: string, meter: Readonly<Record<string, unknown>>): void {
  checkAmount(`${path}.amount`, meter.amount);
  if (meter.alerts !== undefined) {
    listOf(`${path}.alerts`, meter.alerts, (at, percentage) => whole(at, percentage, 1, 1000));
    if (Array.isArray(meter.alerts) && meter.alerts.length > 20) refuse(`${path}.alerts`, '20 percentages at most');
  }
  if (meter.perSeat === undefined) return;
  if (typeof meter.perSeat !== 'boolean') refuse(`${path}.perSeat`, 'must be true or false');
  if (meter.perSeat && meter.amount === 'unlimited') refuse(`${path}.perSeat`, "cannot multiply 'unlimited'");
}

/** Checks an amount of a catalogue. */
export function checkAmount(path: string, amount: unknown): void {
  if (amount === 'unlimited') return;
  if (typeof amount !== 'number') refuse(path, "must be a number or 'unlimited'");
  whole(path, amount, 0, most);
}
