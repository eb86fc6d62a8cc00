/** The channel on which processes tell each other that keys changed. */
export const keyChannel = 'tenantry_keys';

/** The message that keys were made: which keys nobody has must be looked up again. All others are ids of tenants. */
export const keysMade = '+';

/** A message that a listener sends to itself, to see that messages arrive. */
export const pingPrefix = 'ping ';
