/** How much of something: a whole number of units, or as much as one likes (which is counted all the same). */
export type Amount = number | 'unlimited';

/**
 * How often a quota begins anew. Periods are counted from the tenant's anchor in UTC; `once` never begins anew.
 */
export type Per = 'hour' | 'day' | 'week' | 'month' | 'year' | 'once';

/** How many of something may exist at the same time. */
export interface LimitDefinition {
  readonly amount: Amount;
  /** True multiplies the amount by the seats that the tenant bought; see {@link evaluateEntitlement}. */
  readonly perSeat?: boolean;
}

/** How much of something may be used in each period. */
export interface QuotaDefinition {
  readonly amount: Amount;
  readonly per: Per;
  /** What happens beyond the amount: `refuse` (the default), or `bill`, which grants and reports it. */
  readonly overage?: 'refuse' | 'bill';
  /** True multiplies the amount by the seats that the tenant bought; see {@link evaluateEntitlement}. */
  readonly perSeat?: boolean;
}

/** A named bundle of what a tenant is entitled to. */
export interface PlanDefinition {
  /** How many may exist, by name: an amount, or an object where the amount is multiplied by seats. */
  readonly limits?: { readonly [name: string]: Amount | LimitDefinition };
  /** How much may be used in each period, by name. */
  readonly quotas?: { readonly [name: string]: QuotaDefinition };
  /** What is switched on. */
  readonly features?: readonly string[];
}

/** Plans by name. */
export interface PlanDefinitions {
  readonly [name: string]: PlanDefinition;
}

/** A checked, frozen set of plans; made by {@link definePlans}. */
export interface PlanCatalogue<Definitions extends PlanDefinitions = PlanDefinitions> {
  /** The plans as they were defined. */
  readonly plans: Definitions;
  /** Every limit and quota that any plan has, and which of the two it is. */
  readonly meters: { readonly [name: string]: 'limit' | 'quota' };
  /** Every feature that any plan has. */
  readonly features: readonly string[];
}

/** The names of the plans of a catalogue. */
export type PlanNameOf<Definitions extends PlanDefinitions> = keyof Definitions & string;

/** The names of the limits that any plan has. */
export type LimitNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : {
      [P in keyof Definitions]: Definitions[P] extends { readonly limits: infer L } ? keyof L & string : never;
    }[keyof Definitions];

/** The names of the quotas that any plan has. */
export type QuotaNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : {
      [P in keyof Definitions]: Definitions[P] extends { readonly quotas: infer Q } ? keyof Q & string : never;
    }[keyof Definitions];

/** The names of everything that is counted: limits and quotas. */
export type MeterNameOf<Definitions extends PlanDefinitions> = LimitNameOf<Definitions> | QuotaNameOf<Definitions>;

/** The names of the features that any plan has. */
export type FeatureNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : {
      [P in keyof Definitions]: Definitions[P] extends { readonly features: readonly (infer F)[] } ? F & string : never;
    }[keyof Definitions];

/** The names that calls may say; any text where the catalogue is not known. */
export interface PlanNames {
  readonly plan: string;
  readonly limit: string;
  /** A limit or a quota. */
  readonly meter: string;
  readonly feature: string;
}

/** All names of a catalogue. */
export interface NamesOf<Definitions extends PlanDefinitions> {
  readonly plan: PlanNameOf<Definitions>;
  readonly limit: LimitNameOf<Definitions>;
  readonly meter: MeterNameOf<Definitions>;
  readonly feature: FeatureNameOf<Definitions>;
}
