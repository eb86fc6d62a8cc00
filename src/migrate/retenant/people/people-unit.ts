import type { Strategy } from '../../../tenancy/index.ts';
import type { LibraryNote } from '../rows/decide-library.ts';

/** A user who goes to a target. What is not said is taken from the membership that the user has. */
export interface PeopleUser {
  /** The application's id of the user. */
  readonly userId: string;
  readonly email?: string | null;
  readonly name?: string | null;
  /** The role of one who was no member before; the policy's `joinAs` when absent. */
  readonly role?: string;
  /** Of one who was no member before; `active` when absent. */
  readonly status?: 'active' | 'pending' | 'suspended';
  /** Ids of API keys that are this user's although they say of no member, as in a program without tenants. */
  readonly keys?: readonly string[];
}

/** Where a tenant goes, wholly or in part. */
export interface PeopleTarget {
  /**
   * The tenant's id. One that does not exist is made under the strategy that the re-tenanting leads to; the old tenant's
   * own id means that it stays, or is converted where it stands.
   */
  readonly tenantId: string;
  /** Of a tenant that is made: what people call it; the old tenant's name, or the user's id, when absent. */
  readonly name?: string;
  /**
   * The plan of a tenant that is made or converted. When absent, one that is made gets the strategy's, or the one whose
   * live subscription goes there, and one that is converted keeps its own.
   */
  readonly plan?: string;
  /** Of an organization that is made: its slug, with a number where it is taken; made from the name when absent. */
  readonly slug?: string;
  /** Who goes there. A tenant of one user names that user. */
  readonly users?: readonly PeopleUser[];
}

/** How what cannot stand side by side is settled. */
export interface PeoplePolicies {
  /** Roles from the highest to the lowest; those that are not named stand above the last. */
  readonly roles: readonly string[];
  /** The role of users who become members and were none. */
  readonly joinAs: string;
  /**
   * The seats bought of an organization that others join: the sum of both; the target's own, and the unit is refused when
   * they do not suffice; or the target's own, raised to those that are taken.
   */
  readonly seats: 'sum' | 'keepTarget' | 'atLeastTaken';
  /** Whether API keys go on to work, or are revoked. */
  readonly keys: 'keep' | 'revoke';
  /** Whether what was used counts on in the default target, or everybody begins at nothing. */
  readonly usage: 'carry' | 'anew';
  /** Which of two live subscriptions is kept; without an answer the unit is refused. */
  readonly subscriptions: 'refuse' | 'keepTarget' | 'keepSource';
}

/** The policies that hold where nothing else is said. */
export const defaultPolicies: PeoplePolicies = {
  roles: ['owner', 'admin', 'member'],
  joinAs: 'member',
  seats: 'sum',
  keys: 'keep',
  usage: 'carry',
  subscriptions: 'refuse',
};

/** One tenant that is merged, split or converted: what happens in one transaction to the people around it. */
export interface PeopleUnit {
  /** The name of the re-tenanting. */
  readonly retenanting: string;
  /** Names the unit within it. */
  readonly unit: string;
  readonly oldTenantId: string;
  /** At least one. Who and what is named nowhere goes to the first, the default target. */
  readonly targets: readonly [PeopleTarget, ...PeopleTarget[]];
  /** The strategy that the re-tenanting leads to. */
  readonly to: Strategy;
  readonly policies?: Partial<PeoplePolicies>;
  readonly now: Date;
}

/** What a unit cannot do without an answer. */
export interface PeopleConflict {
  /** `library`: rows of one of the library's own tables, `table`, that cannot be carried. */
  readonly topic: 'subscriptions' | 'seats' | 'target' | 'library';
  readonly table?: string;
  /** What stands against each other: tenants, customers of the provider, users. */
  readonly between: readonly string[];
  readonly remedy: string;
}

/** Something that a person should look at. */
export interface PeopleDecision {
  readonly topic:
    | 'members-joined'
    | 'owner-demoted'
    | 'owner-chosen'
    | 'no-owner'
    | 'seats-raised'
    | 'keys-revoked'
    | 'keys-carried'
    | 'keys-of-nobody'
    | 'slug-changed'
    | 'slug-alias'
    | 'subscription-ends'
    | 'subscription-carried'
    | 'billing-stays'
    | 'usage-left'
    | 'domains-ended'
    | LibraryNote['topic'];
  /** Names of what it is about: users, slugs, beginnings of keys. */
  readonly about: readonly string[];
  readonly detail: string;
}

/** How many rows of each kind a unit concerns. */
export interface PeopleCounts {
  readonly tenantsMade: number;
  readonly tenantsRetired: number;
  readonly tenantsConverted: number;
  readonly members: number;
  readonly membersJoined: number;
  readonly keys: number;
  readonly keysRevoked: number;
  readonly counters: number;
  readonly aliases: number;
}
