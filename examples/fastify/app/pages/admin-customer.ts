import { amountText, dayText, moneyText, titleText } from '../format.ts';
import { choice, field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { badge, card, figures, named, sure, table } from '../parts.ts';
import { refuse } from '../problems.ts';
import { notFound, type OfStaff, type Site, type Told } from '../site.ts';
import { origin } from './visitors.ts';

/** One customer, as whoever runs the platform sees them: people, use, payments, and what may be done to help. */
export function customerPages({ staff: pages, open, receptionist, sessions }: Site): void {
  const { auth, billing, platform, tenancy } = receptionist;

  async function show(request: OfStaff, { form, tried }: Told): Promise<View> {
    const tenantId = paramOf(request, 'id');
    const tenant = await tenancy.get(tenantId);
    if (tenant === null) throw notFound();
    const by = { userId: request.staff.userId };
    const { items: people } = await platform.members({ by, tenantId });
    const { items: usage } = await platform.usage({ by, tenantId, meter: 'calls', limit: 6 });
    const payments = await billing.payments(tenantId, { limit: 24 });
    const path = `/admin/customers/${tenantId}`;
    const paid = payments.map(({ id, createdAt, amount, amountRefunded, currency, status }) => {
      const left = moneyText(amount - amountRefunded, currency);
      const hidden = html`<input type="hidden" name="payment" value="${id}">`;
      const refund = form(`${path}/refund`, named('Give back', left), hidden, 'danger');
      const open = status === 'succeeded' && amountRefunded < amount;
      return [
        dayText(createdAt),
        badge(status),
        moneyText(amount, currency),
        moneyText(amountRefunded, currency),
        open ? sure(named('Give back …', left), `${left} go back to the card.`, refund) : '–',
      ];
    });
    const paidHeads = ['Date', 'State', { figure: 'Amount' }, { figure: 'Given back' }, 'Change'];
    const members = people.map(({ name, email, role, status }) => [
      name ?? '–',
      email ?? '–',
      titleText(role),
      badge(status),
    ]);
    const users = people.map(({ userId, name, email }) => [userId, name ?? email ?? userId] as const);
    const calls = usage.map(({ periodStart, used }) => [dayText(periodStart), amountText(used)]);
    const closed = tenant.status === 'suspended';
    const close = closed
      ? form(`${path}/resume`, 'Open again')
      : sure(
          'Suspend …',
          'Nobody of this customer gets in any more, and no call is taken. Nothing is deleted.',
          form(`${path}/suspend`, 'Suspend', undefined, 'danger'),
        );
    return {
      title: tenant.name,
      aside: badge(tenant.status),
      body: html`<p><a href="/admin">All customers</a></p>
${figures([
  ['Plan', titleText(tenant.plan)],
  ['Subscription', titleText(tenant.subscriptionStatus ?? 'none')],
  ['Customer since', dayText(tenant.createdAt)],
])}
${card('Members', table('Members', ['Name', 'Email', 'Role', 'State'], members))}
<div class="pair">${card(
        'Help the customer',
        form(`${path}/impersonate`, 'Act as this user', [
          choice({ name: 'user', label: 'User', options: users, tried }),
          field({ name: 'reason', label: 'Reason, which the customer reads', tried }),
        ]),
      )}
${card('Calls by month', table('Calls by month', ['From', { figure: 'Calls' }], calls))}</div>
${card('Payments', table('Payments', paidHeads, paid, 'No payments.'))}
<div class="pair">${card(
        'Enterprise',
        form(`${path}/enterprise`, 'Put on Enterprise', [
          field({ name: 'dollars', label: 'Dollars a month, as agreed', type: 'number', tried }),
        ]),
      )}
${card(closed ? 'Open' : 'Close', close)}</div>`,
    };
  }

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
