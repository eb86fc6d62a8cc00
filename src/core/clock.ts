/** Tells the present time. Hand one in to freeze or steer time in tests. */
export type Clock = () => Date;

/** The machine's clock. */
export const systemClock: Clock = () => new Date();
