import type { Ground } from '../ground.ts';
import type { MeterEvent } from '../provider/document.ts';
import { noteTelling, readTelling, type Telling } from './telling-store.ts';

/** For how long an identifier is surely remembered; Stripe says 24 hours at least. */
const rememberedMilliseconds = 23 * 3_600_000;

/** Tells the provider of usage, unless it has it already. */
export type TellOnce = (event: MeterEvent, tell: () => Promise<void>) => Promise<void>;

/**
 * Makes what tells the provider of each usage once, however late it is tried again after an answer that was lost. Within a
 * day the provider knows the identifier. For later there is a record of our own: what the provider said that it has is not
 * told again, and of what is not known the provider is asked how much it counted in the minutes in which it was tried.
 */
export function createTellOnce(
  { db, clock, provider }: Pick<Ground, 'db' | 'clock' | 'provider'>,
  tenantId: string,
): TellOnce {
  async function counted({ customerId, eventName, units }: MeterEvent, before: Telling): Promise<boolean> {
    const { from, to } = before;
    const sum = (await provider.metered?.({ customerId, eventName, from, to })) ?? 0;
    // Nothing is forgotten while something is not known, so what else was told in these minutes is all there.
    const others = [...(await readTelling(db, tenantId)).values()].filter(
      (other) =>
        other.told &&
        other.eventName === eventName &&
        minuteOf(other.from) >= minuteOf(from) &&
        minuteOf(other.to) <= minuteOf(to),
    );
    return sum - others.reduce((all, other) => all + other.units, 0) >= units;
  }

  return async (event, tell) => {
    const { identifier, eventName, units, at } = event;
    const now = clock();
    const before = (await readTelling(db, tenantId)).get(identifier);
    if (before?.told === true) return;
    const note = (telling: Omit<Telling, 'eventName' | 'units'>) =>
      noteTelling(db, tenantId, identifier, { eventName, units, ...telling }, now);
    const late = before !== undefined && now.getTime() - before.since.getTime() > rememberedMilliseconds;
    if (late && (await counted(event, before))) return note({ ...before, told: true });
    const first = before === undefined || late ? { since: now, from: at } : before;
    const times = [first.from, at, ...(late || before === undefined ? [] : [before.to])].map((time) => time.getTime());
    const trying = { since: first.since, from: new Date(Math.min(...times)), to: new Date(Math.max(...times)) };
    await note({ ...trying, told: false });
    await tell();
    await note({ ...trying, told: true });
  };
}

function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / 60_000);
}
