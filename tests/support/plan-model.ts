import { periodOf } from '../../src/core/period-of.ts';

/** How grants are made in the model. */
export interface ModelGrant {
  readonly amount: number;
  readonly spare: number;
  readonly priority: number;
  readonly days: number | null;
  /** In how many days it begins. */
  readonly startsIn: number;
  readonly rollover: { readonly min: number; readonly max: number } | null;
}

interface Held {
  readonly parts: readonly { readonly grant: Stored | null; readonly units: number }[];
  readonly units: number;
  readonly period: number;
  readonly expiresAt: number;
  readonly onExpiry: 'release' | 'commit';
  status: 'held' | 'committed' | 'released' | 'expired';
  committed: number;
}

interface Stored {
  readonly place: number;
  /** The number of the pack, from 0. */
  readonly pack: number;
  readonly priority: number;
  readonly createdAt: number;
  readonly startsAt: number;
  readonly expiresAt: number | null;
  readonly rollover: ModelGrant['rollover'];
  balance: number;
  period: number;
  revoked: boolean;
}

/** A quota per month with grants and reservations, as simply as it can be said: one caller, no database. */
export function createModel(amount: number, overage: number, anchor: Date) {
  let now = anchor.getTime();
  let places = 0;
  let packs = 0;
  const used = new Map<number, number>();
  const grants: Stored[] = [];
  const held: Held[] = [];
  const keys = new Map<string, number>();

  const period = (at: number): number => periodOf(anchor, 'month', new Date(at)).start.getTime();
  const usedAt = (at: number): number => used.get(period(at)) ?? 0;

  function left(grant: Stored, at: number): number {
    const { rollover, balance } = grant;
    if (rollover === null || grant.period >= period(at)) return balance;
    return Math.min(rollover.max, Math.max(balance, rollover.min));
  }

  function live(at: number, pack?: number): Stored[] {
    return grants
      .filter((grant) => pack === undefined || grant.pack === pack)
      .filter(
        ({ expiresAt, startsAt, revoked }) => !revoked && startsAt <= at && (expiresAt === null || expiresAt > at),
      )
      .toSorted(
        (a, b) =>
          a.priority - b.priority ||
          (a.expiresAt ?? Number.POSITIVE_INFINITY) - (b.expiresAt ?? Number.POSITIVE_INFINITY) ||
          a.createdAt - b.createdAt ||
          a.place - b.place ||
          0,
      );
  }

  const granted = (at: number, pack?: number): number =>
    live(at, pack).reduce((sum, grant) => sum + left(grant, at), 0);
  const room = (at: number): number =>
    Math.max(0, amount - usedAt(at)) + granted(at) + Math.max(0, amount + overage - Math.max(usedAt(at), amount));

  function settle(reservation: Held, keep: number, status: Held['status']): void {
    let kept = keep;
    for (const { grant, units } of reservation.parts) {
      const stays = Math.min(units, kept);
      kept -= stays;
      if (grant === null) {
        used.set(reservation.period, Math.max(0, (used.get(reservation.period) ?? 0) - (units - stays)));
      } else if (!grant.revoked) grant.balance += units - stays;
    }
    reservation.status = status;
    reservation.committed = keep;
  }

  function expire(): void {
    for (const one of held) {
      if (one.status !== 'held' || one.expiresAt > now) continue;
      if (one.onExpiry === 'commit') settle(one, one.units, 'committed');
      else settle(one, 0, 'expired');
    }
  }

  function take(units: number, at: number, pack?: number): Held['parts'] | null {
    if (units > (pack === undefined ? room(at) : granted(at, pack))) return null;
    const fromPlan = pack === undefined ? Math.min(units, Math.max(0, amount - usedAt(at))) : 0;
    let rest = units - fromPlan;
    const parts: { grant: Stored | null; units: number }[] = [{ grant: null, units: fromPlan }];
    for (const grant of live(at, pack)) {
      const burnt = Math.min(left(grant, at), rest);
      if (burnt === 0) continue;
      grant.balance = left(grant, at) - burnt;
      grant.period = Math.max(grant.period, period(at));
      rest -= burnt;
      parts.push({ grant, units: burnt });
    }
    parts.push({ grant: null, units: rest });
    used.set(period(at), usedAt(at) + fromPlan + rest);
    return parts;
  }

  return {
    get state() {
      expire();
      return { used: usedAt(now), granted: granted(now), room: room(now) };
    },
    advance(milliseconds: number) {
      now += milliseconds;
    },
    grant({ amount: units, spare, priority, days, startsIn, rollover }: ModelGrant) {
      const startsAt = now + startsIn * 86_400_000;
      const expiresAt = days === null ? null : startsAt + days * 86_400_000;
      const common = { priority, startsAt, expiresAt, period: startsAt, revoked: false, pack: packs };
      packs += 1;
      places += 1;
      grants.push({ ...common, rollover, createdAt: now, place: places, balance: units });
      places += 1;
      // Spare units begin with the others and are only sorted after them.
      if (spare > 0) grants.push({ ...common, rollover: null, createdAt: now + 1, place: places, balance: spare });
    },
    /** Takes away what is left of the grant that was made at a place among all, spare ones included; gives what it was. */
    revoke(index: number): number {
      const grant = grants[index];
      if (grant === undefined) return -1;
      const { balance } = grant;
      Object.assign(grant, { balance: 0, revoked: true });
      return balance;
    },
    /** Uses units now, or so many milliseconds ago; of one pack alone, where that is said. */
    consume(
      units: number,
      {
        key,
        late = 0,
        pack,
      }: { readonly key?: string | undefined; readonly late?: number; readonly pack?: number | undefined },
    ): 'ok' | 'replayed' | 'refused' | 'invalid' {
      expire();
      if (key !== undefined && keys.has(key)) return keys.get(key) === units ? 'replayed' : 'invalid';
      if (take(units, now - late, pack) === null) return 'refused';
      if (key !== undefined) keys.set(key, units);
      return 'ok';
    },
    hold(units: number, seconds: number, onExpiry: Held['onExpiry']): boolean {
      expire();
      const at = period(now);
      const parts = take(units, now);
      if (parts === null) return false;
      const expiresAt = now + seconds * 1000;
      held.push({ parts, units, period: at, expiresAt, onExpiry, status: 'held', committed: 0 });
      return true;
    },
    settle(index: number, keep: number): string {
      expire();
      const one = held[index];
      if (one === undefined) return 'none';
      if (one.status === 'held') {
        settle(one, keep, keep > 0 ? 'committed' : 'released');
        return 'ok';
      }
      if (one.status === 'expired') return 'reservation_expired';
      return one.committed === keep ? 'ok' : 'reservation_settled';
    },
    get holds() {
      return held;
    },
  };
}
