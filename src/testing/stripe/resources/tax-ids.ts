import { atPath } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import type { Params } from '../params.ts';
import { present } from '../present.ts';
import { missing } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { TaxIdRow } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';
import { customerOf } from './customers.ts';

export const taxIdRoutes: Routes = {
  TaxIds_create: {
    takes: 'owner type value',
    run: ({ world, params }) => create(world, params, params.hash('owner')?.need('customer') ?? ''),
  },
  TaxIds_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.taxIds, id(), 'tax id')) },
  TaxIds_list: {
    takes: `${pageParams} owner`,
    run({ world, params }) {
      const owner = params.hash('owner')?.text('customer');
      const rows = [...world.taxIds.values()].filter((row) => owner === undefined || row.customer === owner);
      return pageOf(world, params, '/v1/tax_ids', rows);
    },
  },
  TaxIds_del: { takes: '', run: ({ world, id }) => remove(world, atPath(world.taxIds, id(), 'tax id')) },
  Customers_createTaxId: { takes: 'type value', run: ({ world, params, id }) => create(world, params, id()) },
  Customers_listTaxIds: {
    takes: pageParams,
    run({ world, params, id }) {
      atPath(world.customers, id(), 'customer');
      const rows = [...world.taxIds.values()].filter((row) => row.customer === id());
      return pageOf(world, params, `/v1/customers/${id()}/tax_ids`, rows);
    },
  },
  Customers_retrieveTaxId: {
    takes: '',
    run: ({ world, id }) => present(world, ofCustomer(world, id(), id('customerId'))),
  },
  Customers_deleteTaxId: {
    takes: '',
    run: ({ world, id }) => remove(world, ofCustomer(world, id(), id('customerId'))),
  },
};

function create(world: World, params: Params, owner: string): Wire {
  const row: TaxIdRow = {
    id: world.id('txi'),
    object: 'tax_id',
    created: world.now,
    customer: customerOf(world, owner, 'owner[customer]').id,
    type: params.need('type'),
    value: params.need('value'),
  };
  world.taxIds.set(row.id, row);
  world.tell('customer.tax_id.created', row);
  return present(world, row);
}

function remove(world: World, row: TaxIdRow): Wire {
  world.taxIds.delete(row.id);
  world.tell('customer.tax_id.deleted', row);
  return { id: row.id, object: 'tax_id', deleted: true };
}

function ofCustomer(world: World, id: string, customer: string): TaxIdRow {
  const row = atPath(world.taxIds, id, 'tax id');
  if (row.customer !== customer) throw missing('tax id', id);
  return row;
}
