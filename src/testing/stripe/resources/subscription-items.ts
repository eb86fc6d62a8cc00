import { changeItems } from '../billing/change-items.ts';
import { ended } from '../billing/settle.ts';
import { named } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import { present } from '../present.ts';
import { invalid, missing } from '../refusal.ts';
import type { Routes } from '../route.ts';
import type { SubscriptionItemRow, SubscriptionRow } from '../rows.ts';
import type { World } from '../world.ts';
import { changedItem, newItem } from './read-items.ts';
import { changeOf } from './update-subscription.ts';

const change = 'metadata payment_behavior price price_data proration_behavior proration_date quantity';

export const subscriptionItemRoutes: Routes = {
  SubscriptionItems_create: {
    takes: `${change} subscription`,
    run({ world, params }) {
      const row = living(named(world.subscriptions, params.need('subscription'), 'subscription', 'subscription'));
      const item = newItem(world, row, params, '');
      if (row.items.some(({ price }) => price === item.price)) {
        throw invalid(`Cannot add multiple subscription items with the same plan: ${item.price}`, { param: 'price' });
      }
      apply(world, row, [...row.items, item], params);
      return present(world, itemOf(row, item.id));
    },
  },
  SubscriptionItems_retrieve: { takes: '', run: ({ world, id }) => present(world, find(world, id()).item) },
  SubscriptionItems_update: {
    takes: `${change} off_session`,
    run({ world, params, id }) {
      const { row, item } = find(world, id());
      living(row);
      const changed = changedItem(world, row, item, params, '');
      apply(
        world,
        row,
        row.items.map((each) => (each === item ? changed : each)),
        params,
      );
      return present(world, itemOf(row, item.id));
    },
  },
  SubscriptionItems_del: {
    takes: 'clear_usage payment_behavior proration_behavior proration_date',
    run({ world, params, id }) {
      const { row, item } = find(world, id());
      living(row);
      const rest = row.items.filter((each) => each !== item);
      if (rest.length === 0) throw invalid('A subscription must have at least one item.');
      apply(world, row, rest, params, params.flag('clear_usage') === true ? new Set([item.id]) : undefined);
      return { id: item.id, object: 'subscription_item', deleted: true };
    },
  },
  SubscriptionItems_list: {
    takes: `${pageParams} subscription`,
    run({ world, params }) {
      const row = named(world.subscriptions, params.need('subscription'), 'subscription', 'subscription');
      return pageOf(world, params, '/v1/subscription_items', [...row.items].reverse());
    },
  },
};

function apply(
  world: World,
  row: SubscriptionRow,
  items: readonly SubscriptionItemRow[],
  params: Parameters<typeof changeOf>[0],
  clear?: ReadonlySet<string>,
): void {
  world.change('customer.subscription.updated', row, (kept) => {
    changeItems(world, kept, items, changeOf(params, clear));
  });
}

function find(world: World, id: string): { readonly row: SubscriptionRow; readonly item: SubscriptionItemRow } {
  for (const row of world.subscriptions.values()) {
    const item = row.items.find((each) => each.id === id);
    if (item !== undefined) return { row, item };
  }
  throw missing('subscription_item', id, 'item');
}

function itemOf(row: SubscriptionRow, id: string): SubscriptionItemRow {
  const item = row.items.find((each) => each.id === id) ?? row.pending_update?.items.find((each) => each.id === id);
  if (item === undefined) throw missing('subscription_item', id, 'item');
  return item;
}

function living(row: SubscriptionRow): SubscriptionRow {
  if (ended(row)) throw invalid('A canceled subscription can only update its cancellation_details and metadata.');
  return row;
}
