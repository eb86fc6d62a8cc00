import { cleanText, isPermissionPattern, isUuid, opaqueId, TenantryError } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import { storableJson } from '../core/storable-json.ts';
import type { MemberRef } from './organization.ts';

const mostSeats = 2_147_483_647;

/** The most bytes that the application's own facts of an organization or team may have, as JSON. */
const mostMetadata = 16_384;

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
  throw new TenantryError('organization_not_found', { organization: named(tenantId) });
}

/** Returns how a member is named, or throws `member_not_found`: what is no UUID is no member's id. */
export function readMemberRef(
  ref: Pick<MemberRef, 'memberId' | 'userId'>,
): { readonly memberId: string } | { readonly userId: string } {
  if (ref.userId !== undefined) return { userId: opaqueId('userId', ref.userId) };
  if (isUuid(ref.memberId)) return { memberId: ref.memberId.toLowerCase() };
  throw new TenantryError('member_not_found', { member: named(ref.memberId) });
}

/** What is no id, short enough to be told again. */
export function named(value: unknown): string {
  return String(value).slice(0, 80);
}

/** Returns a pattern of permissions, or throws `name_invalid`. */
export function readPermission(permission: unknown): string {
  if (isPermissionPattern(permission)) return permission;
  throw new TenantryError('name_invalid', { field: 'permission', problem: 'must be words parted by ":"' });
}

/** Returns a moment that lies ahead, or throws `name_invalid`. */
export function readFuture(field: string, time: unknown, now: Date): Date {
  if (isMoment(time) && time > now) return time;
  throw new TenantryError('name_invalid', { field, problem: 'must be a moment in the future' });
}

/** Returns the application's own facts as JSON, or throws `name_invalid`. */
export function readMetadata(metadata: unknown): string {
  return storableJson(
    metadata,
    mostMetadata,
    (problem) => new TenantryError('name_invalid', { field: 'metadata', problem }),
  );
}
