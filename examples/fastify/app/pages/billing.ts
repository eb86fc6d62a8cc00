import { isTenantryError } from 'tenantry';
import { dayText, moneyText, titleText } from '../format.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { badge, card, sure, table } from '../parts.ts';
import { isSoldPlan, planFacts } from '../plans.ts';
import { refuse } from '../problems.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

/** The plan, its payment and its invoices. */
export function billingPages({ guarded, receptionist, origin, checkoutAddress, portalAddress }: Site): void {
  const { billing, organizations, auth } = receptionist;
  const pages = guarded({ permission: 'billing:manage' });

  async function show({ access }: Guarded, { form }: Told): Promise<View> {
    const { state, monthly, invoices } = await billing.page({ tenantId: access.tenant.id });
    const { subscription } = state;
    const paying = subscription !== null && subscription.endedAt === null;
    const plans = planFacts.map(({ name, title, price, points }) => {
      const current = access.plan === name;
      const path = paying ? '/billing/plan' : '/billing/checkout';
      const hidden = html`<input type="hidden" name="plan" value="${name}">`;
      const button = form(path, paying ? `Change to ${title}` : `Upgrade to ${title}`, hidden);
      return html`<li${current && html` class="current"`}><h3>${title}</h3><p class="price">${price}</p>
<ul>${points.map((point) => html`<li>${point}</li>`)}</ul>
${current ? html`<p><strong>Your plan</strong></p>` : isSoldPlan(name) && button}</li>`;
    });
    const rows = invoices.map(({ id, number, createdAt, total, currency, status }) => [
      html`<a href="/billing/invoices/${id}">${number ?? id}</a>`,
      dayText(createdAt),
      badge(status),
      moneyText(total, currency),
    ]);
    const heads = ['Number', 'Date', 'State', { figure: 'Total' }];
    return {
      title: 'Billing',
      body: html`${paying && card('Your subscription', subscriptionOf(access, form, subscription, monthly))}
<h2>Plans</h2><ul class="plans">${plans}</ul>
${card('Invoices', table('Invoices', heads, rows, 'No invoices yet.'))}`,
    };
  }

  type Page = Awaited<ReturnType<typeof billing.page>>;
  type Subscription = NonNullable<Page['state']['subscription']>;

  /** How the subscription stands, and what can be done with it. */
  function subscriptionOf(
    { plan }: Guarded['access'],
    form: Told['form'],
    { status, endsAt, periodEnd }: Subscription,
    monthly: Page['monthly'],
  ) {
    const price = monthly !== null && `, ${moneyText(monthly.amount, monthly.currency)} a month`;
    const next = endsAt === null ? `The next payment is on ${dayText(periodEnd)}.` : `It ends on ${dayText(endsAt)}.`;
    const cancel = form('/billing/cancel', 'Cancel the subscription', undefined, 'danger');
    const late = status === 'past_due' || status === 'unpaid';
    return html`<p>${titleText(plan)} is ${status}${price}. ${next}</p>
${late && html`<p class="error">The last payment did not work. Look after the card, so that nothing is switched off.</p>`}
<div class="actions">${form('/billing/portal', 'Card and receipts', undefined, 'plain')}
${
  endsAt === null
    ? sure('Cancel …', `Everything goes on until ${dayText(periodEnd)}; then you are on Free.`, cancel)
    : form('/billing/resume', 'Keep the subscription')
}</div>`;
  }

  pages.page('/billing', show);

  pages.form(
    '/billing/checkout',
    async ({ access }, fields) => {
      const plan = soldPlan(fields('plan'));
      const tenantId = access.tenant.id;
      const organization = await organizations.get(tenantId);
      const user = access.userId === null ? null : await auth.users.get({ userId: access.userId });
      const payer = { name: organization?.name ?? '', ...(user !== null && { email: user.email }) };
      const urls = { successUrl: `${origin}/billing/return`, cancelUrl: `${origin}/billing` };
      return checkoutAddress(await billing.checkout({ tenantId, plan, payer, ...urls }));
    },
    show,
  );

  // The payer is often back before the provider has told of it, so we look.
  pages.page('/billing/return', async ({ access }) => {
    try {
      const { plan } = await billing.sync(access.tenant.id);
      return plan === null ? '/billing' : '/billing?note=paid';
    } catch (error) {
      // The worker is at it this very moment.
      if (isTenantryError(error, 'billing_busy')) return '/billing?note=paying';
      throw error;
    }
  });

  // Cards are the provider's matter: no page of ours ever sees one.
  pages.form(
    '/billing/portal',
    async ({ access }) =>
      portalAddress(await billing.portal({ tenantId: access.tenant.id, returnUrl: `${origin}/billing` })),
    show,
  );
  pages.form(
    '/billing/plan',
    async ({ access }, fields) => {
      await billing.swap({ tenantId: access.tenant.id, plan: soldPlan(fields('plan')), proration: 'invoice' });
      return '/billing?note=changed';
    },
    show,
  );
  pages.form(
    '/billing/cancel',
    async ({ access }) => {
      await billing.cancel({ tenantId: access.tenant.id, when: 'period-end' });
      return '/billing?note=canceled';
    },
    show,
  );
  pages.form(
    '/billing/resume',
    async ({ access }) => {
      await billing.resume({ tenantId: access.tenant.id });
      return '/billing?note=resumed';
    },
    show,
  );

  pages.page('/billing/invoices/:id', async ({ access, params }) => {
    const { id }: { id?: unknown } = Object(params);
    const known = typeof id === 'string' && /^[\w-]{1,255}$/.test(id);
    const found = known ? await billing.invoice(access.tenant.id, id) : null;
    if (found === null) throw notFound();
    const { invoice, payments } = found;
    const { currency, lines } = invoice;
    const parts = lines.map((line) => [
      line.description ?? '–',
      line.quantity ?? '–',
      moneyText(line.amount, currency),
    ]);
    const paidHeads = ['Date', 'State', { figure: 'Amount' }, { figure: 'Given back' }];
    const paid = payments.map(({ createdAt, status, amount, amountRefunded }) => [
      dayText(createdAt),
      badge(status),
      moneyText(amount, currency),
      moneyText(amountRefunded, currency),
    ]);
    return {
      title: `Invoice ${invoice.number ?? invoice.id}`,
      aside: badge(invoice.status),
      body: html`<div class="card"><p>Of ${dayText(invoice.createdAt)}</p>
${table('Lines', ['What', { figure: 'How many' }, { figure: 'Amount' }], parts)}
<p>Tax: ${moneyText(invoice.tax, currency)}. <strong>Total: ${moneyText(invoice.total, currency)}</strong></p></div>
${card('Payments', table('Payments', paidHeads, paid, 'Not paid yet.'))}
<p><a href="/billing">Back to billing</a></p>`,
    };
  });
}

function soldPlan(name: string) {
  if (isSoldPlan(name)) return name;
  throw refuse('This plan is agreed with us: write to sales.');
}
