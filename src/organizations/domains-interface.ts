import type { Page, PageOptions } from '../core/page.ts';
import type { CallOptions } from '../database/index.ts';
import type { ActOptions } from './authority.ts';
import type { Member } from './organization.ts';

/** A mail domain that an organization claims. */
export interface Domain {
  readonly tenantId: string;
  /** In lower case, and in its ASCII form. */
  readonly domain: string;
  /** Whether users of the domain come in at once, or ask to. */
  readonly mode: 'join' | 'request';
  /** The role that they get. */
  readonly role: string;
  /** When it was last proven; null while it is not. */
  readonly verifiedAt: Date | null;
  readonly createdAt: Date;
  /** The DNS record that proves it. */
  readonly record: { readonly type: 'TXT'; readonly name: string; readonly value: string };
}

/** Resolves TXT records as `node:dns/promises` does: each record as its pieces. */
export type ResolveTxt = (name: string) => Promise<readonly (readonly string[])[]>;

/** What a look at the DNS found. */
export interface DomainVerification {
  readonly verified: boolean;
  /** Why not: the record is not there, or the DNS did not answer, and then all stays as it was. */
  readonly reason: 'record_missing' | 'dns_failed' | null;
  readonly domain: Domain;
}

/** Names a claim. */
export interface DomainRef {
  readonly tenantId: string;
  readonly domain: string;
}

/**
 * Mail domains whose users come in by themselves. A domain counts once the DNS proves it, for one organization, and never
 * one at which anybody gets a mailbox. With `by` a method is called for a user, who needs `domains:manage` and can let
 * users in only in a role that allows no more than they hold.
 */
export interface Domains<Role extends string = string> {
  /**
   * Claims a domain, and gives the record that proves it. Claiming it again sets mode and role.
   *
   * @throws TenantryError `organization_not_found`, `domain_invalid`, `role_unknown`, `permission_denied`.
   */
  add(
    input: DomainRef & {
      /** `request` when absent. */
      readonly mode?: 'join' | 'request';
      /** `member` when absent; never `owner`. */
      readonly role?: Role;
    },
    options?: ActOptions,
  ): Promise<Domain>;
  /**
   * Looks into the DNS, and notes what it finds: a domain whose record is gone counts no more. Call it now and then for
   * domains that are proven.
   *
   * @param options.resolveTxt Asks the DNS; `resolveTxt` of `node:dns/promises` when absent.
   * @throws TenantryError `organization_not_found`, `domain_not_found`, `domain_taken` when another organization proved
   * it before, `permission_denied`.
   */
  verify(ref: DomainRef, options?: ActOptions & { readonly resolveTxt?: ResolveTxt }): Promise<DomainVerification>;
  /**
   * Gives a claim up. Members stay.
   *
   * @throws TenantryError `organization_not_found`, `domain_not_found`, `permission_denied`.
   */
  remove(ref: DomainRef, options?: ActOptions): Promise<void>;
  /** Lists the claims of an organization, ordered by domain. */
  list(input: { readonly tenantId: string } & PageOptions, options?: CallOptions): Promise<Page<Domain>>;
  /**
   * Makes a user a member of the organization that has the domain of their address, or notes that they ask to join; null
   * where no organization has it. The application vouches that it has verified the address. Who was removed before has to
   * ask.
   *
   * @throws TenantryError `seats_exhausted`, `name_invalid`.
   */
  join(
    input: { readonly userId: string; readonly verifiedEmail: string; readonly name?: string | null },
    options?: CallOptions,
  ): Promise<{ readonly member: Member; readonly created: boolean } | null>;
}
