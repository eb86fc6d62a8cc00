import { isUuid } from 'tenantry/core';
import type { Outcome } from '../data.ts';
import { lengthText, moneyText } from '../format.ts';
import { choice } from '../forms.ts';
import { html } from '../html.ts';
import { badge, card, table, when } from '../parts.ts';
import type { Guarded, Site } from '../site.ts';
import { type CallsWanted, callsByBot, newestCalls } from './call-queries.ts';

const outcomes: readonly (readonly [value: string, text: string])[] = [
  ['', 'Every outcome'],
  ['answered', 'Answered'],
  ['order', 'Order'],
  ['missed', 'Missed'],
];
const most = 50;
const month = 30 * 86_400_000;

/** The calls, and what each bot did where the plan has analytics. */
export function callPages({ guarded }: Site): void {
  guarded({ permission: 'calls:read' }).page('/calls', async (request) => {
    const { access } = request;
    const wanted = wantedBy(request);
    const bots = await access.db.selectFrom('bots').select(['id', 'name']).orderBy('created_at').execute();
    const calls = await newestCalls(access, { ...wanted, most: most + 1 });
    const rows = calls
      .slice(0, most)
      .map((call) => [
        when(call.started_at),
        call.name,
        call.caller,
        lengthText(call.seconds),
        badge(call.outcome),
        call.order_cents > 0 ? moneyText(call.order_cents) : '–',
      ]);
    const heads = ['Time', 'Bot', 'Caller', { figure: 'Length' }, 'Outcome', { figure: 'Order' }];
    const last = calls.length > most ? calls[most - 1] : undefined;
    const filtered = wanted.outcome !== undefined || wanted.bot !== undefined;
    const none = filtered ? 'No call is like that.' : 'No calls yet.';
    const names = [['', 'Every bot'], ...bots.map(({ id, name }) => [id, name] as const)] as const;
    return {
      title: 'Calls',
      body: html`<form class="filter" method="get" action="/calls">
${choice({ name: 'bot', label: 'Bot', options: names, value: wanted.bot ?? '' })}
${choice({ name: 'outcome', label: 'Outcome', options: outcomes, value: wanted.outcome ?? '' })}
<button type="submit" class="plain">Show</button></form>
${table('Calls, the newest first', heads, rows, none)}
${last !== undefined && html`<p><a href="${older(wanted, last)}">Older calls</a></p>`}
${card('What each bot did in 30 days', await analytics(access))}`,
    };
  });
}

async function analytics(access: Guarded['access']) {
  if (!(await access.has('analytics'))) {
    const upgrade = access.can('billing:manage') && html` <a href="/billing">Upgrade</a>`;
    return html`<p>Advanced analytics come with Starter.${upgrade}</p>`;
  }
  const bots = await callsByBot(access, new Date(Date.now() - month));
  const rows = bots.map(({ name, calls, missed, orders, seconds, cents }) => [
    name,
    calls,
    missed,
    orders,
    lengthText(seconds),
    moneyText(cents),
  ]);
  const heads = ['Calls', 'Missed', 'Orders', 'Mean length', 'Value of orders'].map((figure) => ({ figure }));
  return table('What each bot did', ['Bot', ...heads], rows, 'No calls yet.');
}

/** The calls that an address asks for; what is no filter is none. */
function wantedBy({ query }: Guarded): Omit<CallsWanted, 'most'> {
  const { bot, outcome, at, id }: Readonly<Record<string, unknown>> = Object(query);
  const moment = typeof at === 'string' && /^\d{1,15}$/.test(at) ? new Date(Number(at)) : null;
  return {
    ...(isOutcome(outcome) && { outcome }),
    ...(isUuid(bot) && { bot }),
    ...(moment !== null && isUuid(id) && { before: { at: moment, id } }),
  };
}

function isOutcome(word: unknown): word is Outcome {
  return word === 'answered' || word === 'order' || word === 'missed';
}

function older(wanted: Omit<CallsWanted, 'most'>, last: { readonly started_at: Date; readonly id: string }): string {
  const { bot = '', outcome = '' } = wanted;
  const at = String(last.started_at.getTime());
  return `/calls?${new URLSearchParams({ bot, outcome, at, id: last.id })}`;
}
