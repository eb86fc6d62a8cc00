import type { Command } from 'commander';
import { type ActionContext, type Actions, done, facts, table, wordAt } from '../action.ts';
import { numberOf, wordOf } from '../arguments.ts';
import { UsageError } from '../usage-error.ts';
import { paged, pageOf } from './paging.ts';

/** `tenantry orgs …` */
export function orgs(program: Command, { command, does }: Actions): void {
  const group = program.command('orgs').description('organizations and other tenants');
  const make = (usage: string, line: string): Command => command(group, usage, line);

  paged(make('list', 'list tenants, the oldest first'))
    .option('--status <status>', 'active, suspended or maintenance')
    .option('--plan <plan>', 'those on this plan')
    .option('--search <text>', 'those whose name begins so, or whose slug it is')
    .action(
      does(async ({ app, given, by }) => {
        const status = wordOf(given, 'status', ['active', 'suspended', 'maintenance'] as const);
        const { values } = given;
        const plan = values.get('plan');
        const search = values.get('search');
        const page = await app.platform.tenants({
          by,
          ...pageOf(given),
          ...(status !== undefined && { status }),
          ...(plan !== undefined && { plan }),
          ...(search !== undefined && { search }),
        });
        const rows = page.items.map((tenant) => [
          tenant.slug ?? tenant.tenantId,
          tenant.name,
          tenant.status,
          tenant.plan,
          tenant.subscriptionStatus,
          tenant.seatsTaken === null ? null : `${tenant.seatsTaken}/${tenant.seatsBought ?? '∞'}`,
          tenant.createdAt,
        ]);
        const heads = ['organization', 'name', 'status', 'plan', 'subscription', 'seats', 'since'];
        return done(page, table(heads, rows, { ...page, none: 'there are no tenants' }));
      }),
    );

  make('show <organization>', 'show one, by its slug or id').action(
    does(async (context) => show(context, await context.tenantOf(context.words[0]))),
  );

  make('create <name>', 'make an organization with its owner')
    .requiredOption('--owner <user>', "the application's id of the user who owns it")
    .option('--email <address>', "the owner's address")
    .option('--slug <slug>', 'its slug; made from the name when absent')
    .option('--plan <plan>', 'the plan it starts on')
    .option('--seats <number>', 'how many seats are bought')
    .action(
      does(async (context) => {
        const { app, given, by } = context;
        const { values } = given;
        const seats = numberOf(given, 'seats');
        const slug = values.get('slug');
        const plan = values.get('plan');
        const email = values.get('email');
        const made = await app.organizations.create(
          {
            name: wordAt(context, 0, 'its name'),
            owner: { userId: values.get('owner') ?? '', ...(email !== undefined && { email }) },
            ...(slug !== undefined && { slug }),
            ...(plan !== undefined && { plan }),
            ...(seats !== undefined && { seats }),
          },
          { by },
        );
        return show(context, made.tenantId);
      }),
    );

  make('seats <organization> <number>', 'set how many seats are bought; "none" for no cap').action(
    does(async (context) => {
      const tenantId = await context.tenantOf(context.words[0]);
      const word = wordAt(context, 1, 'how many');
      if (word !== 'none' && !/^\d{1,9}$/.test(word))
        throw new UsageError(`seats are a whole number or none, not "${word}"`);
      const seats = await context.app.organizations.setSeats(tenantId, word === 'none' ? null : Number(word), {
        by: context.by,
      });
      return done(
        seats,
        facts({ bought: seats.bought ?? 'no cap', taken: seats.taken, held: seats.held, free: seats.free }),
      );
    }),
  );

  for (const [verb, line] of [
    ['suspend', 'let nobody in, keep everything'],
    ['resume', 'let a suspended one in again'],
  ] as const) {
    make(`${verb} <organization>`, line).action(
      does(async (context) => {
        const tenantId = await context.tenantOf(context.words[0]);
        const { tenant, changed } = await context.app.tenancy[verb](tenantId);
        return done({ tenant, changed }, `${tenant.name} is ${tenant.status}${changed ? '' : ', as it was'}`);
      }),
    );
  }
}

async function show({ app }: ActionContext, tenantId: string) {
  const tenant = await app.tenancy.get(tenantId);
  const organization = await app.organizations.get(tenantId);
  const found = { tenant, organization };
  return done(
    found,
    facts({
      id: tenantId,
      name: tenant?.name,
      slug: organization?.slug,
      kind: tenant?.kind,
      status: tenant?.status,
      plan: tenant?.plan,
      subscription: tenant?.subscriptionStatus,
      seats:
        organization &&
        `${organization.seatsTaken} of ${organization.seatsBought ?? 'any number'}, ${organization.seatsHeld} held`,
      since: tenant?.createdAt,
    }),
  );
}
