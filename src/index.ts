/**
 * Tenants, organizations, API keys and plans, wired into one.
 *
 * @packageDocumentation
 */

import type { Kysely } from 'kysely';
import { checkWiring, createGate, type EndpointLimits, endpointLimitsOf, type Gate } from './access/index.ts';
import { type ApiKeyEvent, type ApiKeys, type ApiKeysOptions, createApiKeys, tellKeys } from './api-keys/index.ts';
import { type Audit, createAudit } from './audit/index.ts';
import { type Auth, type AuthEvent, type AuthOptions, createAuth } from './auth/index.ts';
import {
  type Billing,
  type BillingEvent,
  type BillingOptions,
  createBilling,
  type PriceBook,
  readRevenue,
} from './billing/index.ts';
import type { EventSink } from './core/index.ts';
import type { AnyDatabase, ModuleDeps } from './database/index.ts';
import {
  createOrganizations,
  type OrganizationEvent,
  type Organizations,
  type OrganizationsOptions,
  type RoleDefinitions,
  type RoleName,
} from './organizations/index.ts';
import {
  type AddOnDefinitions,
  createPlans,
  type LimitNameOf,
  type NamesOf,
  type PlanCatalogue,
  type PlanDefinitions,
  type PlanEvent,
  type PlanNameOf,
  type Plans,
  type PlansDeps,
} from './plans/index.ts';
import {
  createPlatform,
  createTenancy,
  type DeclarationsOf,
  type DeclaredTables,
  type Platform,
  type Strategy,
  type StrategyName,
  type Tenancy,
  type TenancyEvent,
  type TenantSource,
} from './tenancy/index.ts';
import {
  createWebhooks,
  type EventDefinitions,
  type WebhookEvent,
  type Webhooks,
  type WebhooksOptions,
} from './webhooks/delivery/index.ts';
import { unwrapStripeWebhook } from './webhooks/index.ts';

export type { Access, AccessResult } from './access/index.ts';
export { isTenantryError, TenantryError } from './core/index.ts';
export { definePlans } from './plans/index.ts';
export {
  createTenantContext,
  fromClaim,
  fromHeader,
  fromHostname,
  fromPath,
  fromSubdomain,
  hybridSeats,
  none,
  own,
  perOrg,
  perUser,
  shared,
  trusted,
} from './tenancy/index.ts';
export { defineEvents } from './webhooks/delivery/index.ts';

/** Everything that happens to tenants. */
export type TenantryEvent =
  | TenancyEvent
  | OrganizationEvent
  | ApiKeyEvent
  | PlanEvent
  | WebhookEvent
  | AuthEvent
  | BillingEvent;

/** What {@link createTenantry} is made from. */
export interface TenantryOptions<
  DB,
  Definitions extends PlanDefinitions,
  Name extends StrategyName,
  Roles extends RoleDefinitions,
  Tables extends DeclarationsOf<DB> | undefined,
  Events extends EventDefinitions = EventDefinitions,
  AddOns extends AddOnDefinitions = AddOnDefinitions,
> extends Omit<ModuleDeps<TenantryEvent>, 'db'> {
  /** The application's database, where `installSchema` has run. */
  readonly db: Kysely<DB>;
  /** The plans, made by `definePlans`. */
  readonly plans: PlanCatalogue<Definitions, AddOns>;
  /** Whether usage is written down by the hour, how late units are taken, and what a process remembers of tenants. */
  readonly usage?: Pick<PlansDeps<PlanDefinitions>, 'history' | 'lateHours' | 'acrossTenants' | 'remembered'>;
  /** Who the tenant is, and on which plan it starts. */
  readonly strategy: Strategy<Name, PlanNameOf<NoInfer<Definitions>>>;
  /** How API keys look and when they open. */
  readonly apiKeys?: ApiKeysOptions;
  /** The application's own roles, added to `owner`, `admin` and `member`, with the permissions that they allow. */
  readonly roles?: Roles;
  /** Who takes a seat, what happens when too many do, and how invitations, teams and their limits are. */
  readonly organizations?: Omit<OrganizationsOptions<Roles, RoleDefinitions>, 'plan' | 'seats' | 'roles'>;
  /** Whose rows the application's tables hold; without it each is taken for a tenant's own, with `tenant_id`. */
  readonly tables?: DeclaredTables<DB, Tables>;
  /** Where requests name their tenant, in the order in which it is looked for; nowhere when absent. */
  readonly resolution?: readonly TenantSource[];
  /** Outgoing webhooks: which events are sent, and how. The library's own events are sent where the catalogue names them. */
  readonly webhooks?: TenantryWebhooks<Events, LimitNameOf<NoInfer<Definitions>>>;
  /** False leaves what happens out of the audit trail; `audit.record` still writes to it. */
  readonly audit?: boolean;
}

