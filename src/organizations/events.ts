import type { DomainEvent } from '../core/index.ts';
import type { TenantCreated } from '../tenancy/index.ts';

/** What every event of a member tells. */
export interface MemberData {
  readonly memberId: string;
  readonly userId: string;
  readonly role: string;
}

/** What happens to organizations, their members and their seats. */
export type OrganizationEvent =
  | TenantCreated
  | DomainEvent<'organization.created', { readonly name: string; readonly slug: string; readonly ownerId: string }>
  /** `returned`: the user had been a member before and was removed. */
  | DomainEvent<'member.added', MemberData & { readonly status: 'active' | 'pending'; readonly returned: boolean }>
  | DomainEvent<'member.activated', MemberData & { readonly previousStatus: 'pending' | 'suspended' }>
  | DomainEvent<'member.role_changed', MemberData & { readonly previousRole: string }>
  | DomainEvent<'member.suspended', MemberData>
  | DomainEvent<'member.removed', MemberData>
  /** The number of seats bought or taken is another than before. */
  | DomainEvent<
      'seats.changed',
      {
        readonly bought: number | null;
        readonly taken: number;
        readonly previousBought: number | null;
        readonly previousTaken: number;
      }
    >;
