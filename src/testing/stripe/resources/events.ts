import { atPath } from '../look-up.ts';
import { pageOf, pageParams } from '../paginate.ts';
import { present } from '../present.ts';
import type { Routes } from '../route.ts';
import type { WebhookEndpointRow } from '../rows.ts';

export const eventRoutes: Routes = {
  Events_retrieve: { takes: '', run: ({ world, id }) => present(world, atPath(world.events, id(), 'event')) },
  Events_list: {
    takes: `${pageParams} created delivery_success type types`,
    run({ world, params }) {
      const type = params.text('type');
      const types = params.texts('types') ?? (type === undefined ? undefined : [type]);
      const oldest = world.now - 30 * 86_400;
      const rows = [...world.events.values()].filter(
        (row) => row.created >= oldest && (types === undefined || types.some((wanted) => matches(wanted, row.type))),
      );
      return pageOf(world, params, '/v1/events', rows);
    },
  },
  WebhookEndpoints_create: {
    takes: 'api_version description enabled_events metadata url',
    run({ world, params }) {
      const row: WebhookEndpointRow = {
        id: world.id('we'),
        object: 'webhook_endpoint',
        created: world.now,
        metadata: params.metadata(),
        description: params.text('description') ?? null,
        enabled_events: params.texts('enabled_events') ?? ['*'],
        status: 'enabled',
        url: params.need('url'),
      };
      world.webhookEndpoints.set(row.id, row);
      return { ...present(world, row), secret: world.id('whsec') };
    },
  },
  WebhookEndpoints_retrieve: {
    takes: '',
    run: ({ world, id }) =>
      present(world, atPath(world.webhookEndpoints, id(), 'webhook endpoint', 'webhook_endpoint')),
  },
  WebhookEndpoints_update: {
    takes: 'description disabled enabled_events metadata url',
    run({ world, params, id }) {
      const row = atPath(world.webhookEndpoints, id(), 'webhook endpoint', 'webhook_endpoint');
      row.metadata = params.metadata(row.metadata);
      row.description = params.text('description') ?? row.description;
      row.enabled_events = params.texts('enabled_events') ?? row.enabled_events;
      row.url = params.text('url') ?? row.url;
      if (params.has('disabled')) row.status = params.flag('disabled') === true ? 'disabled' : 'enabled';
      return present(world, row);
    },
  },
  WebhookEndpoints_list: {
    takes: pageParams,
    run: ({ world, params }) => pageOf(world, params, '/v1/webhook_endpoints', world.webhookEndpoints.values()),
  },
  WebhookEndpoints_del: {
    takes: '',
    run({ world, id }) {
      const row = atPath(world.webhookEndpoints, id(), 'webhook endpoint', 'webhook_endpoint');
      world.webhookEndpoints.delete(row.id);
      return { id: row.id, object: 'webhook_endpoint', deleted: true };
    },
  },
};

/** Whether an event type is meant by a name, which may end in `*`. */
function matches(wanted: string, type: string): boolean {
  return wanted === '*' || wanted === type || (wanted.endsWith('.*') && type.startsWith(wanted.slice(0, -1)));
}
