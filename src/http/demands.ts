import { type HeadersLike, readHeader, TenantryError } from '../core/index.ts';
import type { LeaseOptions, PlanNames } from '../plans/index.ts';

/** Units that a request uses. */
export type Units<Names extends PlanNames = PlanNames> =
  | {
      readonly meter: Names['meter'];
      /** 1 when absent. */
      readonly amount?: number;
      readonly lease?: undefined;
    }
  | {
      readonly meter: Names['quota'];
      readonly amount?: number;
      /**
       * Takes the units of a block that this process took ahead, without a round trip for each request. Answers then carry
       * no `RateLimit` of the quota: what other processes hold is not known. See the leases of the plans for what it costs.
       */
      readonly lease: LeaseOptions;
    };

/** What a route wants of a request before its handler runs. */
export interface Demands<Names extends PlanNames = PlanNames> {
  /** The permissions that it takes, all of them. */
  readonly permission?: string | readonly string[];
  /** The feature that the tenant's plan must have. */
  readonly feature?: Names['feature'];
  /** What the request uses: one unit of a limit or quota, or more; of a quota also from a block that is taken ahead. */
  readonly consume?: Names['meter'] | Units<Names>;
  /** The media types of bodies that are taken, such as `application/json`; all when absent. */
  readonly accepts?: readonly string[];
}

/** What {@link Demands} says is used, in one form. */
export function unitsOf<Names extends PlanNames>({ consume }: Demands<Names>): Units<Names> | undefined {
  return typeof consume === 'object' || consume === undefined ? consume : { meter: consume };
}

/**
 * Refuses a body of another type, before it is read. A request without a body has no type.
 *
 * @throws TenantryError `media_type_unsupported`.
 */
export function checkMediaType(headers: HeadersLike, accepts: readonly string[]): void {
  const length = readHeader(headers, 'content-length');
  const hasBody =
    (length !== undefined && length.trim() !== '0') || readHeader(headers, 'transfer-encoding') !== undefined;
  const told = readHeader(headers, 'content-type');
  // A fetch request has no length of its own before it is sent, but a type.
  if (!hasBody && told === undefined) return;
  const type = told?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (accepts.some((accepted) => accepted.toLowerCase() === type)) return;
  throw new TenantryError('media_type_unsupported', { accepts });
}
