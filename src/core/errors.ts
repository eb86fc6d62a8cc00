import { type ErrorCode, type ErrorDetails, errorTable } from './error-codes.ts';

const brand = Symbol.for('tenantry.error');
const longest = 1000;

/**
 * A failure of the domain: a code, its details, and the HTTP status that fits it. Narrow on `code`, never on the
 * message. Every code has a page under `docs/errors`.
 *
 * @example
 * ```ts
 * import { isTenantryError, TenantryError } from 'tenantry/core';
 *
 * try {
 *   throw new TenantryError('slug_taken', { slug: 'acme' });
 * } catch (error) {
 *   if (isTenantryError(error, 'slug_taken')) console.log(error.status, error.details.slug); // 409 'acme'
 * }
 * ```
 */
export class TenantryError<Code extends ErrorCode = ErrorCode> extends Error {
  /** The code, stable over releases. */
  readonly code: Code;
  /** What was wrong, as plain data. */
  readonly details: ErrorDetails[Code];
  /** The HTTP status that fits (RFC 9110). */
  readonly status: number;
  /** The same sentence for every error of this code. */
  readonly title: string;

  constructor(code: Code, given: ErrorDetails[Code], options?: { cause?: unknown }) {
    const row = errorTable[code];
    const details = shortened(given);
    super(`${row.title}: ${row.detail(details)}`, options);
    this.name = 'TenantryError';
    this.code = code;
    this.details = details;
    this.status = row.status;
    this.title = row.title;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** What a caller sent may be of any length; an error tells its beginning, in the log and in the answer alike. */
function shortened<Details extends object>(details: Details): Details;
function shortened(details: object): object {
  const entries = Object.entries(details);
  if (entries.every(([, value]) => typeof value !== 'string' || value.length <= longest)) return details;
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const long = typeof value === 'string' && value.length > longest;
      return [name, long ? `${value.slice(0, longest)}…` : value];
    }),
  );
}

/**
 * Tells whether a value is an error of this library, and of a code where one is named. It recognises by brand, so two
 * copies of the library in one process recognise each other's errors.
 *
 * @example
 * ```ts
 * import { isTenantryError } from 'tenantry';
 *
 * function placesLeft(error: unknown): string {
 *   if (!isTenantryError(error, 'seats_exhausted')) throw error;
 *   return `${error.details.taken} of ${error.details.bought} seats are taken`;
 * }
 * ```
 */
export function isTenantryError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is TenantryError<Code> {
  if (typeof error !== 'object' || error === null || !(brand in error)) return false;
  return code === undefined || ('code' in error && error.code === code);
}
