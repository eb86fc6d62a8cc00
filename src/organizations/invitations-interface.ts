import type { Page, PageOptions } from '../core/page.ts';
import type { CallOptions } from '../database/index.ts';
import type { ActOptions } from './authority.ts';
import type { Invitation, InvitationStatus } from './invitation-store.ts';
import type { Member } from './organization.ts';

/** How invitations are. */
export interface InvitationsOptions {
  /** For how many days an invitation opens; 7 when absent. */
  readonly days?: number;
}

/** Who is invited, and as what. */
export interface InviteInput<Role extends string = string> {
  readonly tenantId: string;
  readonly email: string;
  /** `member` when absent. */
  readonly role?: Role;
  /** When it is over; after the days of the module when absent. */
  readonly expiresAt?: Date;
}

/**
 * Invitations: members to be. One that is pending holds a seat, which becomes the member's. Its token is told once, to
 * be sent to the address; the library stores only a digest, and sends no mail.
 *
 * With `by` a method is called for a user, who needs `invitations:manage` and cannot invite into a role that allows more
 * than they hold.
 */
export interface Invitations<Role extends string = string> {
  /**
   * Invites an address. One that is pending for the same address (in whatever case) is sent again instead, in the role
   * given now: `created` is false, and the token before opens nothing any more.
   *
   * @throws TenantryError `organization_not_found`, `seats_exhausted`, `role_unknown`, `permission_denied`,
   * `name_invalid` for what is no address and for an expiry that is past.
   */
  create(
    input: InviteInput<Role>,
    options?: ActOptions,
  ): Promise<{ readonly invitation: Invitation; readonly token: string; readonly created: boolean }>;
  /**
   * Makes a new token for an invitation that is pending or over, and a new expiry. The token before opens nothing any
   * more.
   *
   * @throws TenantryError `organization_not_found`, `invitation_not_found`, `seats_exhausted`, `permission_denied`.
   */
  resend(
    input: { readonly tenantId: string; readonly invitationId: string; readonly expiresAt?: Date },
    options?: ActOptions,
  ): Promise<{ readonly invitation: Invitation; readonly token: string }>;
  /**
   * Takes a pending invitation back and frees its seat. One that is not pending stays as it is.
   *
   * @throws TenantryError `organization_not_found`, `invitation_not_found`, `permission_denied`.
   */
  revoke(
    input: { readonly tenantId: string; readonly invitationId: string },
    options?: ActOptions,
  ): Promise<{ readonly invitation: Invitation; readonly changed: boolean }>;
  /**
   * Makes a member of whoever holds the token, once, however many accept at the same moment. The application vouches
   * that it has verified the address: it must be the one that was invited.
   *
   * A user who is a member already stays as they are (`created` is false), and the invitation is used up.
   *
   * @throws TenantryError `invitation_refused` with the reason `not_found` (also for another's address), `expired`,
   * `used`, `revoked`, `declined`, or `suspended` for a suspended member; `seats_exhausted`; `name_invalid`.
   */
  accept(
    input: {
      readonly token: string;
      readonly userId: string;
      readonly verifiedEmail: string;
      readonly name?: string | null;
    },
    options?: CallOptions,
  ): Promise<{ readonly member: Member; readonly created: boolean }>;
  /**
   * Turns an invitation down and frees its seat. Doing it again changes nothing.
   *
   * @throws TenantryError `invitation_refused`, `name_invalid`.
   */
  decline(input: { readonly token: string; readonly verifiedEmail: string }, options?: CallOptions): Promise<void>;
  /** Reads an invitation; null when there is none. */
  get(
    input: { readonly tenantId: string; readonly invitationId: string },
    options?: CallOptions,
  ): Promise<Invitation | null>;
  /**
   * Lists invitations in the order in which they were made; the pending ones when `statuses` is absent. One statement.
   *
   * @throws TenantryError `organization_not_found` for what is no id, `amount_invalid`, `name_invalid`.
   */
  list(
    input: { readonly tenantId: string; readonly statuses?: readonly InvitationStatus[] } & PageOptions,
    options?: CallOptions,
  ): Promise<Page<Invitation>>;
}