/** Outgoing webhooks, where how many endpoints a tenant may have can be a limit of its plan. */
export interface TenantryWebhooks<Events extends EventDefinitions, Limit extends string>
  extends Omit<WebhooksOptions<Events>, 'limits'> {
  /** The name of a limit of the plans (`{ endpoints: 'webhookEndpoints' }`), or what tells how many; any number when absent. */
  readonly limits?: EndpointLimits<Limit>;
}

/** Users, passwords, sessions and access tokens, where `auth` is given. It needs the package `jose`. */
export interface WithAuth<Issuer extends string, Step extends string> {
  readonly auth?: AuthOptions<Step> & { readonly issuer: Issuer };
}

/** The auth module where options for it were given, which name an issuer, and undefined otherwise. */
export type AuthOf<Issuer extends string, Step extends string> = [Issuer] extends [never] ? undefined : Auth<Step>;

/** How tenants pay: who takes the money, what plans cost, and what becomes of who does not pay. */
export type TenantryBilling = Pick<
  BillingOptions,
  'provider' | 'prices' | 'pastDue' | 'whilePaused' | 'anchor' | 'trialFingerprints' | 'manual'
>;

/**
 * Subscriptions, invoices and seats, where `billing` is given. The price list tells whether it is, so that hooks beside it
 * are typed like any others; `Given` tells whether it may be undefined.
 */
export interface WithBilling<Prices extends PriceBook, Given extends TenantryBilling | undefined> {
  readonly billing?: (TenantryBilling & { readonly prices: Prices }) | Given;
}

/** The billing module where options for it were given, undefined where not, and either where nobody knows. */
export type BillingOf<Prices extends PriceBook, Given extends TenantryBilling | undefined, Plan extends string> = [
  Prices,
] extends [never]
  ? undefined
  : undefined extends Given
    ? Billing<Plan> | undefined
    : Billing<Plan>;

/** The modules, bound to one database, one clock and one sink of events. */
export interface Tenantry<
  DB,
  Definitions extends PlanDefinitions,
  Name extends StrategyName,
  Roles extends RoleDefinitions,
  Tables extends DeclarationsOf<DB> | undefined,
  Events extends EventDefinitions = EventDefinitions,
  AddOns extends AddOnDefinitions = AddOnDefinitions,
> {
  readonly tenancy: Tenancy<DB, Tables, Strategy<Name, PlanNameOf<Definitions>>, PlanNameOf<Definitions>>;
  readonly organizations: Organizations<RoleName<Roles>>;
  readonly apiKeys: ApiKeys;
  readonly plans: Plans<NamesOf<Definitions, AddOns>>;
  /** The audit trail, which has an entry for everything that the modules change. */
  readonly audit: Audit;
  /** Outgoing webhooks: endpoints, messages and their delivery. */
  readonly webhooks: Webhooks<Events>;
  /** The views across all tenants. Each look is recorded in `audit.platform`. */
  readonly platform: Platform;
  readonly access: Gate<DB, NamesOf<Definitions, AddOns>, Tables>;
}

/**
 * Binds the modules to a database, a catalogue of plans and a strategy. Each module can be had alone as well, from its
 * own entry point.
 *
 * @throws TenantryError `config_invalid` when the parts do not fit together.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createTenantry, definePlans, hybridSeats } from 'tenantry';
 * import { installSchema } from 'tenantry/database';
 *
 * const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
 * const tenantry = createTenantry({ db, plans, strategy: hybridSeats({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
 *
 * const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Acme' });
 * const { secret } = await tenantry.apiKeys.issue({ tenantId });
 * const access = await tenantry.access.authenticate({ authorization: `Bearer ${secret}` });
 * await access.consume('calls', 1); // { used: 1, limit: 50, remaining: 49, … }
 * ```
 */
export function createTenantry<
  DB,
  const Definitions extends PlanDefinitions,
  Name extends StrategyName,
  const Roles extends RoleDefinitions = Record<never, never>,
  const Tables extends DeclarationsOf<DB> | undefined = undefined,
  const Events extends EventDefinitions = Record<never, never>,
  const Issuer extends string = never,
  const Step extends string = never,
  Prices extends PriceBook = never,
  GivenBilling extends TenantryBilling | undefined = never,
  const AddOns extends AddOnDefinitions = AddOnDefinitions,
>({
  db,
  plans: catalogue,
  usage: usageOptions,
  strategy,
  apiKeys: keyOptions,
  roles,
  organizations: organizationOptions,
  tables,
  resolution,
  audit: audited = true,
  webhooks: webhookOptions,
  auth: authOptions,
  billing: billingOptions,
  events: told,
  ...rest
}: WithAuth<Issuer, Step> &
  WithBilling<Prices, GivenBilling> &
  TenantryOptions<DB, Definitions, Name, Roles, Tables, Events, AddOns>): Tenantry<
  DB,
  Definitions,
  Name,
  Roles,
  Tables,
  Events,
  AddOns
