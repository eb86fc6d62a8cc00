import { periodOf } from '../../src/core/period-of.ts';

/** How grants are made in the model. */
export interface ModelGrant {
  readonly amount: number;
  readonly spare: number;
  readonly priority: number;
  readonly days: number | null;
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
  readonly priority: number;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly rollover: ModelGrant['rollover'];
  balance: number;
  period: number;
}

/** A quota per month with grants and reservations, as simply as it can be said: one caller, no database. */
export function createModel(amount: number, overage: number, anchor: Date) {
  let now = anchor.getTime();
  let places = 0;
  const used = new Map<number, number>();
  const grants: Stored[] = [];
  const held: Held[] = [];
  const keys = new Map<string, number>();

  const period = (): number => periodOf(anchor, 'month', new Date(now)).start.getTime();
  const usedNow = (): number => used.get(period()) ?? 0;

  function left(grant: Stored): number {
    const { rollover, balance } = grant;
    if (rollover === null || grant.period >= period()) return balance;
    return Math.min(rollover.max, Math.max(balance, rollover.min));
  }

  function live(): Stored[] {
    return grants
      .filter(({ expiresAt, createdAt }) => createdAt <= now && (expiresAt === null || expiresAt > now))
      .toSorted(
        (a, b) =>
          a.priority - b.priority ||
          (a.expiresAt ?? Number.POSITIVE_INFINITY) - (b.expiresAt ?? Number.POSITIVE_INFINITY) ||
          a.createdAt - b.createdAt ||
          a.place - b.place ||
          0,
      );
  }

  const granted = (): number => live().reduce((sum, grant) => sum + left(grant), 0);
  const room = (): number =>
    Math.max(0, amount - usedNow()) + granted() + Math.max(0, amount + overage - Math.max(usedNow(), amount));

  function settle(reservation: Held, keep: number, status: Held['status']): void {
    let kept = keep;
    for (const { grant, units } of reservation.parts) {
      const stays = Math.min(units, kept);
      kept -= stays;
      if (grant === null) {
        used.set(reservation.period, Math.max(0, (used.get(reservation.period) ?? 0) - (units - stays)));
      } else grant.balance += units - stays;
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

  function take(units: number): Held['parts'] | null {
    if (units > room()) return null;
    const fromPlan = Math.min(units, Math.max(0, amount - usedNow()));
    let rest = units - fromPlan;
    const parts: { grant: Stored | null; units: number }[] = [{ grant: null, units: fromPlan }];
    for (const grant of live()) {
      const burnt = Math.min(left(grant), rest);
      if (burnt === 0) continue;
      grant.balance = left(grant) - burnt;
      grant.period = period();
      rest -= burnt;
      parts.push({ grant, units: burnt });
    }
    parts.push({ grant: null, units: rest });
    used.set(period(), usedNow() + fromPlan + rest);
    return parts;
  }

  return {
    get state() {
      expire();
      return { used: usedNow(), granted: granted(), room: room() };
    },
    advance(milliseconds: number) {
      now += milliseconds;
    },
    grant({ amount: units, spare, priority, days, rollover }: ModelGrant) {
      const expiresAt = days === null ? null : now + days * 86_400_000;
      const common = { priority, expiresAt, period: now };
      places += 1;
      grants.push({ ...common, rollover, createdAt: now, place: places, balance: units });
      places += 1;
      // Spare units begin with the others and are only sorted after them.
      if (spare > 0) grants.push({ ...common, rollover: null, createdAt: now + 1, place: places, balance: spare });
    },
    consume(units: number, key?: string): 'ok' | 'replayed' | 'refused' | 'invalid' {
      expire();
      if (key !== undefined && keys.has(key)) return keys.get(key) === units ? 'replayed' : 'invalid';
      if (take(units) === null) return 'refused';
      if (key !== undefined) keys.set(key, units);
      return 'ok';
    },
    hold(units: number, seconds: number, onExpiry: Held['onExpiry']): boolean {
      expire();
      const at = period();
      const parts = take(units);
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
