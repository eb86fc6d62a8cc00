/** Somebody who logs in. A user is no tenant's, and may be a member of many. */
export interface User {
  readonly userId: string;
  /** As it was given. */
  readonly email: string;
  readonly name: string | null;
  readonly status: 'active' | 'suspended';
  /** Null: nobody showed that the address is theirs. */
  readonly emailVerifiedAt: Date | null;
  readonly createdAt: Date;
}

/** How a user is named. */
export type UserRef = { readonly userId: string } | { readonly email: string };
