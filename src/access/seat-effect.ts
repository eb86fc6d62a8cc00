import { type SeatPolicy, seatStanding } from '../core/index.ts';
import type { ExceededSeats } from '../database/member-facts.ts';

/** What it means for a request that an organization takes more seats than it bought. */
export type SeatEffect = 'none' | 'refuse' | 'read-only';

/** Who comes with a request. */
export interface SeatTaker {
  /** Whether an owner acts, and not by a key. */
  readonly owner: boolean;
  /** Reads the place of the member among those who take a seat; absent where no member acts. */
  readonly placeOf: (() => Promise<number>) | undefined;
}

/** Tells what becomes of a request. An owner always gets in by a session: somebody must be able to buy seats. */
export async function seatEffect(
  policy: SeatPolicy,
  exceeded: ExceededSeats | null,
  { owner, placeOf }: SeatTaker,
  now: Date,
): Promise<SeatEffect> {
  if (exceeded === null) return 'none';
  const standing = seatStanding(policy, exceeded, now);
  if (standing === 'block') return owner ? 'none' : 'refuse';
  if (standing !== 'read-only' || placeOf === undefined) return 'none';
  return (await placeOf()) > exceeded.bought ? 'read-only' : 'none';
}
