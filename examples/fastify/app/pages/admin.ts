import { dayText, moneyText, timeText, titleText } from '../format.ts';
import { choice, field, named, table } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { refuse } from '../problems.ts';
import { notFound, type OfStaff, type Site, type Told } from '../site.ts';
import { origin } from './visitors.ts';

/** What whoever runs the platform sees: customers, revenue, refunds. Each look is written into the platform's trail. */
export function adminPages({ staff: pages, open, receptionist, sessions }: Site): void {
  const { audit, auth, billing, platform, tenancy } = receptionist;

  pages.page('/admin', async ({ staff, query }) => {
    const by = { userId: staff.userId };
    const { search: wanted }: { search?: unknown } = Object(query);
    const search = typeof wanted === 'string' && wanted.trim() !== '' ? { search: wanted } : {};
    const { items } = await platform.tenants({ by, ...search });
    const { recurring, takings } = await platform.revenue({ by });
    const byPlan = await platform.plans({ by });
    const money = recurring.map(({ currency, mrr, gained, churned, tenants }) => [
      currency.toUpperCase(),
      moneyText(mrr, currency),
      moneyText(gained, currency),
      moneyText(churned, currency),
      tenants.paying,
      moneyText(takings.find((one) => one.currency === currency)?.paid ?? 0, currency),
      moneyText(takings.find((one) => one.currency === currency)?.refunded ?? 0, currency),
    ]);
    const heads = ['Currency', 'Monthly', 'New', 'Lost', 'Paying', 'Taken', 'Given back'];
    const rows = items.map(({ tenantId, name, plan, status, subscriptionStatus, seatsTaken, createdAt }) => [
      html`<a href="/admin/customers/${tenantId}">${name}</a>`,
      titleText(plan),
      status,
      subscriptionStatus ?? '–',
      seatsTaken ?? '–',
      dayText(createdAt),
    ]);
    const plans = byPlan.map(({ plan, status, tenants }) => [titleText(plan), status, tenants]);
    return {
      title: 'Super admin',
      body: html`<h2>Revenue of the last 30 days</h2>${table('Revenue', heads, money, 'Nobody pays yet.')}
<h2>Plans</h2>${table('Customers by plan', ['Plan', 'State', 'Customers'], plans)}
<p><a href="/admin/trail">Who looked at what</a></p>
<h2>Customers</h2><form method="get" action="/admin" role="search">
${field({ name: 'search', label: 'Name begins with', value: String(search.search ?? ''), required: false })}
<button type="submit">Search</button></form>
${table('Customers', ['Name', 'Plan', 'State', 'Subscription', 'People', 'Since'], rows, 'Nobody is called so.')}`,
    };
  });

  async function show(request: OfStaff, { form, tried }: Told): Promise<View> {
    const tenantId = paramOf(request, 'id');
    const tenant = await tenancy.get(tenantId);
    if (tenant === null) throw notFound();
    const by = { userId: request.staff.userId };
    const { items: people } = await platform.members({ by, tenantId });
    const { items: usage } = await platform.usage({ by, tenantId, meter: 'calls', limit: 6 });
    const payments = await billing.payments(tenantId, { limit: 24 });
    const path = `/admin/customers/${tenantId}`;
    const paid = payments.map(({ id, createdAt, amount, amountRefunded, currency, status }) => [
      dayText(createdAt),
      status,
      moneyText(amount, currency),
      moneyText(amountRefunded, currency),
      status === 'succeeded' && amountRefunded < amount
        ? form(
            `${path}/refund`,
            named('Give back', moneyText(amount - amountRefunded, currency)),
            html`<input type="hidden" name="payment" value="${id}">`,
            'danger',
          )
        : '–',
    ]);
    const members = people.map(({ name, email, role, status }) => [name ?? '–', email ?? '–', role, status]);
    const users = people.map(({ userId, name, email }) => [userId, name ?? email ?? userId] as const);
    const closed = tenant.status === 'suspended';
    return {
      title: `Customer ${tenant.name}`,
      body: html`<p>Plan ${titleText(tenant.plan)}, ${tenant.status}.</p>
${table('Members', ['Name', 'Email', 'Role', 'State'], members)}
${table(
  'Calls by month',
  ['From', 'Calls'],
  usage.map(({ periodStart, used }) => [dayText(periodStart), used]),
)}
<h2>Payments</h2>${table('Payments', ['Date', 'State', 'Amount', 'Given back', 'Change'], paid, 'No payments.')}
<h2>Enterprise</h2>${form(`${path}/enterprise`, 'Put on Enterprise', [
        field({ name: 'dollars', label: 'Dollars a month, as agreed', type: 'number', tried }),
      ])}
<h2>Help the customer</h2>${form(`${path}/impersonate`, 'Act as this user', [
        choice({ name: 'user', label: 'User', options: users, tried }),
        field({ name: 'reason', label: 'Reason, which the customer reads', tried }),
      ])}
<h2>Close</h2>${form(`${path}/${closed ? 'resume' : 'suspend'}`, closed ? 'Open again' : 'Suspend', undefined, 'danger')}
<p><a href="/admin">Back to the customers</a></p>`,
    };
  }

  pages.page('/admin/trail', async () => {
    const { items } = await audit.platform.list({ limit: 50 });
    const rows = items.map(({ occurredAt, action, actor, metadata, targets }) => [
      timeText(occurredAt),
      html`<code>${action}</code> ${String(metadata.view ?? '')}`,
      actor.name ?? actor.id ?? actor.type,
      targets.map(({ type, id }) => `${type} ${id ?? ''}`).join(', '),
    ]);
    const heads = ['Time', 'Action', 'Who', 'To what'];
    return { title: 'Trail of the platform', body: table('What happened, the newest first', heads, rows) };
  });

  pages.page('/admin/customers/:id', show);
  pages.form(
    '/admin/customers/:id/refund',
    async (request, fields) => {
      const tenantId = paramOf(request, 'id');
      await billing.refund({ tenantId, paymentId: fields('payment'), reason: 'requested_by_customer' });
      return `/admin/customers/${tenantId}?note=refunded`;
    },
    show,
  );
  // What Enterprise costs is agreed with each customer, and paid by invoice.
  pages.form(
    '/admin/customers/:id/enterprise',
    async (request, fields) => {
      const tenantId = paramOf(request, 'id');
      if (!/^[1-9]\d{0,5}$/.test(fields('dollars'))) throw refuse('Whole dollars, please.', 'dollars');
      const agreed = Number(fields('dollars')) * 100;
      const { subscription } = await billing.state(tenantId);
      const goesOn = subscription !== null && subscription.endedAt === null;
      const wish = { tenantId, plan: 'enterprise', agreed } as const;
      await (goesOn ? billing.swap(wish) : billing.subscribe({ ...wish, daysUntilDue: 30 }));
      return `/admin/customers/${tenantId}?note=subscribed`;
    },
    show,
  );
  for (const change of ['suspend', 'resume'] as const) {
    pages.form(
      `/admin/customers/:id/${change}`,
      async (request) => {
        const tenantId = paramOf(request, 'id');
        await tenancy[change](tenantId);
        return `/admin/customers/${tenantId}?note=saved`;
      },
      show,
    );
  }
  pages.form(
    '/admin/customers/:id/impersonate',
    async (request, fields, { reply }) => {
      const { userId, sessionId } = request.staff;
      const reason = fields('reason');
      if (reason === '') throw refuse('Tell the customer why.', 'reason');
      const by = { userId, sessionId, superAdmin: true };
      const tenantId = paramOf(request, 'id');
      const acting = { by, tenantId, userId: fields('user'), reason, ...origin(request) };
      const started = await auth.impersonation.start(acting);
      if (!started.ok) throw refuse('Nobody can act as this user.', 'user');
      sessions.act(reply, started.tokens);
      return '/dashboard';
    },
    show,
  );
  open.form(
    '/impersonation/end',
    async (request, _fields, { reply }) => {
      await sessions.endActing(request, reply);
      return '/admin';
    },
    () => '/admin',
  );
}