> & {
  readonly auth: AuthOf<Issuer, Step>;
  readonly billing: BillingOf<Prices, GivenBilling, PlanNameOf<Definitions>>;
} {
  checkWiring({ db, plans: catalogue, strategy, roles: roles ?? {} });
  const audit = createAudit({ db, ...rest });
  const { limits: givenLimits, ...webhookRest } = webhookOptions ?? {};
  const limits = endpointLimitsOf(givenLimits, catalogue, async (tenantId, limit, call) => {
    const state = await plans.check(tenantId, limit, call);
    return state.limit;
  });
  const webhooks = createWebhooks<Events>({
    db,
    ...rest,
    ...webhookRest,
    ...(limits !== undefined && { limits }),
    events: async (event, tx) => events?.(event, tx),
  });
  const sendsOwn = [...webhooks.catalogue.events.values()].some((event) => event.own);
  const sinks = joinSinks(joinSinks(audited ? audit.sink : undefined, told), sendsOwn ? webhooks.sink : undefined);
  // Processes that remember keys hear of what happens to tenants and members, also from those that remember none; and so
  // does what takes seats to a bill.
  const seatsToBill: Sink | undefined = billingOptions && (async (event, tx) => billing?.sink(event, tx));
  const events = joinSinks(joinSinks(sinks, tellKeys), seatsToBill);
  const deps = { ...rest, ...(events !== undefined && { events }) };
  const { plan, seats } = strategy;
  const organizations = createOrganizations<Roles, RoleDefinitions>({
    db,
    ...deps,
    ...organizationOptions,
    plan,
    seats: strategy.tenantKind === 'organization' ? seats.initial : null,
    ...(roles !== undefined && { roles }),
    // A suspended member's keys are refused meanwhile; those of a removed one must not open again when they come back.
    async cutAccess(ended, tx) {
      const { tenantId, memberId, how } = ended;
      if (how === 'removed') await apiKeys.revokeAll({ tenantId, memberId }, { db: tx });
      await auth?.cutAccess(ended, tx);
      await organizationOptions?.cutAccess?.(ended, tx);
    },
  });
  const tenancy = createTenancy({
    db,
    ...deps,
    strategy,
    plans: Object.keys(catalogue.plans),
    createOrganization: organizations.create,
    platformEvents: audit.sink,
    ...(billingOptions !== undefined && {
      guardPurge: async (id, call): Promise<void> => billing?.guardPurge(id, call),
    }),
    ...(tables !== undefined && { tables }),
    ...(resolution !== undefined && { resolution }),
  });
  const seatPolicy = organizationOptions?.whenSeatsExceeded;
  const apiKeys = createApiKeys({
    db,
    ...deps,
    ...keyOptions,
    // Where there is a policy, the gate applies it to keys and users alike.
    ...(seatPolicy !== undefined && { seatsExceeded: 'allow' as const }),
  });
  const plans = createPlans({ db, ...deps, ...usageOptions, plans: catalogue });
  const billing =
    billingOptions &&
    createBilling<PlanNameOf<Definitions>>({
      db,
      ...deps,
      ...billingOptions,
      plans: catalogue,
      fallbackPlan: plan,
      setPlan: tenancy.setPlan,
      usage: plans.usage,
      terms: plans.terms,
      unwrapStripe: unwrapStripeWebhook,
    });
  const auth = authOptions && createAuth<Step>({ db, ...deps, ...authOptions, tenancy, platformEvents: audit.sink });
  const access = createGate({
    apiKeys,
    ...(auth !== undefined && { auth }),
    plans,
    tenancy,
    permissionsOf: organizations.permissionsOf,
    ...(deps.clock !== undefined && { clock: deps.clock }),
    ...(seatPolicy !== undefined && { seatPolicy }),
    seatPlaceOf: organizations.seatPlaceOf,
    usageByMember: strategy.bill === 'base+seats+usage',
  });
  const platform = createPlatform({ db, ...rest, events: audit.sink, readRevenue });
  return {
    tenancy,
    organizations,
    apiKeys,
    plans,
    audit,
    platform,
    access,
    webhooks,
    auth: authOf<Issuer, Step>(auth),
    billing: billingOf<Prices, GivenBilling, PlanNameOf<Definitions>>(billing),
  };
}

/** The type of the options says whether there is one. */
function authOf<Issuer extends string, Step extends string>(auth: Auth<Step> | undefined): AuthOf<Issuer, Step>;
function authOf(auth: unknown): unknown {
  return auth;
}

function billingOf<Prices extends PriceBook, Given extends TenantryBilling | undefined, Plan extends string>(
  billing: Billing<Plan> | undefined,
): BillingOf<Prices, Given, Plan>;
function billingOf(billing: unknown): unknown {
  return billing;
}

type Sink = EventSink<TenantryEvent, AnyDatabase>;

function joinSinks(first: Sink | undefined, second: Sink | undefined): Sink | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return async (event, tx) => {
    await first(event, tx);
    await second(event, tx);
  };
}
