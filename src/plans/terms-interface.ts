import type { CallOptions } from '../database/index.ts';
import type { Amount, PlanNames, PlanValue, QuotaDefinition } from './plan-definitions.ts';
import type { PlanTerms } from './plan-terms.ts';

/** What is agreed with one tenant about a limit or quota: an amount, or an object where there is more to say. */
export type MeterOverride =
  | Amount
  | {
      readonly amount?: Amount;
      readonly overage?: NonNullable<QuotaDefinition['overage']>;
      /** How many units beyond the amount at most: a cap of what is spent. */
      readonly overageAtMost?: number;
    };

/** What is agreed with one tenant, in the place of what its plan says. `null` takes it back. */
export interface Overrides<Names extends PlanNames = PlanNames> {
  readonly meters?: { readonly [Meter in Names['meter']]?: MeterOverride | null };
  readonly features?: { readonly [Feature in Names['feature']]?: boolean | null };
  /** A value of `null` takes the override back, too. */
  readonly values?: { readonly [Value in Names['value']]?: PlanValue };
}

/** Until when something holds. */
export interface TermOptions extends CallOptions {
  /** For ever when absent. Then what was agreed before counts again, as far as that holds longer. */
  readonly expiresAt?: Date;
}

/** The outcome of {@link Terms.startTrial}. */
export type TrialResult =
  | { readonly ok: true; readonly endsAt: Date }
  | { readonly ok: false; readonly reason: 'trial_used' | 'no_trial' };

/** What one tenant has beyond its plan. Every change counts at once, in every process. */
export interface Terms<Names extends PlanNames = PlanNames> {
  /**
   * Reads it; `null` when there is nothing.
   *
   * @throws TenantryError `tenant_not_found`.
   */
  of(tenantId: string, options?: CallOptions): Promise<PlanTerms | null>;

  /**
   * Agrees something with one tenant: other amounts, a feature on or off, other values. What is not named stays as it is; a
   * meter that is named is agreed anew as a whole.
   *
   * @throws TenantryError `tenant_not_found`, `meter_unknown`, `config_invalid` with the path of a mistake, such as an
   * `expiresAt` that is over.
   */
  override(tenantId: string, overrides: Overrides<Names>, options?: TermOptions): Promise<PlanTerms | null>;

  /**
   * Sets how many of an add-on the tenant has; 0 takes it away.
   *
   * @throws TenantryError `tenant_not_found`, `config_invalid`.
   */
  setAddOn(tenantId: string, addOn: string, quantity: number, options?: TermOptions): Promise<PlanTerms | null>;

  /**
   * Moves the tenant to a version of its plan, from 1; `'newest'` is the one that is offered now. It stays there until it
   * is moved again, or gets another plan.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `config_invalid` for a version that there is not.
   */
  setVersion(tenantId: string, version: number | 'newest', options?: CallOptions): Promise<PlanTerms | null>;

  /**
   * Sets the time zone whose clocks decide when the tenant's days, weeks, months and years begin. The running periods end
   * as they would have, so that this is no way to a fresh quota.
   *
   * @throws TenantryError `tenant_not_found`, `config_invalid` for a zone that the platform does not know, or one change too
   * many: 24 within three years, of which those of one day count once.
   */
  setTimeZone(tenantId: string, zone: string, options?: CallOptions): Promise<PlanTerms | null>;

  /**
   * Lets the tenant try a plan for the days that it says. When they are over, the tenant's own plan counts again, by
   * itself. A tenant tries a plan once; and so does whoever is known by one of the `fingerprints`, under whichever tenant:
   * hand in digests, for example of a mail address or a card.
   *
   * @throws TenantryError `tenant_not_found`, `plan_unknown`, `name_invalid`.
   */
  startTrial(
    tenantId: string,
    plan: Names['plan'],
    options?: CallOptions & { readonly fingerprints?: readonly string[] },
  ): Promise<TrialResult>;
}
