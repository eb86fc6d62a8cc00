import { timeText } from '../format.ts';
import { table } from '../forms.ts';
import { html } from '../html.ts';
import type { Site } from '../site.ts';

/** Who did what. */
export function auditPages({ guarded, receptionist }: Site): void {
  const { audit } = receptionist;

  guarded({ permission: 'audit:manage' }).page('/audit', async ({ access, query }) => {
    const { after }: { after?: unknown } = Object(query);
    const cursor = typeof after === 'string' ? after : null;
    const tenantId = access.tenant.id;
    const { items, nextCursor } = await audit.list({ tenantId, limit: 50, cursor });
    const proof = await audit.verify({ tenantId });
    const rows = items.map(({ occurredAt, action, actor, targets, context }) => [
      timeText(occurredAt),
      html`<code>${action}</code>`,
      actor.name ?? `${actor.type} ${actor.id ?? ''}`,
      targets.map(({ type, id }) => `${type} ${id ?? ''}`).join(', '),
      String(context.ip ?? '–'),
    ]);
    return {
      title: 'Audit',
      body: html`<p>${proof.ok ? 'The chain of entries is whole.' : 'The chain of entries is broken: write to support.'}</p>
${table('What happened, the newest first', ['Time', 'Action', 'Who', 'To what', 'From'], rows)}
${nextCursor !== null && html`<p><a href="/audit?after=${encodeURIComponent(nextCursor)}">Older entries</a></p>`}`,
    };
  });
}
