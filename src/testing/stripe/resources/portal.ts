import { atPath, named } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { PortalConfigurationRow, PortalSessionRow } from '../rows.ts';
import { isHash, type Value } from '../wire.ts';
import type { World } from '../world.ts';
import { customerOf } from './customers.ts';

export const portalRoutes: Routes = {
  BillingPortal_Sessions_create: {
    takes: 'configuration customer flow_data locale return_url',
    run({ world, params }) {
      const customer = customerOf(world, params.need('customer'));
      const row: PortalSessionRow = {
        id: world.id('bps'),
        object: 'billing_portal.session',
        created: world.now,
        configuration: configurationOf(world, params.text('configuration')).id,
        customer: customer.id,
        flow: flowOf(world, customer.id, params.hash('flow_data')),
        locale: params.text('locale') ?? null,
        return_url: params.text('return_url') ?? null,
      };
      world.portalSessions.set(row.id, row);
      world.tell('billing_portal.session.created', row);
      return present(world, row);
    },
  },
  BillingPortal_Configurations_create: {
    takes: 'business_profile default_return_url features login_page metadata name',
    run({ world, params }) {
      const row = blank(world, false);
      fill(row, params);
      world.portalConfigurations.set(row.id, row);
      world.tell('billing_portal.configuration.created', row);
      return present(world, row);
    },
  },
  BillingPortal_Configurations_retrieve: {
    takes: '',
    run: ({ world, id }) => present(world, atPath(world.portalConfigurations, id(), 'configuration')),
  },
  BillingPortal_Configurations_update: {
    takes: 'active business_profile default_return_url features login_page metadata name',
    run({ world, params, id }) {
      const row = atPath(world.portalConfigurations, id(), 'configuration');
      world.change('billing_portal.configuration.updated', row, (kept) => {
        kept.active = params.flag('active') ?? kept.active;
        fill(kept, params);
        kept.updated = world.now;
      });
      return present(world, row);
    },
  },
  BillingPortal_Configurations_list: {
    takes: `${pageParams} active is_default`,
    run({ world, params }) {
      const [active, standard] = [params.flag('active'), params.flag('is_default')];
      const rows = [...world.portalConfigurations.values()].filter(
        (row) =>
          (active === undefined || row.active === active) && (standard === undefined || row.is_default === standard),
      );
      return pageOf(world, params, '/v1/billing_portal/configurations', rows);
    },
  },
};

function configurationOf(world: World, id: string | undefined): PortalConfigurationRow {
  if (id !== undefined) return named(world.portalConfigurations, id, 'configuration', 'configuration');
  for (const row of world.portalConfigurations.values()) if (row.is_default) return row;
  const row = blank(world, true);
  world.portalConfigurations.set(row.id, row);
  return row;
}

function blank(world: World, standard: boolean): PortalConfigurationRow {
  return {
    id: world.id('bpc'),
    object: 'billing_portal.configuration',
    created: world.now,
    metadata: {},
    active: true,
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    default_return_url: null,
    features: {
      customer_update: { allowed_updates: ['email', 'tax_id'], enabled: standard },
      invoice_history: { enabled: true },
      payment_method_update: { enabled: true, payment_method_configuration: null },
      subscription_cancel: {
        cancellation_reason: { enabled: false, feedback_options: [], options: ['too_expensive', 'other'] },
        enabled: standard,
        mode: 'at_period_end',
        proration_behavior: 'none',
      },
      subscription_pause: { enabled: false, duration: { interval_options: [], type: 'indefinite' } },
      subscription_update: {
        billing_cycle_anchor: null,
        default_allowed_updates: [],
        enabled: false,
        proration_behavior: 'none',
        schedule_at_period_end: { conditions: [] },
        trial_update_behavior: 'end_trial',
      },
    },
    is_default: standard,
    login_page: false,
    name: null,
    updated: world.now,
  };
}

function fill(row: PortalConfigurationRow, params: Params): void {
  row.metadata = params.metadata(row.metadata);
  row.name = params.text('name') ?? row.name;
  row.default_return_url = params.textOrNull('default_return_url') ?? row.default_return_url;
  row.login_page = params.hash('login_page')?.flag('enabled') ?? row.login_page;
  row.business_profile = merged(row.business_profile, params.raw('business_profile'));
  const features = merged(row.features, params.raw('features'));
  if (isHash(features)) row.features = withProducts(features);
}

/** The products whose prices may be chosen, with what a request leaves open. */
function withProducts(features: { readonly [name: string]: Value }): { readonly [name: string]: Value } {
  const update = features.subscription_update;
  if (update === undefined || !isHash(update) || !Array.isArray(update.products)) return features;
  const quantity = { enabled: false, maximum: null, minimum: 1 };
  const products = update.products.filter(isHash).map((product) => ({
    ...product,
    adjustable_quantity: merged(quantity, product.adjustable_quantity),
  }));
  return { ...features, subscription_update: { ...update, products } };
}

/** What was, with what a request says on top, level by level. */
function merged(before: Value, after: Value | undefined): Value {
  if (after === undefined) return before;
  if (!isHash(before) || !isHash(after)) return after;
  return {
    ...before,
    ...Object.fromEntries(Object.entries(after).map(([name, value]) => [name, merged(before[name] ?? null, value)])),
  };
}

function flowOf(world: World, customer: string, flow: Params | undefined): Value {
  if (flow === undefined) return null;
  const type = flow.need('type');
  const details = flow.hash(type);
  const id = details?.text('subscription');
  if (['subscription_cancel', 'subscription_update', 'subscription_update_confirm'].includes(type)) {
    const param = `flow_data[${type}][subscription]`;
    const subscription = named(world.subscriptions, id ?? '', 'subscription', param);
    if (subscription.customer !== customer) throw invalid('The subscription belongs to another customer.', { param });
    if (subscription.status === 'canceled') throw invalid('The subscription is already canceled.', { param });
    if (type === 'subscription_cancel' && subscription.cancel_at !== null) {
      throw invalid('This subscription is already set to be canceled at period end.', { param });
    }
  }
  const after = flow.hash('after_completion');
  const redirect = after?.hash('redirect');
  const confirmation = after?.hash('hosted_confirmation');
  return {
    after_completion: {
      hosted_confirmation:
        confirmation === undefined ? null : { custom_message: confirmation.text('custom_message') ?? null },
      redirect: redirect === undefined ? null : { return_url: redirect.need('return_url') },
      type: after?.text('type') ?? 'portal_homepage',
    },
    customer_update: type === 'customer_update' ? {} : null,
    subscription_cancel: type === 'subscription_cancel' ? { retention: null, subscription: id ?? '' } : null,
    subscription_pause: type === 'subscription_pause' ? { subscription: id ?? '' } : null,
    subscription_update: type === 'subscription_update' ? { subscription: id ?? '' } : null,
    subscription_update_confirm:
      type === 'subscription_update_confirm'
        ? {
            discounts: details?.raw('discounts') ?? null,
            items: (details?.hashes('items') ?? []).map((item) => ({
              id: item.need('id'),
              price: item.text('price') ?? null,
              ...(item.has('quantity') ? { quantity: item.number('quantity') ?? 1 } : {}),
            })),
            subscription: id ?? '',
          }
        : null,
    type,
  };
}
