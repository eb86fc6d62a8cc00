import { amountText, dayText } from '../format.ts';
import { table } from '../forms.ts';
import { html } from '../html.ts';
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
    const meters = [
      ['Calls this month', calls],
      ['Bots', bots],
    ] as const;
    const bars = meters.map(([name, { used, limit, resetsAt }]) => {
      const text = `${used} of ${amountText(limit)}`;
      const id = `meter-${name.split(' ')[0]?.toLowerCase()}`;
      return html`<li><label for="${id}">${name}: ${text}</label>
${limit !== 'unlimited' && html`<meter id="${id}" min="0" max="${limit}" value="${used}">${text}</meter>`}
${resetsAt !== null && html`<span class="hint">Begins anew on ${dayText(resetsAt)}</span>`}</li>`;
    });
    const rows = periods.map(({ start, used }) => [dayText(start), used]);
    return {
      title: 'Usage',
      body: html`<p>Your plan is <strong>${access.plan}</strong>. <a href="/billing">Change it</a></p>
<ul class="meters">${bars}</ul>
<p>${
        forecast.exhaustsAt === null
          ? 'At this pace the calls last until the month is over.'
          : `At this pace the calls are used up on ${dayText(forecast.exhaustsAt)}.`
      }</p>
<h2>Months</h2>${table('Calls by month', ['Month from', 'Calls'], rows)}`,
    };
  });
}
