/**
 * Organizations: members with roles, seats bought and taken.
 *
 * @packageDocumentation
 */

export type { MemberData, OrganizationEvent } from './events.ts';
export type { AddMemberInput, Members } from './members.ts';
export type {
  Member,
  MemberChange,
  MemberRef,
  MemberStatus,
  Organization,
  Page,
  PageOptions,
  Seats,
} from './organization.ts';
export type { CreateOrganizationInput, Membership, Organizations, OrganizationsOptions } from './organizations.ts';
export { createOrganizations } from './organizations.ts';
export type { DefaultRole, RoleDefinitions, RoleName } from './roles.ts';
export { defaultRoles } from './roles.ts';
