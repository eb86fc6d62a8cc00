import { dayText, timeText } from '../format.ts';
import { field, named, table } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

/** API keys. A secret is shown once, on the answer to the form that made it. */
export function keyPages({ guarded, receptionist, origin }: Site): void {
  const { apiKeys } = receptionist;

  async function show({ access }: Guarded, { form, tried }: Told): Promise<View> {
    const { items } = await apiKeys.list(access.tenant.id);
    const rows = items.map((key) => {
      const name = key.name ?? key.start;
      const change = html`${form(`/keys/${key.id}/rotate`, named('New secret', `for ${name}`), undefined, 'plain')}
${form(`/keys/${key.id}/revoke`, named('Revoke', name), undefined, 'danger')}`;
      return [
        name,
        html`<code>${key.start}…</code>`,
        dayText(key.createdAt),
        timeText(key.lastUsedAt),
        key.revokedAt === null ? change : `revoked ${dayText(key.revokedAt)}`,
      ];
    });
    const make = form('/keys', 'Make a key', field({ name: 'name', label: 'What the key is for', tried }));
    const included = await access.has('api');
    return {
      title: 'API keys',
      body: html`${
        included
          ? html`<h2>Make a key</h2>${make}`
          : html`<p class="callout">The API comes with Starter. <a href="/billing">Upgrade</a></p>`
      }
<h2>Keys</h2>${table('API keys', ['Name', 'Begins with', 'Made', 'Last used', 'Change'], rows, 'No keys yet.')}`,
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
    body: html`<p>Copy it now: it is not shown again.</p><p><code class="secret" id="secret">${secret}</code></p>
<h2>Try it</h2><pre tabindex="0"><code>curl -s -H "X-API-Key: ${secret}" ${origin}/v1/calls</code></pre>
<p><a href="/keys">Back to the keys</a></p>`,
  };
}
