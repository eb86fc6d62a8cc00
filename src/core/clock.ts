/** Tells the present time. Hand one in to freeze or steer time in tests. */
export type Clock = () => Date;

/**
 * The machine's clock.
 *
 * @example
 * ```ts
 * import { systemClock } from 'tenantry/core';
 *
 * systemClock(); // now, as a Date
 * ```
 */
export const systemClock: Clock = () => new Date();
