import type { AuditActor, AuditEntry } from 'tenantry/audit';

import { type HtmlValue, html } from '../html.ts';
import { badge, nextPage, pageOf, table, when } from '../parts.ts';
import type { Receptionist } from '../receptionist.ts';
import type { Site } from '../site.ts';

/** Who did what. */
export function auditPages({ guarded, receptionist }: Site): void {
  const { audit } = receptionist;

  guarded({ permission: 'audit:manage' }).page('/audit', async (request) => {
    const tenantId = request.access.tenant.id;
    const { items, nextCursor } = await audit.list({ tenantId, limit: 50, ...pageOf(request) });
    const proof = await audit.verify({ tenantId });
    const names = await namesIn(receptionist, items, tenantId);
    const rows = items.map((entry) => [
      when(entry.occurredAt),
      html`<code>${entry.action}</code>`,
      actorText(entry.actor, names),
      entry.targets.map(({ type, id, name }) => `${type.replaceAll('_', ' ')} ${name ?? names(id ?? '')}`).join(', '),
      String(entry.context.ip ?? '–'),
    ]);
    const whole = 'The chain of entries is whole.';
    return {
      title: 'Audit',
      aside: badge(proof.ok ? 'whole' : 'broken'),
      body: html`<p>${proof.ok ? whole : 'The chain of entries is broken: write to support.'} Nobody can change what is written here.</p>
${table('What happened, the newest first', ['Time', 'Action', 'Who', 'To what', 'From'], rows)}
${nextPage('/audit', nextCursor, 'Older entries')}`,
    };
  });
}

/** Who acted, for people. */
export function actorText(actor: AuditActor, names: (id: string) => string): HtmlValue {
  const { type, id = '', name, metadata } = actor;
  if (type === 'system') return 'Receptionist';
  const who = name ?? names(id);
  const actingAs = metadata?.actingAs;
  return typeof actingAs === 'string' ? `${who}, as ${names(actingAs)}` : who;
}

/** Gives the names of people and organizations that entries tell of; what has none is told by the end of its id. */
export async function namesIn(
  { auth, organizations }: Pick<Receptionist, 'auth' | 'organizations'>,
  entries: readonly AuditEntry[],
  tenantId?: string,
): Promise<(id: string) => string> {
  const names = new Map<string, string>();
  const users = entries.flatMap(({ actor, targets }) => [
    ...targets.filter(({ type }) => type === 'user').map(({ id }) => id),
    ...(actor.type === 'user' ? [actor.id, actor.metadata?.actingAs] : []),
  ]);
  const found = await auth.users.getMany(users.filter((id) => typeof id === 'string'));
  for (const { userId, name, email } of found.values()) names.set(userId, name ?? email);
  if (tenantId !== undefined) {
    const statuses = ['active', 'pending', 'suspended', 'removed'] as const;
    const { items } = await organizations.members.list({ tenantId, statuses });
    for (const { id, userId, name, email } of items) {
      names.set(id, name ?? email ?? names.get(userId) ?? shortened(id));
      if (!names.has(userId)) names.set(userId, name ?? email ?? shortened(userId));
    }
    const organization = await organizations.get(tenantId);
    if (organization !== null) names.set(tenantId, organization.name);
  }
  return (id) => names.get(id) ?? shortened(id);
}

function shortened(id: string): string {
  return id.length > 16 ? `…${id.slice(-6)}` : id;
}
