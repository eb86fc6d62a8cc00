import type { DomainEvent } from '../core/index.ts';
import type { TenantCreated } from '../tenancy/index.ts';
import type { MemberStatus } from './organization.ts';

/** What every event of a member tells. */
export interface MemberData {
  readonly memberId: string;
  readonly userId: string;
  readonly role: string;
}

/** What every event of an invitation tells. The token is never told. */
export interface InvitationData {
  readonly invitationId: string;
  readonly email: string;
  readonly role: string;
}

/** What every event of a team tells. */
export interface TeamData {
  readonly teamId: string;
  readonly name: string;
  readonly parentId: string | null;
}

/** What events of what a team was given tell. */
export interface TeamResourceData {
  readonly teamId: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly permission: string | null;
}

/** What happens to organizations, their members and their seats. */
export type OrganizationEvent =
  | TenantCreated
  | DomainEvent<'organization.created', { readonly name: string; readonly slug: string; readonly ownerId: string }>
  | DomainEvent<
      'organization.updated',
      {
        readonly name: string;
        readonly slug: string;
        readonly previousName: string;
        readonly previousSlug: string;
        /** Whether the application's own facts are others now. */
        readonly metadataChanged: boolean;
      }
    >
  | DomainEvent<'organization.ownership_transferred', { readonly from: MemberData; readonly to: MemberData }>
  /** `returned`: the user had been a member before and was removed. */
  | DomainEvent<
      'member.added',
      MemberData & { readonly status: 'active' | 'pending' | 'requested'; readonly returned: boolean }
    >
  | DomainEvent<'member.approved', MemberData & { readonly previousStatus: MemberStatus }>
  | DomainEvent<'member.rejected', MemberData & { readonly previousStatus: MemberStatus }>
  | DomainEvent<'member.activated', MemberData & { readonly previousStatus: 'pending' | 'suspended' }>
  | DomainEvent<'member.role_changed', MemberData & { readonly previousRole: string }>
  | DomainEvent<
      'member.updated',
      MemberData & {
        readonly name: string | null;
        readonly email: string | null;
        readonly previousName: string | null;
        readonly previousEmail: string | null;
      }
    >
  | DomainEvent<'member.suspended', MemberData>
  | DomainEvent<'member.removed', MemberData>
  | DomainEvent<
      'member.granted',
      { readonly memberId: string; readonly permission: string; readonly expiresAt: Date | null }
    >
  | DomainEvent<'member.grant_revoked', { readonly memberId: string; readonly permission: string }>
  | DomainEvent<'invitation.created', InvitationData & { readonly expiresAt: Date }>
  | DomainEvent<'invitation.resent', InvitationData & { readonly expiresAt: Date }>
  | DomainEvent<'invitation.accepted', InvitationData & { readonly memberId: string; readonly userId: string }>
  | DomainEvent<'invitation.declined', InvitationData>
  | DomainEvent<'invitation.revoked', InvitationData>
  | DomainEvent<'invitation.expired', InvitationData>
  | DomainEvent<'team.created', TeamData>
  | DomainEvent<'team.updated', TeamData & { readonly previousName: string; readonly previousParentId: string | null }>
  | DomainEvent<'team.removed', TeamData>
  | DomainEvent<'team.member_added', { readonly teamId: string; readonly memberId: string; readonly role: string }>
  | DomainEvent<
      'team.member_role_changed',
      { readonly teamId: string; readonly memberId: string; readonly role: string; readonly previousRole: string }
    >
  | DomainEvent<'team.member_removed', { readonly teamId: string; readonly memberId: string; readonly role: string }>
  | DomainEvent<'team.resource_shared', TeamResourceData>
  | DomainEvent<'team.resource_unshared', TeamResourceData>
  | DomainEvent<'domain.added', { readonly domain: string; readonly mode: 'join' | 'request'; readonly role: string }>
  | DomainEvent<'domain.verified', { readonly domain: string }>
  | DomainEvent<'domain.unverified', { readonly domain: string }>
  | DomainEvent<'domain.removed', { readonly domain: string }>
  /** The number of seats bought, taken or held is another than before. */
  | DomainEvent<
      'seats.changed',
      {
        readonly bought: number | null;
        readonly taken: number;
        readonly held: number;
        readonly previousBought: number | null;
        readonly previousTaken: number;
        readonly previousHeld: number;
      }
    >;
