import { sql } from 'kysely';
import { trusted } from 'tenantry';
import { callsChart, type DayOfCalls } from '../chart.ts';
import { amountText, dayText, lengthText, moneyText, timeText } from '../format.ts';
import { table } from '../forms.ts';
import { html } from '../html.ts';
import type { ReceptionistAccess } from '../receptionist.ts';
import type { Site } from '../site.ts';

const day = 86_400_000;

/** The overview, and the list of calls. */
export function dashboardPages({ guarded, receptionist }: Site): void {
  const pages = guarded({ permission: 'calls:read' });

  pages.page('/dashboard', async ({ access }) => {
    const { next } = await receptionist.auth.setup.of(access.tenant.id);
    const days = await callsByDay(access, 14);
    const used = await access.check('calls');
    const bots = await access.check('bots');
    const { orders, value } = await access.db
      .selectFrom('calls')
      .select((eb) => [eb.fn.count<string>('id').as('orders'), eb.fn.sum<string | null>('order_cents').as('value')])
      .where('outcome', '=', 'order')
      .executeTakeFirstOrThrow();
    const figures = [
      ['Calls this month', `${used.used} of ${amountText(used.limit)}`],
      ['Bots', `${bots.used} of ${amountText(bots.limit)}`],
      ['Orders taken', orders],
      ['Value of orders', moneyText(Number(value ?? 0))],
    ] as const;
    return {
      title: 'Overview',
      body: html`${
        next !== null && html`<p class="callout">Your set-up is not done yet. <a href="/setup">Go on with it</a></p>`
      }
<dl class="figures">${figures.map(([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`)}</dl>
<h2>Calls of the last 14 days</h2>${callsChart(days)}
<p><a href="/bots">Your bots</a> · <a href="/calls">All calls</a> · <a href="/usage">Usage</a></p>`,
    };
  });

  pages.page('/calls', async ({ access }) => {
    const calls = await access.db
      .selectFrom('calls')
      .innerJoin('bots', 'bots.id', 'calls.bot_id')
      .select(['calls.started_at', 'bots.name', 'calls.caller', 'calls.seconds', 'calls.outcome', 'calls.order_cents'])
      .orderBy('calls.started_at', 'desc')
      .limit(100)
      .execute();
    const rows = calls.map((call) => [
      timeText(call.started_at),
      call.name,
      call.caller,
      lengthText(call.seconds),
      call.outcome,
      call.order_cents > 0 ? moneyText(call.order_cents) : '–',
    ]);
    const heads = ['Time', 'Bot', 'Caller', 'Length', 'Outcome', 'Order'];
    return { title: 'Calls', body: table('The newest hundred calls', heads, rows, 'No calls yet.') };
  });
}

/** Counts the calls of the last days. The scope keeps the query to the tenant. */
async function callsByDay(access: ReceptionistAccess, count: number): Promise<DayOfCalls[]> {
  const today = Math.floor(Date.now() / day) * day;
  const from = new Date(today - (count - 1) * day);
  // The text is ours alone, so the scope may let it pass.
  const date = trusted(sql<string>`to_char(started_at at time zone 'UTC', 'YYYY-MM-DD')`);
  const missed = trusted(sql<string>`count(*) filter (where outcome = 'missed')`);
  const rows = await access.db
    .selectFrom('calls')
    .select((eb) => [date.as('day'), missed.as('missed'), eb.fn.countAll<string>().as('all')])
    .where('started_at', '>=', from)
    .groupBy(date)
    .execute();
  return Array.from({ length: count }, (_, index) => {
    const name = dayText(new Date(from.getTime() + index * day));
    const found = rows.find((row) => row.day === name);
    const lost = Number(found?.missed ?? 0);
    return { day: name, answered: Number(found?.all ?? 0) - lost, missed: lost };
  });
}
