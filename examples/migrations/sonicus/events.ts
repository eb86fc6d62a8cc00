/**
 * What the events of organizations are called afterwards. Those without a successor told of things that are no more.
 */
export const successorOf = {
  'organization.user_added': 'user.registered',
  'organization.user_removed': 'user.deleted',
  'organization.user_updated': 'user.updated',
  'organization.updated': 'user.updated',
  'organization.subscription_created': 'user.subscribed',
  'organization.subscription_updated': 'user.subscription_updated',
  'organization.subscription_canceled': 'user.unsubscribed',
  'organization.package_assigned': 'user.package_granted',
  'organization.package_removed': 'user.package_revoked',
} as const satisfies Readonly<Record<`organization.${string}`, `user.${string}`>>;

/** An event of the new application. */
export type UserEvent = (typeof successorOf)[keyof typeof successorOf] | 'session.completed';

const successors: ReadonlyMap<string, string> = new Map(Object.entries(successorOf));

/** The name of an event afterwards; names that have no successor stay as they are. */
export function currentName(event: string): string {
  return successors.get(event.trim().toLowerCase()) ?? event.trim().toLowerCase();
}

/** Everything that an event is subscribed to as while both names are valid: its own name and those it succeeded. */
export function namesOf(event: string): string[] {
  return [event, ...[...successors].filter(([, after]) => after === event).map(([before]) => before)];
}

/** One message to an endpoint. */
export interface EventMessage {
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/**
 * What an endpoint is sent of an event: under the name that it subscribed to, so that a receiver which only knows the old
 * names goes on working, and once only where it subscribed to both. NULL when it did not subscribe. The payload is the
 * flat one of the new application: a user and what happened, without an organization around it.
 */
export function messageFor(
  endpoint: { readonly events: readonly string[] },
  event: { readonly name: UserEvent; readonly userId: string; readonly data: Readonly<Record<string, unknown>> },
): EventMessage | null {
  const wanted = new Set(endpoint.events.map((name) => name.trim().toLowerCase()));
  const name = namesOf(event.name).find((candidate) => wanted.has(candidate));
  return name === undefined ? null : { name, payload: { event: name, user_id: event.userId, ...event.data } };
}

/** The subscriptions of an endpoint under the new names alone, each once: for the day when the old names end. */
export function currentNames(events: readonly string[]): string[] {
  return [...new Set(events.map(currentName))];
}
