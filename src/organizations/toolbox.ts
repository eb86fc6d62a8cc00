import { type Actor, type Clock, type Ids, systemClock, uuidv7 } from '../core/index.ts';
import { type AnyDatabase, type CallOptions, inTransaction, type ModuleDeps } from '../database/index.ts';
import { type Authority, readAuthority, rolesBeyond } from './authority.ts';
import type { OrganizationEvent } from './events.ts';
import type { SeatOutcome } from './member-outcome.ts';
import type { RoleBook } from './roles.ts';
import type { SeatRule } from './seat-rule.ts';

/** Whose access ended, and how. */
export interface EndedAccess {
  readonly tenantId: string;
  readonly memberId: string;
  readonly userId: string;
  /** A suspended member may come back as they were; a removed one begins anew. */
  readonly how: 'suspended' | 'removed';
}

/** Cuts what a member still holds, such as sessions, in the transaction that ended the access. */
export type CutAccess = (ended: EndedAccess, tx: AnyDatabase) => Promise<void>;

/** An event before it has its id and time. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'id' | 'occurredAt' | 'actor'> : never;

/** What all parts of the module share. */
export interface Toolbox {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly roles: RoleBook;
  readonly seatRule: SeatRule;
  readonly cutAccess: CutAccess | undefined;
  /** Runs a change: in a transaction where events are written with it, or where `always` says so. */
  readonly changing: <Result>(
    options: CallOptions | undefined,
    work: (tx: AnyDatabase) => Promise<Result>,
    always?: boolean,
  ) => Promise<Result>;
  /** Hands an event to the sink, stamped with id and time. */
  readonly publish: (event: Unstamped<OrganizationEvent>, tx: AnyDatabase, by: Actor | undefined) => Promise<void>;
  /** Tells what became of seats and of invitations that lapsed. */
  readonly publishSeats: (
    tenantId: string,
    outcome: SeatOutcome,
    tx: AnyDatabase,
    by: Actor | undefined,
  ) => Promise<void>;
  /** Reads who acts in an organization. */
  readonly authorityOf: (db: AnyDatabase, tenantId: string, by: Actor | undefined) => Promise<Authority>;
  /** The known roles that are beyond whoever acts. */
  readonly beyond: (authority: Authority) => readonly string[];
}

/** Makes what all parts of the module share. */
export function createToolbox(
  { db, clock = systemClock, ids = uuidv7, events }: ModuleDeps<OrganizationEvent>,
  { roles, seatRule, cutAccess }: Pick<Toolbox, 'roles' | 'seatRule' | 'cutAccess'>,
): Toolbox {
  const publish: Toolbox['publish'] = async (event, tx, by) =>
    events?.({ id: ids(), occurredAt: clock(), ...(by !== undefined && { actor: by }), ...event }, tx);

  return {
    db,
    clock,
    ids,
    roles,
    seatRule,
    cutAccess,
    publish,
    changing: (options, work, always = false) =>
      events === undefined && !always ? work(options?.db ?? db) : inTransaction(db, options?.db, work),

    async publishSeats(tenantId, { bought, taken, previousTaken, held, previousHeld, lapsed }, tx, by) {
      for (const { id: invitationId, email, role } of lapsed) {
        await publish({ name: 'invitation.expired', tenantId, data: { invitationId, email, role } }, tx, undefined);
      }
      if (taken === previousTaken && held === previousHeld) return;
      const data = { bought, taken, held, previousBought: bought, previousTaken, previousHeld };
      await publish({ name: 'seats.changed', tenantId, data }, tx, by);
    },

    authorityOf: (handle, tenantId, by) => readAuthority(handle, roles, tenantId, by, clock()),
    beyond: (authority) => rolesBeyond(roles, authority),
  };
}
