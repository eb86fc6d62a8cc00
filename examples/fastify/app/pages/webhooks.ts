import { choice, field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { badge, card, named, nextPage, pageOf, sure, table, when } from '../parts.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

/** Webhooks: where a customer is told of calls, and what came of it. */
export function webhookPages({ guarded, receptionist }: Site): void {
  const { endpoints, ...webhooks } = receptionist.webhooks;
  const types = [...receptionist.webhooks.catalogue.events.keys()];
  const filters = [['*', 'Everything'], ...types.map((type) => [type, type] as const)] as const;

  async function showAll(request: Guarded, { form, tried }: Told): Promise<View> {
    const { access } = request;
    const { items, nextCursor } = await endpoints.list({ tenantId: access.tenant.id, ...pageOf(request) });
    const rows = items.map(({ id, url, status, filters: wanted }) => [
      html`<a href="/webhooks/${id}">${url}</a>`,
      wanted.includes('*') ? 'everything' : wanted.join(', '),
      badge(status),
    ]);
    const add = form('/webhooks', 'Add the webhook', [
      field({ name: 'url', label: 'Address', type: 'url', tried }),
      choice({ name: 'filter', label: 'Of what to tell', options: filters, value: '*', tried }),
    ]);
    return {
      title: 'Webhooks',
      body: html`${table('Webhooks', ['Address', 'Tells of', 'State'], rows, 'Nobody is told yet.')}
${nextPage('/webhooks', nextCursor, 'More webhooks')}
${
  (await access.has('webhooks'))
    ? card('Add a webhook', add)
    : html`<p class="callout">Webhooks come with Pro. <a href="/billing">Upgrade</a></p>`
}`,
    };
  }

  async function showOne(request: Guarded, { form }: Told): Promise<View> {
    const { url, ...ref } = await endpointOf(request);
    const health = await endpoints.health(ref);
    const { items } = await webhooks.deliveries({ ...ref, limit: 50 });
    const log = await Promise.all(
      items.map(async (delivery) => {
        const attempts = await webhooks.attempts({ ...ref, messageId: delivery.messageId });
        const last = attempts.at(-1);
        const again = form(
          `/webhooks/${ref.endpointId}/replay`,
          named('Send again', delivery.type),
          html`<input type="hidden" name="message" value="${delivery.messageId}">`,
          'plain',
        );
        const answer = last?.status ?? last?.reason ?? delivery.lastReason ?? '–';
        const took = last?.durationMilliseconds == null ? '–' : `${last.durationMilliseconds} ms`;
        return [
          when(delivery.createdAt),
          html`<code>${delivery.type}</code>`,
          badge(delivery.status),
          attempts.length,
          answer,
          took,
          again,
        ];
      }),
    );
    const heads = ['Time', 'Event', 'State', { figure: 'Attempts' }, 'Answer', { figure: 'Took' }, 'Again'];
    const test = choice({ name: 'type', label: 'Event', options: types.map((type) => [type, type] as const) });
    const remove = form(`/webhooks/${ref.endpointId}/remove`, 'Remove the webhook', undefined, 'danger');
    return {
      title: 'Webhook',
      aside: badge(health.state),
      body: html`<p><code>${url}</code>${health.waiting > 0 && ` – ${health.waiting} wait`}</p>
${card('Delivery log', table('Deliveries, the newest first', heads, log, 'Nothing was sent yet.'))}
<div class="pair">${card('Try it', form(`/webhooks/${ref.endpointId}/test`, 'Send a test', test))}
${card('Remove', sure('Remove the webhook …', 'Nothing is sent there any more, and its log goes too.', remove))}</div>`,
    };
  }

  const readers = guarded({ permission: 'webhooks:manage' });
  readers.page('/webhooks', showAll);
  readers.page('/webhooks/:id', showOne);
  const managers = guarded({ permission: 'webhooks:manage', feature: 'webhooks' });

  managers.form(
    '/webhooks',
    async ({ access }, fields, { form }) => {
      const input = { tenantId: access.tenant.id, url: fields('url'), filters: [fields('filter')] };
      const { endpoint, secret } = await endpoints.create(input);
      return {
        title: 'Your webhook',
        body: html`${card(
          'Copy the secret now',
          html`<p>Verify what you receive with it. It is not shown again.</p>
<p><code class="secret" id="secret">${secret.verifyWith}</code></p>`,
        )}
${form(`/webhooks/${endpoint.id}/test`, 'Send a test')}<p><a href="/webhooks/${endpoint.id}">To its log</a></p>`,
      };
    },
    showAll,
  );
  managers.form(
    '/webhooks/:id/test',
    async (request, fields) => {
      const { endpointId, tenantId } = await endpointOf(request);
      const type = fields('type');
      await endpoints.test({ endpointId, tenantId, ...(types.some((one) => one === type) && { type }) });
      return `/webhooks/${endpointId}?note=sent`;
    },
    showOne,
  );
  managers.form(
    '/webhooks/:id/replay',
    async (request, fields) => {
      const { endpointId, tenantId } = await endpointOf(request);
      await webhooks.replay({ endpointId, tenantId, messageId: fields('message') });
      return `/webhooks/${endpointId}?note=sent`;
    },
    showOne,
  );
  readers.form(
    '/webhooks/:id/remove',
    async (request) => {
      const { endpointId, tenantId } = await endpointOf(request);
      await endpoints.remove({ endpointId, tenantId });
      return '/webhooks?note=removed';
    },
    showAll,
  );

  async function endpointOf(request: Guarded) {
    const ref = { tenantId: request.access.tenant.id, endpointId: paramOf(request, 'id') };
    const endpoint = await endpoints.get(ref);
    if (endpoint === null) throw notFound();
    return { ...ref, url: endpoint.url };
  }
}
