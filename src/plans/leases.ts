import { checkAmount, maxUsed } from './amount.ts';
import { whole } from './check-shape.ts';
import type { Lease, LeaseOptions, LeaseResult, Leases } from './leases-interface.ts';
import type { HoldResult, Reservations } from './reservations-interface.ts';
import type { Toolbox } from './toolbox.ts';

/** Units of a reservation that are used from. */
interface Block {
  readonly id: string;
  readonly units: number;
  left: number;
  /** Until when they may be used: a block is of one period, and of a short time. */
  readonly until: number;
  readonly timer: NodeJS.Timeout;
}

interface Waiting {
  readonly amount: number;
  readonly resolve: (result: LeaseResult) => void;
  readonly reject: (error: unknown) => void;
}

const mostSeconds = 3600;

/** Makes what takes units ahead: a block is a reservation that is taken for used when its process never settles it. */
export function createLeases(
  { clock, checkMeter }: Pick<Toolbox, 'clock' | 'checkMeter'>,
  reservations: Pick<Reservations, 'hold' | 'commit'>,
): Leases {
  const open = new Set<Lease>();

  function make(tenantId: string, quota: string, { block: size, seconds = 60 }: LeaseOptions): Lease {
    let block: Block | undefined;
    /** What was used of a block is told as often as it takes to be heard: the same each time. */
    let ending: { readonly id: string; readonly used: number } | undefined;
    let waiting: Waiting[] = [];
    let filling = false;

    function running(): Block | undefined {
      return block !== undefined && clock().getTime() < block.until ? block : undefined;
    }

    async function end(): Promise<void> {
      while (block !== undefined || ending !== undefined) {
        if (ending === undefined && block !== undefined) {
          clearTimeout(block.timer);
          ending = { id: block.id, used: block.units - block.left };
          block = undefined;
        }
        const told = ending;
        if (told === undefined) continue;
        await reservations.commit(tenantId, told.id, told.used);
        if (ending === told) ending = undefined;
      }
      open.delete(lease);
    }

    async function hold(units: number): Promise<HoldResult> {
      const held = await reservations.hold(tenantId, quota, units, { seconds: 2 * seconds + 30, onExpiry: 'commit' });
      if (held.ok) {
        const until = Math.min(
          clock().getTime() + seconds * 1000,
          held.resetsAt?.getTime() ?? Number.POSITIVE_INFINITY,
        );
        const timer = setTimeout(() => void lease.settle().catch(() => undefined), seconds * 1000);
        timer.unref();
        block = { id: held.reservationId, units, left: units, until, timer };
        open.add(lease);
      }
      return held;
    }

    /** Takes what the waiting calls need, and a block at least; what fits of that where it does not. */
    async function refill(first: Waiting): Promise<HoldResult> {
      const needed = waiting.reduce((sum, { amount }) => Math.min(maxUsed, sum + amount), 0);
      const wanted = Math.max(size, needed);
      const held = await hold(wanted);
      if (held.ok || wanted === first.amount) return held;
      const fits = held.remaining === 'unlimited' ? wanted : Math.min(held.remaining, wanted);
      return hold(Math.max(first.amount, fits));
    }

    async function fill(): Promise<void> {
      filling = true;
      try {
        for (;;) {
          serveFrom(running());
          const [first] = waiting;
          if (first === undefined) return;
          await end();
          const held = await refill(first);
          if (!held.ok) {
            waiting.shift();
            first.resolve({ ...held, requested: first.amount });
          }
        }
      } catch (error) {
        for (const { reject } of waiting.splice(0)) reject(error);
      } finally {
        filling = false;
      }
    }

    function serveFrom(current: Block | undefined): void {
      if (current === undefined) return;
      const rest: Waiting[] = [];
      for (const one of waiting) {
        if (one.amount <= current.left) {
          current.left -= one.amount;
          one.resolve({ ok: true, left: current.left });
        } else rest.push(one);
      }
      waiting = rest;
    }

    const lease: Lease = {
      get left() {
        return running()?.left ?? 0;
      },
      async consume(amount = 1) {
        checkAmount(amount);
        const current = filling ? undefined : running();
        if (current !== undefined && amount <= current.left) {
          current.left -= amount;
          return { ok: true, left: current.left };
        }
        return new Promise((resolve, reject) => {
          waiting.push({ amount, resolve, reject });
          if (!filling) void fill();
        });
      },
      settle: () => end(),
    };
    return lease;
  }

  return {
    open(tenantId, quota, options) {
      checkMeter('plans.leases.open', tenantId, quota, 'quota');
      checkAmount(options.block);
      whole('seconds', options.seconds ?? 60, 1, mostSeconds);
      return make(tenantId, quota, options);
    },
    async settle() {
      const ended = await Promise.allSettled([...open].map((lease) => lease.settle()));
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
    },
  };
}
