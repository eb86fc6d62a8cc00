import type { AnyDatabase } from '../../database/index.ts';
import { type Revenue, revenueOf } from './revenue-of.ts';
import { readSpans, readTakings } from './store.ts';

/** What all tenants bring. Amounts are minor units. */
export interface RevenueReport {
  readonly from: Date;
  readonly to: Date;
  /** What subscriptions bring per month, at the end and how it changed, for each currency. */
  readonly recurring: readonly Revenue[];
  /** What was paid and what was given back between the two moments, for each currency. */
  readonly takings: readonly { readonly currency: string; readonly paid: number; readonly refunded: number }[];
}

/**
 * Reads what all tenants bring, from our own rows. It sees all tenants, so it runs within a look of the platform that is
 * recorded: `platform.revenue`.
 *
 * @example
 * ```ts
 * import { readRevenue } from 'tenantry/billing';
 * import type { AnyDatabase } from 'tenantry/database';
 * import { createPlatform, type PlatformDeps } from 'tenantry/tenancy';
 *
 * // `createTenantry` does this where there is billing.
 * const platformOf = (db: AnyDatabase, events: PlatformDeps['events']) => createPlatform({ db, events, readRevenue });
 * ```
 */
export async function readRevenue(
  tx: AnyDatabase,
  span: { readonly from: Date; readonly to: Date },
): Promise<RevenueReport> {
  return { ...span, recurring: revenueOf(await readSpans(tx, span)), takings: await readTakings(tx, span) };
}
