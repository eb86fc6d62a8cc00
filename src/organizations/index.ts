/**
 * Organizations: members with roles and grants, teams, invitations, mail domains, seats bought, taken and held.
 *
 * @packageDocumentation
 */

export type { Page, PageOptions } from '../core/page.ts';
export type { InvitationDenial } from './acceptance-store.ts';
export type { ActOptions } from './authority.ts';
export type { Domain, DomainRef, Domains, DomainVerification, ResolveTxt } from './domains-interface.ts';
export type { InvitationData, MemberData, OrganizationEvent, TeamData, TeamResourceData } from './events.ts';
export type { Grant } from './grant-store.ts';
export type { Grants } from './grants.ts';
export type { Invitation, InvitationStatus } from './invitation-store.ts';
export type { Invitations, InvitationsOptions, InviteInput } from './invitations-interface.ts';
export type { AddMemberInput, Members, TransferInput } from './members-interface.ts';
export type {
  Member,
  MemberChange,
  MemberRef,
  MemberStatus,
  Organization,
  Seats,
} from './organization.ts';
export type { OrganizationsOptions, TeamRoleName } from './organizations.ts';
export { createOrganizations } from './organizations.ts';
export type {
  CreateOrganizationInput,
  Membership,
  Organizations,
  Standing,
  UpdateOrganizationInput,
} from './organizations-interface.ts';
export type { DefaultRole, RoleDefinition, RoleDefinitions, RoleName } from './roles.ts';
export { defaultRoles } from './roles.ts';
export type { BillableMembers } from './seat-rule.ts';
export type {
  Resource,
  ResourcesOfInput,
  Team,
  TeamMember,
  TeamRef,
  TeamShare,
  Teams,
} from './teams-interface.ts';
export type { CutAccess, EndedAccess } from './toolbox.ts';
