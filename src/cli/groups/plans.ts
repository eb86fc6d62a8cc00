import type { Command } from 'commander';
import { type Actions, done, facts, table, wordAt } from '../action.ts';
import { timeOf, wordOf } from '../arguments.ts';
import { UsageError } from '../usage-error.ts';

const subscriptions = ['active', 'trialing', 'past_due', 'unpaid', 'canceled', 'none'] as const;

/** `tenantry plans …` */
export function plans(program: Command, { command, does }: Actions): void {
  const group = program.command('plans').description('plans, and what tenants have of them');
  const make = (usage: string, line: string): Command => command(group, usage, line);

  make('list', 'list the plans, and how many tenants are on each').action(
    does(async ({ app, by }) => {
      const counts = await app.platform.plans({ by });
      const known = Object.keys(app.plans.catalogue.plans);
      const unused = known.filter((name) => counts.every(({ plan }) => plan !== name));
      const rows = [
        ...counts.map((count) => [count.plan, count.status, count.subscriptionStatus, count.tenants, count.seatsTaken]),
        ...unused.map((name) => [name, null, null, 0, 0]),
      ];
      const heads = ['plan', 'status', 'subscription', 'tenants', 'seats taken'];
      return done({ known, counts }, table(heads, rows, { none: 'there are no plans', right: [3, 4] }));
    }),
  );

  make('show <organization>', 'show the plan of a tenant, and what is used of it').action(
    does(async ({ app, words, tenantOf }) => {
      const tenantId = await tenantOf(words[0]);
      const inForce = await app.plans.inForce(tenantId);
      const terms = await app.plans.terms.of(tenantId);
      const names = Object.keys({ ...inForce.contents.limits, ...inForce.contents.quotas });
      const meters = await Promise.all(
        names.map(async (meter) => ({ meter, ...(await app.plans.check(tenantId, meter)) })),
      );
      const rows = meters.map(({ meter, used, limit, remaining, resetsAt }) => [
        meter,
        used,
        limit,
        remaining,
        resetsAt,
      ]);
      const text = [
        facts({ plan: inForce.plan, version: inForce.version, terms }),
        '',
        table(['meter', 'used', 'limit', 'left', 'begins anew'], rows, { none: 'it has no limits', right: [1, 2, 3] }),
      ].join('\n');
      return done({ ...inForce, terms, meters }, text);
    }),
  );

  make('set <organization> <plan>', 'put a tenant on another plan')
    .option(
      '--subscription <status>',
      `how its subscription stands, where no provider tells: ${subscriptions.join(', ')}`,
    )
    .action(
      does(async (context) => {
        const plan = wordAt(context, 1, 'which plan');
        const status = wordOf(context.given, 'subscription', subscriptions);
        const { tenant, changed } = await context.app.tenancy.setPlan(
          await context.tenantOf(context.words[0]),
          plan,
          status === undefined ? {} : { subscriptionStatus: status === 'none' ? null : status },
        );
        const standing = tenant.subscriptionStatus === null ? '' : `, ${tenant.subscriptionStatus}`;
        return done(
          { tenant, changed },
          `${tenant.name} is on "${tenant.plan}"${standing}${changed ? ' now' : ', as before'}`,
        );
      }),
    );

  make(
    'override <organization> <meter> <amount>',
    'give a tenant another amount; "unlimited", or "plan" to take it back',
  )
    .option('--until <time>', 'how long')
    .action(
      does(async (context) => {
        const tenantId = await context.tenantOf(context.words[0]);
        const meter = wordAt(context, 1, 'which meter');
        const until = timeOf(context.given, 'until');
        const terms = await context.app.plans.terms.override(
          tenantId,
          { meters: { [meter]: amountOf(wordAt(context, 2, 'how much')) } },
          until === undefined ? {} : { expiresAt: until },
        );
        return done(terms, facts({ terms }));
      }),
    );
}

function amountOf(word: string): number | 'unlimited' | null {
  if (word === 'unlimited') return word;
  if (word === 'plan') return null;
  if (!/^\d{1,15}$/.test(word)) throw new UsageError(`an amount is a whole number, unlimited or plan, not "${word}"`);
  return Number(word);
}
