import type { Command } from 'commander';
import { systemClock } from '../../core/index.ts';
import { type Actions, done, facts, table, wordAt } from '../action.ts';
import { timeOf, wordOf } from '../arguments.ts';

const day = 86_400_000;

/** `tenantry usage …` */
export function usage(program: Command, { command, does }: Actions): void {
  const group = program.command('usage').description('what tenants use');
  const make = (usageLine: string, line: string): Command => command(group, usageLine, line);

  make('show <organization>', 'what a tenant used by the hour, the day or in all')
    .option('--quota <name>', 'of one quota')
    .option('--by <size>', 'hour, day (the usual) or total')
    .option('--of <whom>', 'tenant (the usual), members or keys')
    .option('--from <time>', 'thirty days ago when absent')
    .option('--to <time>', 'now when absent')
    .option('--zone <name>', 'the time zone in which days begin')
    .action(
      does(async ({ app, given, words, tenantOf }) => {
        const tenantId = await tenantOf(words[0]);
        const to = timeOf(given, 'to') ?? systemClock();
        const from = timeOf(given, 'from') ?? new Date(to.getTime() - 30 * day);
        const quota = given.values.get('quota');
        const zone = given.values.get('zone');
        const sums = await app.plans.usage.read(tenantId, {
          from,
          to,
          by: wordOf(given, 'by', ['hour', 'day', 'total'] as const) ?? 'day',
          of: wordOf(given, 'of', ['tenant', 'members', 'keys'] as const) ?? 'tenant',
          ...(quota !== undefined && { quota }),
          ...(zone !== undefined && { zone }),
        });
        const rows = sums.map(({ quota: name, at, units, subjectId }) => [name, at, subjectId, units]);
        return done(sums, table(['quota', 'from', 'whose', 'units'], rows, { none: 'nothing was used', right: [3] }));
      }),
    );

  make('periods <organization>', 'what counters hold, in this period and those before').action(
    does(async ({ app, words, tenantOf }) => {
      const periods = await app.plans.usage.periods(await tenantOf(words[0]));
      const rows = periods.map(({ meter, per, start, used, updatedAt }) => [meter, per, start, used, updatedAt]);
      const heads = ['meter', 'per', 'from', 'used', 'last'];
      return done(periods, table(heads, rows, { none: 'nothing was used', right: [3] }));
    }),
  );

  make('forecast <organization> <quota>', 'when a quota will be used up').action(
    does(async (context) => {
      const quota = wordAt(context, 1, 'which quota');
      const forecast = await context.app.plans.usage.forecast(await context.tenantOf(context.words[0]), quota);
      return done(forecast, facts({ ...forecast }));
    }),
  );

  make('prune [organization]', 'delete old idempotency keys, settled reservations and, if it is said, old history')
    .option('--before <time>', 'keys, reservations and windows before then; thirty days ago when absent')
    .option('--history-before <time>', 'hours and periods before then; all are kept when absent')
    .action(
      does(async ({ app, given, words, tenantOf }) => {
        const historyBefore = timeOf(given, 'history-before');
        const [organization] = words;
        const pruned = await app.plans.usage.prune({
          before: timeOf(given, 'before') ?? new Date(systemClock().getTime() - 30 * day),
          ...(historyBefore !== undefined && { historyBefore }),
          ...(organization !== undefined && { tenantId: await tenantOf(organization) }),
        });
        return done(pruned, facts({ ...pruned }));
      }),
    );
}
