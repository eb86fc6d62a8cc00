import { atPath, named } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { ProductRow } from '../rows.ts';
import type { World } from '../world.ts';
import { createPrice } from './prices.ts';

const fields =
  'active description images marketing_features metadata name shippable statement_descriptor tax_code unit_label url';

export const productRoutes: Routes = {
  Products_create: {
    takes: `${fields} id type default_price_data`,
    run({ world, params }) {
      const id = params.text('id') ?? world.id('prod');
      if (world.products.has(id)) {
        throw invalid(`Product already exists.`, { code: 'resource_already_exists', param: 'id' });
      }
      const row: ProductRow = {
        id,
        object: 'product',
        created: world.now,
        metadata: {},
        active: true,
        default_price: null,
        description: null,
        images: [],
        marketing_features: [],
        name: params.need('name'),
        shippable: null,
        statement_descriptor: null,
        tax_code: null,
        unit_label: null,
        updated: world.now,
        url: null,
      };
      fill(world, row, params);
      world.products.set(id, row);
      world.tell('product.created', row);
      const price = params.hash('default_price_data');
      if (price !== undefined) row.default_price = createPrice(world, price, id).id;
      return present(world, row);
    },
  },
  Products_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.products, id(), 'product')) },
  Products_update: {
    takes: `${fields} default_price`,
    run({ world, params, id }) {
      const row = atPath(world.products, id(), 'product');
      world.change('product.updated', row, (kept) => {
        fill(world, kept, params);
        kept.updated = world.now;
      });
      return present(world, row);
    },
  },
  Products_del: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.products, id(), 'product');
      if ([...world.prices.values()].some(({ product }) => product === row.id)) {
        throw invalid('This product cannot be deleted because it has one or more user-created prices.');
      }
      world.products.delete(row.id);
      world.tell('product.deleted', row);
      return { id: row.id, object: 'product', deleted: true };
    },
  },
  Products_list: {
    takes: `${pageParams} active created ids type`,
    run({ world, params }) {
      const active = params.flag('active');
      const ids = params.texts('ids');
      const rows = [...world.products.values()].filter(
        (row) => (active === undefined || row.active === active) && (ids === undefined || ids.includes(row.id)),
      );
      return pageOf(world, params, '/v1/products', rows);
    },
  },
};

function fill(world: World, row: ProductRow, params: Params): void {
  for (const name of ['description', 'statement_descriptor', 'tax_code', 'unit_label', 'url'] as const) {
    const value = params.textOrNull(name);
    if (value !== undefined) row[name] = value;
  }
  row.name = params.text('name') ?? row.name;
  row.active = params.flag('active') ?? row.active;
  row.shippable = params.flag('shippable') ?? row.shippable;
  row.images = params.texts('images') ?? row.images;
  if (params.has('marketing_features')) row.marketing_features = params.raw('marketing_features') ?? [];
  row.metadata = params.metadata(row.metadata);
  const price = params.text('default_price');
  if (price !== undefined) row.default_price = named(world.prices, price, 'price', 'default_price').id;
}
