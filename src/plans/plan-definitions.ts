import type { Per } from '../core/period-of.ts';

export type { Per } from '../core/period-of.ts';

/** How much of something: a whole number of units, or as much as one likes (which is counted all the same). */
export type Amount = number | 'unlimited';

/** What limits and quotas have in common. */
export interface MeterDefinition {
  readonly amount: Amount;
  /** True multiplies the amount by the seats that the tenant bought; see {@link evaluateEntitlement}. */
  readonly perSeat?: boolean;
  /** At which percentages of the amount an event tells of it, once for each crossing in either direction. */
  readonly alerts?: readonly number[];
}

/** How many of something may exist at the same time. */
export interface LimitDefinition extends MeterDefinition {
  /** What happens beyond the amount: `refuse` (the default), or `allow`, which counts and reports it. */
  readonly overage?: 'refuse' | 'allow';
  /** What is frozen while more exists than the plan allows: the `newest` (the default) or the `oldest`. */
  readonly freeze?: FreezeOrder;
}

/** Which of the resources of a limit are frozen first. */
export type FreezeOrder = 'newest' | 'oldest';

/** At most how much in a shorter time than the quota's own; it begins where the quota's periods do. */
export interface WindowDefinition {
  readonly amount: number;
  readonly per: Exclude<Per, 'once'>;
  /** How many of them make one window; 1 when absent. */
  readonly every?: number;
}

/** How much of something may be used in each period. */
export interface QuotaDefinition extends MeterDefinition {
  readonly per: Per;
  /** How many of them make one period: `every: 3, per: 'month'` begins anew each quarter; 1 when absent. */
  readonly every?: number;
  /**
   * Where periods are counted from: the tenant's `anchor` (the default), or the `calendar`, on the first of the month, at
   * midnight, on Mondays, by the clocks of the tenant's time zone.
   */
  readonly from?: 'anchor' | 'calendar';
  /**
   * What happens beyond the amount: `refuse` (the default); `bill`, which grants and reports it for the bill; `allow`,
   * which grants and reports it, and nobody pays.
   */
  readonly overage?: 'refuse' | 'bill' | 'allow';
  /** How many units beyond the amount at most, where they are billed or allowed; any number when absent. */
  readonly overageAtMost?: number;
  /** How much at most in shorter times: `[{ amount: 100, per: 'hour' }]`. Two at most. */
  readonly within?: readonly WindowDefinition[];
}

/** What a plan contains. */
export interface PlanContents {
  /** How many may exist, by name: an amount, or an object where there is more to say. */
  readonly limits?: { readonly [name: string]: Amount | LimitDefinition };
  /** How much may be used in each period, by name. */
  readonly quotas?: { readonly [name: string]: QuotaDefinition };
  /** What is switched on. */
  readonly features?: readonly string[];
  /** What else the plan says, such as `{ retentionDays: 30 }`. */
  readonly values?: { readonly [name: string]: PlanValue };
}

/** A static value of a plan. */
export type PlanValue = string | number | boolean | null;

/** A plan as it once was. */
export interface EarlierPlan extends PlanContents {
  /** Tenants that signed before this moment keep it, until they are moved: a date, or its text by ISO 8601. */
  readonly until: Date | string;
}

/** A named bundle of what a tenant is entitled to. */
export interface PlanDefinition extends PlanContents {
  /** The versions before this one, the oldest first. The first is version 1. */
  readonly earlier?: readonly EarlierPlan[];
  /** How long the plan can be tried, in days; it cannot when absent. */
  readonly trialDays?: number;
}

/** What a tenant may buy on top of its plan, any number of times. */
export interface AddOnDefinition {
  /** How many more may exist, for each that was bought. */
  readonly limits?: { readonly [name: string]: number };
  /** How much more may be used in each period of the plan's, for each that was bought. */
  readonly quotas?: { readonly [name: string]: number };
  readonly features?: readonly string[];
}

/** Add-ons by name. */
export interface AddOnDefinitions {
  readonly [name: string]: AddOnDefinition;
}

/** Plans by name. */
export interface PlanDefinitions {
  readonly [name: string]: PlanDefinition;
}

/** A checked, frozen set of plans; made by {@link definePlans}. */
export interface PlanCatalogue<
  Definitions extends PlanDefinitions = PlanDefinitions,
  AddOns extends AddOnDefinitions = AddOnDefinitions,
> {
  /** The plans as they were defined. */
  readonly plans: Definitions;
  /** Every limit and quota that any plan has, and which of the two it is. */
  readonly meters: { readonly [name: string]: 'limit' | 'quota' };
  /** Every feature that any plan has. */
  readonly features: readonly string[];
  /** Every static value that any plan has. */
  readonly values: readonly string[];
  readonly addOns: AddOns;
}

/** The names of the plans of a catalogue. */
export type PlanNameOf<Definitions extends PlanDefinitions> = keyof Definitions & string;

/** A plan of a catalogue in all of its versions. */
export type VersionOf<Plan> = Plan | (Plan extends { readonly earlier: readonly (infer Earlier)[] } ? Earlier : never);

/** The names of the limits that any plan has. */
export type LimitNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : NamesIn<VersionOf<Definitions[keyof Definitions]>, 'limits'>;

/** The names of the quotas that any plan has. */
export type QuotaNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : NamesIn<VersionOf<Definitions[keyof Definitions]>, 'quotas'>;

/** The names of the static values that any plan has. */
export type ValueNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : NamesIn<VersionOf<Definitions[keyof Definitions]>, 'values'>;

/** The names in one part of a plan. */
export type NamesIn<Plan, Part extends 'limits' | 'quotas' | 'values'> = Plan extends {
  readonly [P in Part]: infer Names;
}
  ? keyof Names & string
  : never;

/** The names of everything that is counted: limits and quotas. */
export type MeterNameOf<Definitions extends PlanDefinitions> = LimitNameOf<Definitions> | QuotaNameOf<Definitions>;

/** The names of the features that any plan has. */
export type FeatureNameOf<Definitions extends PlanDefinitions> = string extends keyof Definitions
  ? string
  : FeaturesIn<VersionOf<Definitions[keyof Definitions]>>;

/** The features of a plan. */
export type FeaturesIn<Plan> = Plan extends { readonly features: readonly (infer Feature)[] }
  ? Feature & string
  : never;

/** The names that calls may say; any text where the catalogue is not known. */
export interface PlanNames {
  readonly plan: string;
  readonly limit: string;
  readonly quota: string;
  /** A limit or a quota. */
  readonly meter: string;
  readonly feature: string;
  readonly value: string;
}

/** The names of the features that come with add-ons, where these are known. */
export type AddOnFeatureOf<AddOns extends AddOnDefinitions> = string extends keyof AddOns
  ? never
  : FeaturesIn<AddOns[keyof AddOns]>;

/** All names of a catalogue. */
export interface NamesOf<Definitions extends PlanDefinitions, AddOns extends AddOnDefinitions = AddOnDefinitions> {
  readonly plan: PlanNameOf<Definitions>;
  readonly limit: LimitNameOf<Definitions>;
  readonly quota: QuotaNameOf<Definitions>;
  readonly meter: MeterNameOf<Definitions>;
  readonly feature: FeatureNameOf<Definitions> | AddOnFeatureOf<AddOns>;
  readonly value: ValueNameOf<Definitions>;
}
