import { isUuid, TenantryError } from '../core/index.ts';
import { invalid } from './key-input.ts';

/**
 * Whose a key is. A key of the tenant outlives its people; one of a member opens while the member is active; one of a team
 * while the team is there.
 */
export type KeyOwner =
  | { readonly kind: 'tenant' }
  | { readonly kind: 'member'; readonly memberId: string }
  | { readonly kind: 'team'; readonly teamId: string };

/** Whose a key shall be: a member's, a team's, or the tenant's when neither is named. */
export interface KeyOwnerInput {
  readonly memberId?: string | null;
  readonly teamId?: string | null;
}

const tenant: KeyOwner = Object.freeze({ kind: 'tenant' });

/** The owner that the columns of a key name. */
export function ownerOf(memberId: string | null, teamId: string | null): KeyOwner {
  if (memberId !== null) return { kind: 'member', memberId };
  return teamId === null ? tenant : { kind: 'team', teamId };
}

/**
 * Checks whose a key shall be.
 *
 * @throws TenantryError `api_key_invalid` when a member and a team are named, or a team by what is no id;
 * `member_not_found` for what is no id.
 */
export function readOwner({ memberId = null, teamId = null }: KeyOwnerInput): KeyOwner {
  if (memberId !== null && teamId !== null) throw invalid("a key is a member's or a team's, not both");
  // What is no id is not quoted: it may be a secret that was handed in by mistake.
  if (memberId !== null && !isUuid(memberId)) throw new TenantryError('member_not_found', { member: '(not an id)' });
  if (teamId !== null && !isUuid(teamId)) throw noTeam();
  return ownerOf(memberId, teamId);
}

/** The error for a team that is not the tenant's. */
export function noTeam(): TenantryError {
  return invalid('the tenant has no such team');
}
