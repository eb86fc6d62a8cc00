/**
 * What every module stands on: errors, the clock, identifiers, events and headers. It knows no database.
 *
 * @packageDocumentation
 */

export type { Clock } from './clock.ts';
export { systemClock } from './clock.ts';
export type { ErrorCode, ErrorDetails, ErrorRow } from './error-codes.ts';
export { errorTable } from './error-codes.ts';
export { isTenantryError, TenantryError } from './errors.ts';
export type { Actor, DomainEvent, EventSink } from './events.ts';
export type { HeaderReader, HeadersLike } from './headers.ts';
export { readHeader } from './headers.ts';
export type { Ids } from './ids.ts';
export { isUuid, uuidv7 } from './ids.ts';
export { opaqueId } from './opaque-id.ts';
export { covers, isPermissionPattern, permits } from './permissions.ts';
export { platformId } from './platform-id.ts';
export type { SeatFacts, SeatPolicy, SeatStanding } from './seat-policy.ts';
export { graceEnd, onlyReads, seatStanding } from './seat-policy.ts';
export type { SecretBox, SecretKey, SecretPlace } from './secrets.ts';
export { createSecretBox } from './secrets.ts';
export { cleanText } from './text.ts';
