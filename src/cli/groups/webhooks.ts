import type { Command } from 'commander';
import { isTenantryError } from '../../core/index.ts';
import { type ActionContext, type Actions, done, facts, table, wordAt } from '../action.ts';
import { listOf, timeOf, wordOf } from '../arguments.ts';
import { UsageError } from '../usage-error.ts';
import { paged, pageOf } from './paging.ts';

const statuses = ['pending', 'delivered', 'failed', 'canceled'] as const;

/** `tenantry webhooks …` */
export function webhooks(program: Command, { command, does }: Actions): void {
  const group = program.command('webhooks').description('outgoing webhooks');
  const make = (usage: string, line: string): Command => command(group, usage, line);

  paged(make('list <organization>', 'list endpoints')).action(
    does(async ({ app, given, words, tenantOf }) => {
      const page = await app.webhooks.endpoints.list({ tenantId: await tenantOf(words[0]), ...pageOf(given) });
      const rows = page.items.map((one) => [one.id, one.url, one.status, one.filters.join(' '), one.disabledReason]);
      const heads = ['endpoint', 'url', 'status', 'events', 'why'];
      return done(page, table(heads, rows, { ...page, none: 'there are no endpoints' }));
    }),
  );

  make('create <organization> <url>', 'make an endpoint; its secret is printed once')
    .option('--events <list>', 'which events, with commas between, such as order.*; all when absent')
    .action(
      does(async (context) => {
        const filters = listOf(context.given, 'events');
        const url = wordAt(context, 1, 'the address');
        const tenantId = await context.tenantOf(context.words[0]);
        const { endpoints } = context.app.webhooks;
        const made = await unsealing(endpoints.create({ tenantId, url, ...(filters && { filters }) }));
        const note = `This is the only time that it is shown. The endpoint's id is ${made.endpoint.id}.`;
        return done(made, `${made.secret.verifyWith}\n\n${note}`);
      }),
    );

  for (const [verb, line] of [
    ['enable', 'send to a disabled endpoint again'],
    ['disable', 'send nothing to an endpoint for now'],
  ] as const) {
    make(`${verb} <organization> <endpoint>`, line).action(
      does(async (context) => {
        const endpoint = await context.app.webhooks.endpoints[verb](await refOf(context));
        return done(endpoint, `${endpoint.url} is ${endpoint.status}`);
      }),
    );
  }

  make('test <organization> <endpoint>', 'send a message now, and tell what came back').action(
    does(async (context) => {
      const attempt = await unsealing(context.app.webhooks.endpoints.test(await refOf(context)));
      return done(
        attempt,
        facts({ outcome: attempt.outcome, status: attempt.status, reason: attempt.reason, response: attempt.response }),
      );
    }),
  );

  make('health <organization> <endpoint>', 'how an endpoint does').action(
    does(async (context) => {
      const health = await context.app.webhooks.endpoints.health(await refOf(context));
      return done(health, facts({ ...health }));
    }),
  );

  paged(make('deliveries <organization> <endpoint>', 'the log of deliveries to an endpoint, the newest first'))
    .option('--status <status>', statuses.join(', '))
    .action(
      does(async (context) => {
        const { app, given } = context;
        const status = wordOf(given, 'status', statuses);
        const page = await app.webhooks.deliveries({
          ...(await refOf(context)),
          ...pageOf(given),
          ...(status !== undefined && { status }),
        });
        const rows = page.items.map((one) => [
          one.createdAt,
          one.type,
          one.status,
          one.attempts,
          one.lastStatus ?? one.lastReason,
          one.nextAttemptAt,
          one.messageId,
        ]);
        const heads = ['when', 'event', 'status', 'attempts', 'answer', 'next', 'message'];
        return done(page, table(heads, rows, { ...page, none: 'nothing was sent', right: [3] }));
      }),
    );

  make('replay <organization> <endpoint>', 'send messages once more')
    .option('--message <id>', 'one message')
    .option('--which <which>', 'failed (the usual), missing or all')
    .option('--since <time>', 'those from then on')
    .action(
      does(async (context) => {
        const { given } = context;
        const messageId = given.values.get('message');
        const which = wordOf(given, 'which', ['failed', 'missing', 'all'] as const);
        const since = timeOf(given, 'since');
        const input = {
          ...(await refOf(context)),
          ...(messageId !== undefined && { messageId }),
          ...(which !== undefined && { which }),
          ...(since !== undefined && { since }),
        };
        let deliveries = 0;
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const replayed = await context.app.webhooks.replay(cursor === undefined ? input : { ...input, cursor });
          deliveries += replayed.deliveries;
          cursor = replayed.nextCursor;
        }
        return done({ deliveries }, `${deliveries} deliveries are due again`);
      }),
    );
}

/** What needs the key under which secrets are stored says so where the configuration has none. */
async function unsealing<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (!isTenantryError(error, 'config_invalid') || error.details.path !== 'webhooks.secretBox') throw error;
    throw new UsageError(
      'the secrets of endpoints are stored sealed: the configuration (tenantry.config.ts or --config) must give createTenantry webhooks with a secretBox',
      { cause: error },
    );
  }
}

async function refOf(context: ActionContext): Promise<{ readonly tenantId: string; readonly endpointId: string }> {
  const endpointId = wordAt(context, 1, 'which endpoint, by its id');
  return { tenantId: await context.tenantOf(context.words[0]), endpointId };
}
