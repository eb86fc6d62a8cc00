import type { TenantStatus } from '../database/tenant-row.ts';

/** The people side of a tenant with members. */
export interface Organization {
  readonly tenantId: string;
  readonly name: string;
  /** Names the organization among all: lower-case letters and digits, parted by single hyphens. */
  readonly slug: string;
  readonly plan: string;
  readonly status: TenantStatus;
  /** How many seats the organization bought, or may have; null: no cap. */
  readonly seatsBought: number | null;
  /** How many members have a seat: the active and the pending ones, as far as they are billable. */
  readonly seatsTaken: number;
  /** How many seats invitations hold. One that is over holds its seat here until somebody next takes or frees one. */
  readonly seatsHeld: number;
  /** The application's own facts. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

/**
 * What a member is now: `active` members may act; `pending` ones were given a seat and are still to come or to be
 * approved; `requested` ones asked to join and wait for approval, without a seat; `suspended` and `removed` ones have no
 * seat.
 */
export type MemberStatus = 'active' | 'pending' | 'requested' | 'suspended' | 'removed';

/** A user in an organization. */
export interface Member {
  readonly id: string;
  readonly tenantId: string;
  /** The application's id of the user. */
  readonly userId: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly role: string;
  readonly status: MemberStatus;
  /** The user who approved the member; null where nobody did, or the program itself. */
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A member, named by its own id or by the user's. */
export type MemberRef = { readonly tenantId: string } & (
  | { readonly memberId: string; readonly userId?: never }
  | { readonly userId: string; readonly memberId?: never }
);

/** A member after a call that may have changed it, and whether it did. */
export interface MemberChange {
  readonly member: Member;
  readonly changed: boolean;
}

/** The seats of an organization. `bought` and `free` are null where there is no cap. */
export interface Seats {
  readonly bought: number | null;
  /** How many members have one. */
  readonly taken: number;
  /** How many are held by pending invitations. */
  readonly held: number;
  /** How many more fit; 0 when fewer are bought than taken and held. */
  readonly free: number | null;
  /** What it means that fewer are bought than taken; null while there are enough. */
  readonly exceeded: {
    readonly since: Date | null;
    /** Until then all goes on as before; null without days of grace. */
    readonly graceUntil: Date | null;
    readonly standing: 'grace' | 'block' | 'read-only' | 'allow';
  } | null;
}
