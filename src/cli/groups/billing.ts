import type { Command } from 'commander';
import type { Billing, Stray } from '../../billing/index.ts';
import { type ActionContext, type Actions, done, facts, table } from '../action.ts';
import { exitCodes } from '../exit-codes.ts';
import { bar } from '../text/bar.ts';
import { catalogueText, stepText } from '../text/catalogue-text.ts';
import { counted } from '../text/words.ts';
import { UsageError } from '../usage-error.ts';

/** `tenantry billing …` */
export function billing(program: Command, { command, does }: Actions): void {
  const group = program.command('billing').description('subscriptions, and whether they are as the provider has them');
  const make = (usage: string, line: string): Command => command(group, usage, line);

  make('show <organization>', 'what a tenant pays, and how it stands').action(
    does(async (context) => {
      const state = await billingOf(context).state(await context.tenantOf(context.words[0]));
      const { plan, status, endsAt, pastDueSince, graceUntil, customerId, syncedAt } = state;
      return done(
        state,
        facts({ plan, status, endsAt, pastDueSince, graceUntil, customer: customerId, asked: syncedAt }),
      );
    }),
  );

  make('reconcile [organization]', 'compare everything with the provider')
    .option('--mend', 'and take over what the provider has')
    .action(
      does(async (context) => {
        const [word] = context.words;
        const tenantId = word === undefined ? undefined : await context.tenantOf(word);
        const report = await billingOf(context).reconcile({
          ...(tenantId !== undefined && { tenantId }),
          mend: context.given.flags.has('mend'),
          onProgress: ({ done: so, total }) =>
            context.terminal.passing(`  ${bar(so / Math.max(1, total))}  ${so} of ${counted(total, 'tenant')}`),
        });
        const rows = report.drift.map((one) => [one.tenantId, one.what, one.id, one.field, one.ours, one.theirs]);
        const heads = ['tenant', 'what', 'id', 'field', 'ours', 'theirs'];
        const end = `${counted(report.tenants, 'tenant')}, ${counted(report.drift.length, 'difference')}, ${report.mended} mended, ${report.failed.length} failed`;
        const failed = report.failed.map((one) => `${one.tenantId ?? 'strays'}: ${one.reason}`);
        const strays = report.strays.map(strayText);
        const text = [table(heads, rows, { none: 'nothing differs' }), ...strays, ...failed, '', end].join('\n');
        const mended = context.given.flags.has('mend');
        // What is paid for a tenant that is no more is left to people.
        const stray = report.strays.some(({ tenantKnown }) => !mended || !tenantKnown);
        const left = report.failed.length > 0 || (report.drift.length > 0 && !mended) || stray;
        return { exit: left ? exitCodes.differences : exitCodes.done, json: report, text };
      }),
    );

  make('sync-catalog', 'bring the products and prices at the provider to what the price list says')
    .option('--check', 'only tell what would be done; ends with 4 when something would be')
    .option('-y, --yes', 'do not ask')
    .action(
      does(async (context) => {
        const { catalogue } = billingOf(context);
        const { terminal, given } = context;
        const sync = await catalogue.plan();
        const nothing = sync.steps.length === 0 && sync.problems.length === 0;
        if (nothing || given.flags.has('check')) {
          return { exit: nothing ? exitCodes.done : exitCodes.differences, json: sync, text: catalogueText(sync) };
        }
        terminal.note(catalogueText(sync));
        if (sync.problems.length > 0) return { exit: exitCodes.refused, json: sync, text: 'nothing was done' };
        if (!given.flags.has('yes')) {
          if (!terminal.interactive) throw new UsageError('nobody is there to be asked: add --yes');
          const mode = sync.livemode ? 'in live mode' : 'in test mode';
          if (!(await terminal.confirm(`Do this at ${sync.provider} ${mode}?`)))
            throw new UsageError('nothing was done');
        }
        await catalogue.apply(sync, (step) => terminal.note(`  done: ${stepText(step)}`));
        return done(sync, `${counted(sync.steps.length, 'step')}; every price is as the list says`);
      }),
    );

  make('events', 'events that could not be worked on').action(
    does(async (context) => {
      const dead = await billingOf(context).events.dead();
      const rows = dead.map(({ id, type, attempts, receivedAt, error }) => [id, type, attempts, receivedAt, error]);
      return done(dead, table(['event', 'type', 'attempts', 'received', 'error'], rows, { none: 'none' }));
    }),
  );

  make('replay [events...]', 'work on dead events once more; on all when none is named').action(
    does(async (context) => {
      const ids = context.words;
      const replayed = await billingOf(context).events.replay(ids.length === 0 ? {} : { ids });
      return done({ replayed }, `${counted(replayed, 'event')} will be worked on again`);
    }),
  );
}

function strayText({ what, id, tenantId, tenantKnown, status }: Stray): string {
  const whose = tenantKnown ? `tenant ${tenantId}` : `tenant ${tenantId}, which is not here`;
  return `${what} ${id}${status === null ? '' : ` (${status})`} was made for ${whose}, and nobody here knows of it`;
}

function billingOf({ app }: ActionContext): Billing {
  const found: unknown = app.billing;
  if (!isBilling(found))
    throw new UsageError('the configuration gives createTenantry no billing: name one with --config');
  return found;
}

function isBilling(value: unknown): value is Billing {
  return typeof value === 'object' && value !== null && 'reconcile' in value;
}
