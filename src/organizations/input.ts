import { cleanText, isUuid, opaqueId, TenantryError } from '../core/index.ts';
import type { MemberRef, PageOptions } from './organization.ts';

const mostSeats = 2_147_483_647;

/** Returns a number of seats, or throws `amount_invalid`. Null is no cap. */
export function readSeats(seats: number | null, least: 0 | 1): number | null {
  if (seats === null || (Number.isInteger(seats) && seats >= least && seats <= mostSeats)) return seats;
  throw new TenantryError('amount_invalid', { amount: String(seats), problem: `must be a whole number from ${least}` });
}

/** Returns a text that may be left out, cleaned. */
export function readText(field: string, text: string | null | undefined, max: number): string | null {
  return text === undefined || text === null ? null : cleanText(field, text, max);
}

/** Returns the id of an organization's tenant, or throws `organization_not_found`: what is no UUID names none. */
export function readTenantId(tenantId: string): string {
  if (isUuid(tenantId)) return tenantId;
  throw new TenantryError('organization_not_found', { organization: String(tenantId) });
}

/** Returns how a member is named, or throws `member_not_found`: what is no UUID is no member's id. */
export function readMemberRef(ref: MemberRef): { readonly memberId: string } | { readonly userId: string } {
  if (ref.userId !== undefined) return { userId: opaqueId('userId', ref.userId) };
  if (isUuid(ref.memberId)) return { memberId: ref.memberId };
  throw new TenantryError('member_not_found', { member: String(ref.memberId) });
}

/** Returns which part of a list is wanted; a cursor is the id that the part before ended with. */
export function readPage({ cursor = null, limit = 100 }: PageOptions): { after: string | null; limit: number } {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
    throw new TenantryError('amount_invalid', {
      amount: String(limit),
      problem: 'must be a whole number from 1 to 1000',
    });
  }
  if (cursor !== null && !isUuid(cursor)) {
    throw new TenantryError('name_invalid', { field: 'cursor', problem: 'is not one that a list gave' });
  }
  return { after: cursor, limit };
}
