import { sql } from 'kysely';
import { trusted } from 'tenantry';
import type { DayOfCalls } from '../chart.ts';
import type { Outcome } from '../data.ts';
import type { ReceptionistAccess } from '../receptionist.ts';

const day = 86_400_000;

/** Which calls are wanted. */
export interface CallsWanted {
  readonly most: number;
  readonly outcome?: Outcome | undefined;
  readonly bot?: string | undefined;
  /** The calls before this one, by its time and id. */
  readonly before?: { readonly at: Date; readonly id: string } | undefined;
}

/** Reads calls, the newest first. The scope keeps the query to the tenant. */
export function newestCalls({ db }: ReceptionistAccess, { most, outcome, bot, before }: CallsWanted) {
  return db
    .selectFrom('calls')
    .innerJoin('bots', 'bots.id', 'calls.bot_id')
    .select(['calls.id', 'calls.started_at', 'bots.name', 'calls.caller', 'calls.seconds'])
    .select(['calls.outcome', 'calls.order_cents'])
    .$if(outcome !== undefined, (query) => query.where('calls.outcome', '=', outcome ?? 'answered'))
    .$if(bot !== undefined, (query) => query.where('calls.bot_id', '=', bot ?? ''))
    .$if(before !== undefined, (query) =>
      query.where((eb) =>
        eb.or([
          eb('calls.started_at', '<', before?.at ?? new Date()),
          eb.and([eb('calls.started_at', '=', before?.at ?? new Date()), eb('calls.id', '<', before?.id ?? '')]),
        ]),
      ),
    )
    .orderBy('calls.started_at', 'desc')
    .orderBy('calls.id', 'desc')
    .limit(most)
    .execute();
}

/** Counts the calls of the last days, today among them; days are those of UTC. */
export async function callsByDay({ db }: ReceptionistAccess, count: number): Promise<DayOfCalls[]> {
  const today = Math.floor(Date.now() / day) * day;
  const from = new Date(today - (count - 1) * day);
  // The texts are ours alone, so the scope may let them pass.
  const date = trusted(sql<string>`to_char(started_at at time zone 'UTC', 'YYYY-MM-DD')`);
  const missed = trusted(sql<string>`count(*) filter (where outcome = 'missed')`);
  const rows = await db
    .selectFrom('calls')
    .select((eb) => [date.as('day'), missed.as('missed'), eb.fn.countAll<string>().as('all')])
    .where('started_at', '>=', from)
    .groupBy(date)
    .execute();
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(from.getTime() + index * day);
    const found = rows.find((row) => row.day === at.toISOString().slice(0, 10));
    const lost = Number(found?.missed ?? 0);
    return { day: at, answered: Number(found?.all ?? 0) - lost, missed: lost };
  });
}

/** Sums the orders up since a moment. */
export async function ordersSince({ db }: ReceptionistAccess, since: Date) {
  const { count, cents } = await db
    .selectFrom('calls')
    .select((eb) => [eb.fn.countAll<string>().as('count'), eb.fn.sum<string | null>('order_cents').as('cents')])
    .where('outcome', '=', 'order')
    .where('started_at', '>=', since)
    .executeTakeFirstOrThrow();
  return { count: Number(count), cents: Number(cents ?? 0) };
}

/** Tells of each bot what it did since a moment. */
export async function callsByBot({ db }: ReceptionistAccess, since: Date) {
  const missed = trusted(sql<string>`count(*) filter (where outcome = 'missed')`);
  const orders = trusted(sql<string>`count(*) filter (where outcome = 'order')`);
  const seconds = trusted(sql<string | null>`avg(seconds) filter (where outcome <> 'missed')`);
  const rows = await db
    .selectFrom('calls')
    .innerJoin('bots', 'bots.id', 'calls.bot_id')
    .select((eb) => ['bots.name', eb.fn.countAll<string>().as('calls'), missed.as('missed'), orders.as('orders')])
    .select((eb) => [seconds.as('seconds'), eb.fn.sum<string | null>('calls.order_cents').as('cents')])
    .where('calls.started_at', '>=', since)
    .groupBy(['bots.id', 'bots.name'])
    .orderBy('bots.name')
    .execute();
  return rows.map(({ name, ...row }) => ({
    name,
    calls: Number(row.calls),
    missed: Number(row.missed),
    orders: Number(row.orders),
    seconds: Math.round(Number(row.seconds ?? 0)),
    cents: Number(row.cents ?? 0),
  }));
}
