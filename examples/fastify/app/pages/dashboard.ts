import { callsChart } from '../chart.ts';
import { amountText, dayText, lengthText, moneyText } from '../format.ts';
import { html } from '../html.ts';
import { badge, card, figures, table, when } from '../parts.ts';
import type { Guarded, Site, Told } from '../site.ts';
import { callsByDay, newestCalls, ordersSince } from './call-queries.ts';

const month = 30 * 86_400_000;

/** The overview: how the phone was answered, and what is left to do. */
export function dashboardPages({ guarded, receptionist }: Site): void {
  const { auth } = receptionist;

  guarded({ permission: 'calls:read' }).page('/dashboard', async ({ access }, told) => {
    const days = await callsByDay(access, 14);
    const calls = await access.check('calls');
    const bots = await access.check('bots');
    const orders = await ordersSince(access, new Date(Date.now() - month));
    const all = days.reduce((sum, day) => sum + day.answered + day.missed, 0);
    const missed = days.reduce((sum, day) => sum + day.missed, 0);
    const newest = await newestCalls(access, { most: 5 });
    const rows = newest.map((call) => [
      when(call.started_at),
      call.name,
      call.caller,
      lengthText(call.seconds),
      badge(call.outcome),
    ]);
    const heads = ['Time', 'Bot', 'Caller', { figure: 'Length' }, 'Outcome'];
    return {
      title: 'Overview',
      body: html`${await toDo(access, told, bots.used)}
${figures([
  [
    'Calls this month',
    `${amountText(calls.used)} of ${amountText(calls.limit)}`,
    calls.resetsAt !== null && `until ${dayText(calls.resetsAt)}`,
  ],
  ['Answered', all === 0 ? '–' : `${Math.round(((all - missed) / all) * 100)} %`, 'of the last 14 days'],
  ['Orders taken', orders.count, 'in the last 30 days'],
  ['Value of orders', moneyText(orders.cents), 'in the last 30 days'],
])}
${card('Calls of the last 14 days', all === 0 ? html`<p class="empty">No calls yet.</p>` : callsChart(days))}
${card(
  'The newest calls',
  html`${table('The newest calls', heads, rows, 'When somebody calls, it is told here.')}
${rows.length > 0 && html`<p><a href="/calls">All calls</a></p>`}`,
)}`,
    };
  });

  /** What a new customer has still to do. */
  async function toDo(access: Guarded['access'], { form }: Told, bots: number) {
    const { next, complete } = await auth.setup.of(access.tenant.id);
    const user = access.userId === null ? null : await auth.users.get({ userId: access.userId });
    return [
      next !== null &&
        access.can('setup:write') &&
        html`<p class="callout">${
          complete ? 'One optional step of your set-up is left.' : 'Your set-up is not done yet.'
        } <a href="/setup">Go on with it</a></p>`,
      bots === 0 &&
        access.can('bots:write') &&
        html`<p class="callout">No bot answers your phone yet. <a href="/bots">Add your first bot</a></p>`,
      user?.emailVerifiedAt === null &&
        access.impersonator === null &&
        html`<div class="callout">Confirm your address: we sent a mail to ${user.email}.
${form('/account/verify', 'Send it again', undefined, 'plain')}</div>`,
    ];
  }
}
