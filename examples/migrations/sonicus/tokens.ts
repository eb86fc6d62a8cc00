/** The roles that remain. */
export type AccountRole = 'user' | 'admin' | 'super_admin';

/** Who a token speaks for, whichever application issued it. */
export interface Subject {
  readonly userId: string;
  readonly role: AccountRole;
}

/**
 * Reads the claims of a token whose signature was verified. Tokens of the old application name an organization and roles
 * that are no more; those of the new one name neither. Both open the same account until the old ones have expired, so
 * nobody is signed out by the switch. NULL for claims that are neither.
 *
 * @example
 * ```ts
 * subjectOf({ sub: '42', org_id: '0c6e…', role: 'org_admin' }); // { userId: '42', role: 'user' }
 * subjectOf({ sub: '42', role: 'user' }); // { userId: '42', role: 'user' }
 * ```
 */
export function subjectOf(claims: Readonly<Record<string, unknown>>): Subject | null {
  const { sub, user_id: legacyId, role } = claims;
  const id = sub ?? legacyId;
  const userId = typeof id === 'number' ? String(id) : id;
  if (typeof userId !== 'string' || !/^[1-9]\d{0,18}$/.test(userId)) return null;
  return { userId, role: accountRole(role) };
}

/** What remains of a role. Whoever administered an organization is a user; what is not known is no more than one. */
export function accountRole(role: unknown): AccountRole {
  const word = typeof role === 'string' ? role.trim().toLowerCase() : '';
  return word === 'admin' || word === 'super_admin' ? word : 'user';
}

/** The claims of a token that the new application issues: no organization, and no tenant either, which is the user's. */
export function claimsOf({ userId, role }: Subject): { readonly sub: string; readonly role: AccountRole } {
  return { sub: userId, role };
}
