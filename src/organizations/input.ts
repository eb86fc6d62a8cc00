import { cleanText, isPermissionPattern, isUuid, opaqueId, TenantryError } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import { isStorableJson } from '../core/storable-json.ts';
import type { MemberRef, Page, PageOptions } from './organization.ts';

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

/** Returns which part of a list is wanted; a cursor is the id that the part before ended with. */
export function readPage(options: PageOptions): { after: string | null; limit: number } {
  const { cursor = null } = options;
  const limit = readLimit(options);
  if (cursor !== null && !isUuid(cursor)) throw strangeCursor();
  return { after: cursor, limit };
}

/** Returns how many items a part of a list has at most, or throws `amount_invalid`. */
export function readLimit({ limit = 100 }: PageOptions): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit;
  throw new TenantryError('amount_invalid', { amount: named(limit), problem: 'must be a whole number from 1 to 1000' });
}

/** Cuts what was read, one more than the limit, to a part of a list. */
export function pageOf<Item>(found: readonly Item[], limit: number, cursor: (last: Item) => string): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last !== undefined ? cursor(last) : null };
}

/** Makes a cursor of the texts that the last item of a part is found by. */
export function cursorOf(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Returns the texts of a cursor, or throws `name_invalid` for what is none. Null: the beginning. */
export function readCursor({ cursor = null }: PageOptions, count: number): readonly string[] | null {
  if (cursor === null) return null;
  const parts: unknown = typeof cursor === 'string' && cursor.length <= 4096 ? parse(cursor) : null;
  if (!Array.isArray(parts) || parts.length !== count) throw strangeCursor();
  return parts.map((part) => {
    if (typeof part !== 'string' || part.includes('\u0000')) throw strangeCursor();
    return part;
  });
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
}

/** The error for a cursor that no list gave. */
export function strangeCursor(): TenantryError {
  return new TenantryError('name_invalid', { field: 'cursor', problem: 'is not one that a list gave' });
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
  const problem = (text: string) => new TenantryError('name_invalid', { field: 'metadata', problem: text });
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) throw problem('must be an object');
  let json: string | undefined;
  try {
    json = JSON.stringify(metadata);
  } catch {
    throw problem('cannot be written as JSON');
  }
  if (json === undefined || !json.startsWith('{')) throw problem('must be an object');
  if (Buffer.byteLength(json) > mostMetadata) throw problem(`must have at most ${mostMetadata} bytes as JSON`);
  if (!isStorableJson(json)) throw problem('holds a character that cannot be stored');
  return json;
}
