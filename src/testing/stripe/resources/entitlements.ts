import { ended } from '../billing/settle.ts';
import { atPath, named } from '../look-up.ts';
import { page, pageParams } from '../paginate.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { FeatureRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';

export const entitlementRoutes: Routes = {
  Entitlements_Features_create: {
    takes: 'lookup_key metadata name',
    run({ world, params }) {
      const key = params.need('lookup_key');
      for (const other of world.features.values()) {
        if (other.active && other.lookup_key === key) {
          throw invalid(`A feature with the lookup key ${key} already exists.`, { param: 'lookup_key' });
        }
      }
      const row: FeatureRow = {
        id: world.id('feat'),
        object: 'entitlements.feature',
        active: true,
        lookup_key: key,
        metadata: params.metadata(),
        name: params.need('name'),
        products: new Map(),
      };
      world.features.set(row.id, row);
      return shapeOf(world, row);
    },
  },
  Entitlements_Features_retrieve: {
    takes: '',
    run: ({ world, id }) => shapeOf(world, atPath(world.features, id(), 'feature')),
  },
  Entitlements_Features_update: {
    takes: 'active metadata name',
    run({ world, params, id }) {
      const row = atPath(world.features, id(), 'feature');
      row.active = params.flag('active') ?? row.active;
      row.name = params.text('name') ?? row.name;
      row.metadata = params.metadata(row.metadata);
      return shapeOf(world, row);
    },
  },
  Entitlements_Features_list: {
    takes: `${pageParams} archived lookup_key`,
    run({ world, params }) {
      const [archived, key] = [params.flag('archived'), params.text('lookup_key')];
      const rows = [...world.features.values()].filter(
        (row) => (archived === undefined || row.active !== archived) && (key === undefined || row.lookup_key === key),
      );
      return page(
        params,
        '/v1/entitlements/features',
        rows.reverse().map((row) => ({ id: row.id, wire: () => shapeOf(world, row) })),
      );
    },
  },
  Products_createFeature: {
    takes: 'entitlement_feature',
    run({ world, params, id }) {
      const product = atPath(world.products, id(), 'product');
      const row = named(world.features, params.need('entitlement_feature'), 'feature', 'entitlement_feature');
      const link = row.products.get(product.id) ?? world.id('prodft');
      row.products.set(product.id, link);
      return linkOf(world, row, link);
    },
  },
  Products_listFeatures: {
    takes: pageParams,
    run({ world, params, id }) {
      const product = atPath(world.products, id(), 'product');
      const links = [...world.features.values()].flatMap((row) => {
        const link = row.products.get(product.id);
        return link === undefined ? [] : [{ id: link, wire: () => linkOf(world, row, link) }];
      });
      return page(params, `/v1/products/${product.id}/features`, links.reverse());
    },
  },
  Products_deleteFeature: {
    takes: '',
    run({ world, id }) {
      for (const row of world.features.values()) {
        if (row.products.get(id('productId')) === id()) row.products.delete(id('productId'));
      }
      return { id: id(), object: 'product_feature', deleted: true };
    },
  },
  Entitlements_ActiveEntitlements_list: {
    takes: `${pageParams} customer`,
    run({ world, params }) {
      const customer = named(world.customers, params.need('customer'), 'customer', 'customer');
      const products = productsOf(world, customer.id);
      const active = [...world.features.values()].filter((row) =>
        [...row.products.keys()].some((product) => products.has(product)),
      );
      return page(
        params,
        '/v1/entitlements/active_entitlements',
        active.map((row) => {
          const id = `ent_${customer.id}_${row.id}`;
          const wire: Wire = {
            id,
            object: 'entitlements.active_entitlement',
            feature: row.id,
            livemode: world.livemode,
            lookup_key: row.lookup_key,
          };
          return { id, wire: () => wire };
        }),
      );
    },
  },
};

/** The products that a customer has: those of subscriptions that are not over and were paid for. */
function productsOf(world: World, customer: string): ReadonlySet<string> {
  const products = new Set<string>();
  for (const subscription of world.subscriptions.values()) {
    if (subscription.customer !== customer || ended(subscription)) continue;
    if (subscription.status === 'incomplete' || subscription.status === 'paused') continue;
    for (const item of subscription.items) products.add(world.prices.get(item.price)?.product ?? '');
  }
  return products;
}

function shapeOf(world: World, { products: _, ...row }: FeatureRow): Wire {
  return { ...row, livemode: world.livemode };
}

function linkOf(world: World, row: FeatureRow, id: string): Wire {
  return { id, object: 'product_feature', entitlement_feature: shapeOf(world, row), livemode: world.livemode };
}
