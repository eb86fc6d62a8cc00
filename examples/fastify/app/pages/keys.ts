import { dayText } from '../format.ts';
import { field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { badge, card, named, nextPage, pageOf, sure, table, when } from '../parts.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

/** API keys. A secret is shown once, on the answer to the form that made it. */
export function keyPages({ guarded, receptionist, origin }: Site): void {
  const { apiKeys } = receptionist;

  async function show(request: Guarded, { form, tried }: Told): Promise<View> {
    const { access } = request;
    const { items, nextCursor } = await apiKeys.list(access.tenant.id, pageOf(request));
    const rows = items.map((key) => {
      const name = key.name ?? key.start;
      const rotate = form(`/keys/${key.id}/rotate`, named('New secret', `for ${name}`), undefined, 'plain');
      const revoke = form(`/keys/${key.id}/revoke`, named('Revoke', name), undefined, 'danger');
      const sureRevoke = sure(named('Revoke …', name), 'What uses it stops at once, for ever.', revoke);
      return [
        name,
        html`<code>${key.start}…</code>`,
        dayText(key.createdAt),
        when(key.lastUsedAt),
        key.revokedAt === null ? html`<div class="actions">${rotate}${sureRevoke}</div>` : badge('revoked'),
      ];
    });
    const make = form('/keys', 'Make a key', field({ name: 'name', label: 'What the key is for', most: 100, tried }));
    const included = await access.has('api');
    return {
      title: 'API keys',
      body: html`${table('API keys', ['Name', 'Begins with', 'Made', 'Last used', 'Change'], rows, 'No keys yet.')}
${nextPage('/keys', nextCursor, 'Older keys')}
${
  included
    ? card('Make a key', make)
    : html`<p class="callout">The API comes with Starter. <a href="/billing">Upgrade</a></p>`
}`,
    };
  }

  guarded({ permission: 'keys:manage' }).page('/keys', show);
  const managers = guarded({ permission: 'keys:manage', feature: 'api' });

  managers.form(
    '/keys',
    async ({ access }, fields) => {
      const name = fields('name');
      const issued = await apiKeys.issue({ tenantId: access.tenant.id, name, scopes: ['calls:*'] }, byOf(access));
      return shown(issued.secret, origin);
    },
    show,
  );
  managers.form(
    '/keys/:id/rotate',
    async (request) => {
      const ref = await keyOf(request);
      const { secret } = await apiKeys.rotate({ ...ref, grace: 86_400_000 }, byOf(request.access));
      return shown(secret, origin);
    },
    show,
  );
  managers.form(
    '/keys/:id/revoke',
    async (request) => {
      await apiKeys.revoke(await keyOf(request), byOf(request.access));
      return '/keys?note=removed';
    },
    show,
  );

  async function keyOf(request: Guarded) {
    const ref = { tenantId: request.access.tenant.id, keyId: paramOf(request, 'id') };
    if ((await apiKeys.get(ref)) === null) throw notFound();
    return ref;
  }
}

function byOf({ by }: Guarded['access']) {
  return by === undefined ? {} : { by };
}

function shown(secret: string, origin: string): View {
  return {
    title: 'Your key',
    body: html`${card(
      'Copy it now',
      html`<p>It is not shown again.</p><p><code class="secret" id="secret">${secret}</code></p>`,
    )}
${card('Try it', html`<pre tabindex="0"><code>curl -s -H "X-API-Key: ${secret}" ${origin}/v1/calls</code></pre>`)}
<p><a href="/keys">Back to the keys</a></p>`,
  };
}
