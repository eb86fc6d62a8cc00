/** The channel on which processes tell each other that keys changed. */
export const keyChannel = 'tenantry_keys';

/** The message that keys were made: which keys nobody has must be looked up again. All others are ids of tenants. */
export const keysMade = '+';

/** A message that a listener sends to itself, to see that messages arrive. */
export const pingPrefix = 'ping ';

/** What a relay tells when it may have missed messages. */
export const gapMark = '!';

/** Who sent a message to itself. */
export function pingerOf(payload: string): string {
  return payload.slice(pingPrefix.length).split(' ')[0] ?? '';
}

/** The channel of a Redis on which what somebody sent to itself comes back, for nobody else to be bothered. */
export function pingChannel(channel: string, id: string): string {
  return `${channel}:${id}`;
}
