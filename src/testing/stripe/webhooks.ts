import { signStripeWebhook } from '../../webhooks/index.ts';
import { present } from './present.ts';
import type { Random } from './random.ts';
import { thinEvent } from './related-object.ts';
import type { EventRow } from './rows.ts';
import type { World } from './world.ts';

/**
 * Receives a webhook: the body exactly as it was signed, and its headers. It answers the HTTP status; an error thrown
 * counts as 500.
 */
export type WebhookHandler = (rawBody: string, headers: Readonly<Record<string, string>>) => Promise<number> | number;

/** How events come: in order and once each, unless this says otherwise. */
export interface DeliveryPolicy {
  /** Events that are due together come in another order. */
  readonly shuffle?: boolean;
  /** Each delivery is late by up to so many seconds of the fake's clock. */
  readonly delay?: number;
  /** The share of events that come twice, from 0 to 1. */
  readonly duplicate?: number;
  /** The share of events that never come, from 0 to 1. */
  readonly lose?: number;
  /** How often a delivery is tried until the status is 2xx; 16 when absent, spread over three days as Stripe's are. */
  readonly attempts?: number;
}

/** Who receives events. */
export interface WebhookConnection {
  readonly handler: WebhookHandler;
  /** The signing secret; `whsec_fake` when absent. */
  readonly secret?: string;
  /** The types that are sent; all when absent. A name may end in `.*`. */
  readonly types?: readonly string[];
  readonly policy?: DeliveryPolicy;
  /** `snapshot` carries the object; `thin` is a notification that only names it. */
  readonly payload?: 'snapshot' | 'thin';
}

/** What became of deliveries. */
export interface DeliveryReport {
  /** Answered with 2xx. */
  readonly delivered: number;
  /** Answered otherwise; they come again. */
  readonly refused: number;
  /** Given up after the last attempt, or lost by the policy. */
  readonly lost: number;
  /** Still to come. */
  readonly waiting: number;
}

/** Signed events on their way. */
export interface FakeWebhooks {
  /** Sends the events that happen from now on to a handler; what comes back ends that. */
  connect(connection: WebhookConnection): () => void;
  /** Changes how the events that happen from now on come. */
  policy(policy: DeliveryPolicy): void;
  /** Delivers what is due now. */
  deliver(): Promise<DeliveryReport>;
  /** Delivers everything that waits, late ones too, until each was answered with 2xx or given up. */
  drain(): Promise<DeliveryReport>;
  /** Sends events of the past again, as the dashboard's "resend" does: all, or those that were never delivered. */
  resend(which?: 'all' | 'undelivered'): void;
  /** How many deliveries are still to come. */
  readonly waiting: number;
}

/** A delivery that is to come. */
interface Delivery {
  readonly event: EventRow;
  readonly to: Connected;
  at: number;
  attempt: number;
}

interface Connected {
  readonly connection: WebhookConnection;
  readonly delivered: Set<string>;
  policy: DeliveryPolicy;
}

const backoff = [60, 300, 1800, 7200, 18_000, 36_000];

/** Makes the delivery of webhooks. */
export function createWebhooks(world: World, random: Random): FakeWebhooks & { nextAt(): number | undefined } {
  const connected = new Set<Connected>();
  let queue: Delivery[] = [];
  let lost = 0;
  let running: Promise<unknown> = Promise.resolve();

  world.listeners.add((event) => {
    for (const to of connected) enqueue(to, event);
  });

  function enqueue(to: Connected, event: EventRow): void {
    const { types } = to.connection;
    if (types !== undefined && !types.some((type) => fits(type, event.type))) return;
    const { lose = 0, duplicate = 0, delay = 0 } = to.policy;
    if (lose > 0 && random.chance(lose)) {
      lost += 1;
      return;
    }
    const copies = duplicate > 0 && random.chance(duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const late = delay > 0 ? Math.floor(random.next() * (delay + 1)) : 0;
      queue.push({ event, to, at: world.now + late, attempt: 0 });
    }
  }

  async function round(until: number): Promise<{ delivered: number; refused: number; lost: number }> {
    const due = queue.filter(({ at }) => at <= until);
    queue = queue.filter(({ at }) => at > until);
    const ordered = due
      .map((delivery, place) => ({ delivery, place }))
      .sort((one, other) => one.delivery.at - other.delivery.at || one.place - other.place)
      .map(({ delivery }) => delivery);
    const shuffled = ordered.some(({ to }) => to.policy.shuffle === true) ? random.shuffle(ordered) : ordered;
    const report = { delivered: 0, refused: 0, lost: 0 };
    for (const delivery of shuffled) {
      const status = await send(delivery);
      if (status >= 200 && status < 300) {
        delivery.to.delivered.add(delivery.event.id);
        report.delivered += 1;
        continue;
      }
      report.refused += 1;
      delivery.attempt += 1;
      if (delivery.attempt >= (delivery.to.policy.attempts ?? 16)) {
        report.lost += 1;
        continue;
      }
      delivery.at = world.now + (backoff[delivery.attempt - 1] ?? 43_200);
      queue.push(delivery);
    }
    return report;
  }

  async function send({ event, to }: Delivery): Promise<number> {
    const { handler, secret = 'whsec_fake', payload = 'snapshot' } = to.connection;
    const body = JSON.stringify(payload === 'thin' ? thinEvent(event, world.livemode) : present(world, event), null, 2);
    try {
      return await handler(body, {
        'content-type': 'application/json; charset=utf-8',
        ...signStripeWebhook({ body, secret, timestamp: new Date(world.now * 1000) }),
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
      });
    } catch {
      return 500;
    }
  }

  /** One run after the other: a handler never sees two deliveries of one connection at once. */
  function alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = running.then(work);
    running = next.catch(() => undefined);
    return next;
  }

  return {
    connect(connection) {
      const to: Connected = { connection, delivered: new Set(), policy: connection.policy ?? {} };
      connected.add(to);
      return () => {
        connected.delete(to);
        queue = queue.filter((delivery) => delivery.to !== to);
      };
    },
    policy(policy) {
      for (const to of connected) to.policy = policy;
    },
    deliver: () =>
      alone(async () => {
        const before = lost;
        const report = await round(world.now);
        return { ...report, lost: report.lost + before, waiting: queue.length };
      }),
    drain: () =>
      alone(async () => {
        const total = { delivered: 0, refused: 0, lost };
        while (queue.length > 0) {
          const report = await round(Number.POSITIVE_INFINITY);
          total.delivered += report.delivered;
          total.refused += report.refused;
          total.lost += report.lost;
        }
        return { ...total, waiting: 0 };
      }),
    resend(which = 'all') {
      for (const to of connected) {
        for (const event of world.events.values()) {
          if (which === 'undelivered' && to.delivered.has(event.id)) continue;
          queue.push({ event, to, at: world.now, attempt: 0 });
        }
      }
    },
    get waiting() {
      return queue.length;
    },
    nextAt() {
      return queue.reduce<number | undefined>(
        (first, { at }) => (first === undefined || at < first ? at : first),
        undefined,
      );
    },
  };
}

function fits(wanted: string, type: string): boolean {
  return wanted === type || wanted === '*' || (wanted.endsWith('.*') && type.startsWith(wanted.slice(0, -1)));
}
