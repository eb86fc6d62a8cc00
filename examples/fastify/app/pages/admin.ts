import { dayText, moneyText, titleText } from '../format.ts';
import { field } from '../forms.ts';
import { html } from '../html.ts';
import { badge, card, figures, nextPage, pageOf, table, when } from '../parts.ts';
import type { Site } from '../site.ts';
import { actorText, namesIn } from './audit.ts';

/** What whoever runs the platform sees: customers and revenue. Each look is written into the platform's trail. */
export function adminPages({ staff: pages, receptionist }: Site): void {
  const { audit, platform } = receptionist;

  pages.page('/admin', async (request) => {
    const by = { userId: request.staff.userId };
    const { search: wanted }: { search?: unknown } = Object(request.query);
    const search = typeof wanted === 'string' ? wanted.trim() : '';
    const { items, nextCursor } = await platform.tenants({ by, ...(search !== '' && { search }), ...pageOf(request) });
    const { recurring, takings } = await platform.revenue({ by });
    const byPlan = await platform.plans({ by });
    const money = recurring.map(({ currency, mrr, gained, churned, tenants }) => {
      const taken = takings.find((one) => one.currency === currency);
      const back = moneyText(taken?.refunded ?? 0, currency);
      return figures([
        ['Every month', moneyText(mrr, currency), currency.toUpperCase()],
        ['New and lost', `+${moneyText(gained, currency)}`, `${moneyText(churned, currency)} lost`],
        ['Paying', tenants.paying, 'customers'],
        ['Taken', moneyText(taken?.paid ?? 0, currency), `${back} given back`],
      ]);
    });
    const rows = items.map(({ tenantId, name, plan, status, subscriptionStatus, seatsTaken, createdAt }) => [
      html`<a href="/admin/customers/${tenantId}">${name}</a>`,
      titleText(plan),
      badge(status),
      subscriptionStatus === null ? '–' : badge(subscriptionStatus),
      seatsTaken ?? '–',
      dayText(createdAt),
    ]);
    const heads = ['Name', 'Plan', 'State', 'Subscription', { figure: 'People' }, 'Since'];
    const plans = byPlan.map(({ plan, status, tenants }) => [titleText(plan), badge(status), tenants]);
    const path = search === '' ? '/admin' : `/admin?search=${encodeURIComponent(search)}`;
    return {
      title: 'Super admin',
      aside: html`<a href="/admin/trail">Who looked at what</a>`,
      body: html`<h2>Revenue of the last 30 days</h2>
${money.length === 0 ? html`<p class="empty">Nobody pays yet.</p>` : money}
<h2>Customers</h2><form class="filter" method="get" action="/admin" role="search">
${field({ name: 'search', label: 'Name begins with', type: 'search', value: search, required: false })}
<button type="submit" class="plain">Search</button></form>
${table('Customers', heads, rows, 'Nobody is called so.')}
${nextPage(path, nextCursor, 'More customers')}
${card('Plans', table('Customers by plan', ['Plan', 'State', { figure: 'Customers' }], plans))}`,
    };
  });

  pages.page('/admin/trail', async (request) => {
    const { items, nextCursor } = await audit.platform.list({ limit: 50, ...pageOf(request) });
    const names = await namesIn(receptionist, items);
    const rows = items.map(({ occurredAt, action, actor, metadata, targets }) => [
      when(occurredAt),
      html`<code>${action}</code> ${String(metadata.view ?? '')}`,
      actorText(actor, names),
      targets.map(({ type, id }) => targetText(type, id, names)).join(', '),
    ]);
    const heads = ['Time', 'Action', 'Who', 'To what'];
    return {
      title: 'Trail of the platform',
      body: html`<p><a href="/admin">Back to the customers</a></p>
${table('What happened, the newest first', heads, rows)}
${nextPage('/admin/trail', nextCursor, 'Older entries')}`,
    };
  });
}

/** A look at all tenants names the platform itself, whose id is of noughts alone. */
function targetText(type: string, id: string | undefined, names: (id: string) => string): string {
  return id === undefined || /^[0-]+$/.test(id) ? 'all customers' : `${type} ${names(id)}`;
}
