import { amountText, dayText, titleText } from '../format.ts';
import { html } from '../html.ts';
import { card, meter, table } from '../parts.ts';
import type { Site } from '../site.ts';

/** What is used of the plan, and when it will be used up. */
export function usagePages({ guarded, receptionist }: Site): void {
  const { plans } = receptionist;

  guarded({ permission: 'usage:read' }).page('/usage', async ({ access }) => {
    const tenantId = access.tenant.id;
    const calls = await access.check('calls');
    const bots = await access.check('bots');
    const forecast = await plans.usage.forecast(tenantId, 'calls');
    const periods = await plans.usage.periods(tenantId, { meter: 'calls', limit: 12 });
    // A pace of a few hours tells nothing.
    const since = Date.now() - (periods[0]?.start.getTime() ?? Date.now());
    const pace =
      forecast.exhaustsAt === null
        ? 'At this pace the calls last until the month is over.'
        : since > 86_400_000
          ? `At this pace the calls are used up on ${dayText(forecast.exhaustsAt)}.`
          : undefined;
    const meters = [
      ['Calls this month', calls],
      ['Bots', bots],
    ] as const;
    const bars = meters.map(([name, { used, limit, resetsAt }]) => {
      const text = `${amountText(used)} of ${amountText(limit)}`;
      const id = `meter-${name.split(' ')[0]?.toLowerCase()}`;
      const bar = meter(id, used, limit);
      return html`<li><div>${bar === null ? html`${name}: ${text}` : html`<label for="${id}">${name}: ${text}</label>${bar}`}</div>
${resetsAt !== null && html`<span class="hint">Begins anew on ${dayText(resetsAt)}</span>`}</li>`;
    });
    const rows = periods.map(({ start, used }) => [dayText(start), amountText(used)]);
    return {
      title: 'Usage',
      aside: access.can('billing:manage') && html`<a href="/billing">Change the plan</a>`,
      body: html`${card(
        `Plan ${titleText(access.plan)}`,
        html`<ul class="meters">${bars}</ul>${pace !== undefined && html`<p>${pace}</p>`}`,
      )}
${card('Months', table('Calls by month', ['Month from', { figure: 'Calls' }], rows))}`,
    };
  });
}
