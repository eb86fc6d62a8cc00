import { type Actor, type Clock, type EventSink, type Ids, platformId } from '../core/index.ts';
import { type AnyDatabase, type CallOptions, inTransaction } from '../database/index.ts';
import type { AuthEvent } from './events.ts';
import type { Mailer } from './mail/mailer.ts';
import type { Passwords } from './passwords/passwords.ts';

/** An event before it has its id, time and tenant. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'id' | 'occurredAt' | 'actor' | 'tenantId'> : never;

/** Options of what may be done for somebody else. */
export interface ActOptions extends CallOptions {
  /** Who does it; the program itself when absent. */
  readonly by?: Actor;
}

/** What all parts of the module share. */
export interface Toolbox {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly passwords: Passwords;
  readonly mailer: Mailer;
  /** Runs a change in a transaction: the caller's, or a new one. */
  readonly changing: <Result>(
    options: CallOptions | undefined,
    work: (tx: AnyDatabase) => Promise<Result>,
  ) => Promise<Result>;
  /** Tells what happened, as the tenant's; as the platform's where there is none. */
  readonly publish: (
    tenantId: string | null,
    event: Unstamped<AuthEvent>,
    tx: AnyDatabase,
    by?: Actor,
  ) => Promise<void>;
}

/** The sinks of events: of tenants, and of the platform. */
export interface AuthSinks {
  readonly events: EventSink<AuthEvent, AnyDatabase> | undefined;
  readonly platformEvents: EventSink<AuthEvent, AnyDatabase> | undefined;
}

/** Makes what all parts of the module share. */
export function createToolbox(
  parts: Omit<Toolbox, 'changing' | 'publish'>,
  { events, platformEvents }: AuthSinks,
): Toolbox {
  return {
    ...parts,
    changing: (options, work) => inTransaction(parts.db, options?.db, work),
    async publish(tenantId, event, tx, by) {
      const stamp = { id: parts.ids(), occurredAt: parts.clock(), ...(by !== undefined && { actor: by }) };
      if (tenantId === null) await platformEvents?.({ ...stamp, tenantId: platformId, ...event }, tx);
      else await events?.({ ...stamp, tenantId, ...event }, tx);
    },
  };
}
