import { opaqueId, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import { readLimit } from '../core/page.ts';
import { deadMessages, replayMessages } from '../database/inbox-queue.ts';
import { type CallOptions, inTransaction, type ModuleDeps } from '../database/index.ts';
import type { PlanCatalogue, Usage } from '../plans/index.ts';
import type { AddOnTerms } from './add-ons/apply-add-ons.ts';
import { createAlone } from './alone.ts';
import type { SubscriptionBilling } from './billing-interface.ts';
import type { BillingRules, PastDueRule } from './billing-rules.ts';
import { type BillingPage, readPage } from './books/billing-page.ts';
import { createDocuments } from './books/create-documents.ts';
import type { BillingDocuments } from './books/documents-interface.ts';
import { applyCatalogueSync } from './catalogue/apply-catalogue-sync.ts';
import { checkCatalogue } from './catalogue/check-catalogue.ts';
import type { PriceProblem } from './catalogue/compare-price.ts';
import { type CatalogueStep, type CatalogueSync, planCatalogueSync } from './catalogue/plan-catalogue-sync.ts';
import { checkFingerprints } from './check-input.ts';
import { checkedTenant } from './checked-tenant.ts';
import { createCheckout } from './checkout.ts';
import { createDocumentMirror } from './documents/create-document-mirror.ts';
import type { BillingEvent } from './events.ts';
import type { Ground, SetPlan } from './ground.ts';
import { guardPurge } from './guard-purge.ts';
import { inboxSource } from './inbox-source.ts';
import { createManualBooks, type ManualBooks } from './manual/manual-books.ts';
import type { ManualOptions } from './manual/manual-options.ts';
import { manualOptionsOf } from './manual/manual-provider.ts';
import type { PriceBook } from './price-book.ts';
import { createPriceIndex } from './price-index.ts';
import type { MakeProvider, UnwrapStripe } from './provider.ts';
import { createReceive } from './receive.ts';
import { createReconcile } from './reconcile.ts';
import { type AnyEvent, createSeatSync, type SeatSync } from './seats/create-seat-sync.ts';
import { signalOf } from './signal.ts';
import { readState } from './state.ts';
import { createSubscriptions } from './subscriptions.ts';
import { syncHeld } from './sync.ts';
import { applyTransition } from './transitions/apply-transition.ts';
import { planTransition } from './transitions/plan-transition.ts';
import type { TransitionInput, TransitionPlan, TransitionResult } from './transitions/transition.ts';
import { createUsageSync } from './usage/create-usage-sync.ts';
import { createWorker } from './worker.ts';

/** How plans follow what is paid. */
export interface BillingRuleOptions {
  /** What a tenant has while it does not pay; 14 days of grace, and then the plan without a subscription, when absent. */
  readonly pastDue?: PastDueRule;
  /** What a tenant has while its subscription is paused; the plan without a subscription (`fall-back`) when absent. */
  readonly whilePaused?: BillingRules['whilePaused'];
  /** Whether the periods of quotas are counted from where the subscription's are (`follow`, the default). */
  readonly anchor?: BillingRules['anchor'];
  /**
   * Tells what people are known by, as digests, whenever a trial is to begin: who tried once under another tenant has no
   * second one. It is asked beside the `fingerprints` of a call, and tells the same when it is asked again.
   */
  readonly trialFingerprints?: (trial: {
    readonly tenantId: string;
    readonly plan: string;
  }) => readonly string[] | Promise<readonly string[]>;
}

/** What {@link createBilling} is made from. */
export interface BillingOptions<Plan extends string = string> extends ModuleDeps<BillingEvent>, BillingRuleOptions {
  /** Who takes the money: what `stripeProvider` or `manualProvider` gives. */
  readonly provider: MakeProvider;
  /** What the plans cost, made by `definePrices`. */
  readonly prices: PriceBook;
  /** The plans: how long each can be tried. */
  readonly plans: PlanCatalogue;
  /** The plan of a tenant whose subscription ended. */
  readonly fallbackPlan: NoInfer<Plan>;
  /** Puts a tenant on a plan: `tenancy.setPlan`. */
  readonly setPlan: SetPlan;
  /** Tells what was used beyond quotas: `plans.usage`; usage is not billed when absent. */
  readonly usage?: Pick<Usage, 'export' | 'periods'>;
  /** Sets the add-ons that are paid: `plans.terms`; add-ons do not follow what is paid when absent. */
  readonly terms?: AddOnTerms;
  /** How invoices are numbered that are written by hand; the provider `manual` brings its own. */
  readonly manual?: ManualOptions;
  /** Verifies webhooks of Stripe: `unwrapStripeWebhook` of `tenantry/webhooks`. Needed for Stripe. */
  readonly unwrapStripe?: UnwrapStripe;
}

/** Billing with all of its parts. */
export interface Billing<Plan extends string = string> extends SubscriptionBilling<Plan>, BillingDocuments {
  /** Invoices and payments that are written down by hand, whoever the provider is. */
  readonly books: ManualBooks;
  /**
   * Everything that a page about billing shows, from our own rows: the provider is not asked.
   *
   * @throws TenantryError `tenant_not_found`.
   */
  page(input: { readonly tenantId: string }, options?: CallOptions): Promise<BillingPage>;
  /** Seats at the provider: they follow members by themselves, and here at once. */
  readonly seats: Pick<SeatSync, 'sync' | 'raise'>;
  /**
   * Tells the provider at once of what a tenant used beyond its quotas; the worker does so every quarter of an hour. Gives
   * how many units that were.
   */
  reportUsage(tenantId: string): Promise<number>;
  /** Compares the price list with the provider's, for when the program starts. Nothing is told when all is well. */
  checkPrices(): Promise<readonly PriceProblem[]>;
  /** What a change of tenancy asks of the provider: after tenants were merged or split, or changed their strategy. */
  readonly transitions: {
    /**
     * Tells what would be asked. The provider is looked at, and asked for nothing.
     *
     * @throws TenantryError `plan_not_sold`, `tenant_not_found`, `name_invalid`.
     */
    plan(input: TransitionInput<Plan>): Promise<TransitionPlan>;
    /**
     * Asks for it, or goes on with what was planned under that name. Called again nothing is asked for twice.
     *
     * @throws TenantryError `config_invalid` for a plan of other tenants or wishes than what stands under that name.
     */
    apply(plan: TransitionPlan): Promise<TransitionResult>;
  };
  /** Brings what is sold at the provider to what the price list says: `tenantry billing sync-catalog` does so. */
  readonly catalogue: {
    /** Tells what would be done, and does nothing. */
    plan(): Promise<CatalogueSync>;
    /**
     * Does what a plan says, telling of each step.
     *
     * @throws TenantryError `config_invalid` for a plan with problems, or of another provider or mode.
     */
    apply(sync: CatalogueSync, onStep?: (step: CatalogueStep) => void): Promise<void>;
  };
  /** Takes in what happens to members, in the transaction in which it does: hand it the events of the other modules. */
  readonly sink: (event: AnyEvent, tx: NonNullable<ModuleDeps['db']>) => Promise<void>;
}

/**
 * Makes the billing module.
 *
 * @throws TenantryError `config_invalid` for parts that do not fit together; `plan_unknown`.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import Stripe from 'stripe';
 * import { createBilling, definePrices, stripeProvider } from 'tenantry/billing';
 * import { installSchema } from 'tenantry/database';
 * import { definePlans } from 'tenantry/plans';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 * import { createFakeStripe } from 'tenantry/testing';
 * import { unwrapStripeWebhook } from 'tenantry/webhooks';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const fake = createFakeStripe(); // in a program the real one
 * const stripe = new Stripe('sk_test_fake', { httpClient: Stripe.createFetchHttpClient(fake.fetch) });
 * const tenancy = createTenancy({ db, strategy: perUser({ plan: 'free' }) });
 * const plans = definePlans({ free: {}, pro: {} });
 *
 * const billing = createBilling({
 *   db,
 *   clock: fake.clock,
 *   plans,
 *   prices: definePrices(plans, { plans: { pro: { month: { base: 2_900 } } } }),
 *   provider: stripeProvider({ stripe, livemode: false, webhookSecret: 'whsec_of_the_endpoint' }),
 *   fallbackPlan: 'free',
 *   setPlan: tenancy.setPlan,
 *   unwrapStripe: unwrapStripeWebhook,
 * });
 * await billing.catalogue.apply(await billing.catalogue.plan());
 * const { tenantId } = await tenancy.provision({ userId: 'ada' });
 * const urls = { successUrl: 'https://app.example/back', cancelUrl: 'https://app.example/plans' };
 * const { url } = await billing.checkout({ tenantId, plan: 'pro', ...urls });
 * ```
 */
export function createBilling<Plan extends string = string>(options: BillingOptions<Plan>): Billing<Plan> {
  const { db, clock = systemClock, ids = uuidv7, events, prices, plans, setPlan } = options;
  const provider = options.provider({ db, clock, ids, unwrapStripe: options.unwrapStripe });
  const publish: Ground['publish'] = async (tx, event) => {
    // A subscription that begins or changes may have other seats than there are by then.
    await seats.sink(event, tx);
    await events?.({ id: ids(), occurredAt: clock(), ...event }, tx);
  };
  const ground: Ground = {
    db,
    clock,
    ids,
    provider,
    prices,
    priceIndex: createPriceIndex(prices, provider, clock),
    rules: rulesOf(options, plans),
    setPlan,
    terms: options.terms,
    fingerprintsOf: async (trial, given = []) =>
      checkFingerprints([...given, ...((await options.trialFingerprints?.(trial)) ?? [])]),
    trialDaysOf: (plan) => (Object.hasOwn(plans.plans, plan) ? plans.plans[plan]?.trialDays : undefined),
    documents: createDocumentMirror({ clock, publish }),
    publish,
    inTransaction: (call, work) => inTransaction(db, call?.db, work),
    ...createAlone({ db, clock, ids, provider }),
  };
  const { closeOpen, ...checkouts } = createCheckout(ground);
  const usage = options.usage === undefined ? undefined : createUsageSync(ground, { usage: options.usage });
  const subscriptions = createSubscriptions(ground, { closeOpen, tellUsage: usage?.sync });
  const seats = createSeatSync(ground, {
    refresh: (tenantId) => ground.alone(tenantId, (held) => syncHeld(ground, held)),
  });
  const nothing = async () => ({ done: 0, failed: 0 });
  const source = inboxSource(provider);
  const { books, corrections } = createManualBooks(ground, manualOptionsOf(provider) ?? options.manual ?? {});
  return {
    ...createDocuments(ground, corrections),
    books,
    page: ({ tenantId }, call) => readPage({ db: call?.db ?? db, prices, usage: options.usage }, tenantId),
    seats: {
      sync: async (tenantId) => seats.sync(checkedTenant(tenantId)),
      raise: async (tenantId, tx) => seats.raise(checkedTenant(tenantId), tx),
    },
    reportUsage: async (tenantId) => (await usage?.sync(checkedTenant(tenantId))) ?? 0,
    checkPrices: async () => checkCatalogue(provider, prices),
    transitions: {
      plan: (input) => planTransition(ground, input),
      apply: (plan) => applyTransition(ground, plan, { closeOpen }),
    },
    catalogue: {
      plan: () => planCatalogueSync(provider, prices),
      apply: (sync, onStep) => applyCatalogueSync(provider, sync, onStep),
    },
    ...subscriptions,
    state: (tenantId, call) => readState(call?.db ?? db, tenantId),
    ...checkouts,
    receive: createReceive(ground),
    ...createWorker(ground, { seats: seats.workDue, usage: usage?.workDue ?? nothing }),
    events: {
      async dead({ limit } = {}) {
        const found = await deadMessages(db, source, readLimit(limit));
        return found.map(({ signal, ...message }) => ({ ...message, type: signalOf(signal)?.type ?? '' }));
      },
      async replay({ ids: named } = {}) {
        for (const id of named ?? []) opaqueId('ids', id);
        return named?.length === 0 ? 0 : replayMessages(db, { source, ids: named, now: clock() });
      },
    },
    reconcile: createReconcile(ground),
    guardPurge: (tenantId, call) => guardPurge(call?.db ?? db, tenantId, clock()),
    sink: seats.sink,
  };
}

function rulesOf(
  { pastDue = {}, whilePaused = 'fall-back', anchor = 'follow', fallbackPlan }: BillingOptions,
  plans: PlanCatalogue,
): BillingRules {
  if (!Object.hasOwn(plans.plans, fallbackPlan)) {
    throw new TenantryError('plan_unknown', { plan: fallbackPlan, known: Object.keys(plans.plans) });
  }
  const { graceDays = 14, afterGrace = 'fall-back' } = pastDue;
  if (!(Number.isFinite(graceDays) && graceDays >= 0 && graceDays <= 3650)) {
    throw new TenantryError('config_invalid', { path: 'billing.pastDue.graceDays', problem: 'is a number of days' });
  }
  return { fallbackPlan, pastDue: { graceDays, afterGrace }, whilePaused, anchor };
}
