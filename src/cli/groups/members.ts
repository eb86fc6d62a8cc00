import type { Command } from 'commander';
import type { Member } from '../../organizations/index.ts';
import { type ActionContext, type Actions, done, table, wordAt } from '../action.ts';
import { wordOf } from '../arguments.ts';
import { UsageError } from '../usage-error.ts';
import { paged, pageOf } from './paging.ts';

const statuses = ['active', 'pending', 'requested', 'suspended', 'removed'] as const;

/** `tenantry members …` */
export function members(program: Command, { command, does }: Actions): void {
  const group = program.command('members').description('the people of an organization');
  const make = (usage: string, line: string): Command => command(group, usage, line);

  paged(make('list [organization]', 'list the members of one organization, or of all'))
    .option('--status <status>', `of one organization: ${statuses.join(', ')}`)
    .option('--user <user>', 'of all organizations: those where this user is one')
    .action(
      does(async ({ app, given, words, by, tenantOf }) => {
        const status = wordOf(given, 'status', statuses);
        const userId = given.values.get('user');
        if (words[0] === undefined) {
          if (status !== undefined) throw new UsageError('--status wants an organization');
          const page = await app.platform.members({ by, ...pageOf(given), ...(userId !== undefined && { userId }) });
          const rows = page.items.map(({ tenantName, ...member }) => [tenantName, ...rowOf(member)]);
          return done(page, table(['organization', ...heads], rows, { ...page, none: 'there are no members' }));
        }
        if (userId !== undefined) throw new UsageError('either an organization or --user');
        const tenantId = await tenantOf(words[0]);
        const page = await app.organizations.members.list({
          tenantId,
          ...pageOf(given),
          ...(status !== undefined && { statuses: [status] }),
        });
        return done(page, table(heads, page.items.map(rowOf), { ...page, none: 'there are no members' }));
      }),
    );

  make('add <organization> <user>', "add a user, by the application's id")
    .option('--role <role>', 'member when absent')
    .option('--email <address>', 'their address')
    .option('--name <name>', 'their name')
    .action(
      does(async (context) => {
        const { values } = context.given;
        const role = values.get('role');
        const { member, created } = await context.app.organizations.members.add(
          {
            ...(await named(context)),
            email: values.get('email') ?? null,
            name: values.get('name') ?? null,
            ...(role !== undefined && { role }),
          },
          { by: context.by },
        );
        return done({ member, created }, told(member, created ? 'was added' : 'was there already'));
      }),
    );

  make('role <organization> <user> <role>', 'give a member another role').action(
    does(async (context) => {
      const role = wordAt(context, 2, 'the role');
      const change = await context.app.organizations.members.setRole(
        { ...(await named(context)), role },
        { by: context.by },
      );
      return done(change, told(change.member, change.changed ? `is ${role} now` : `was ${role} already`));
    }),
  );

  for (const [verb, line, word] of [
    ['suspend', 'take away all access, and keep the member', 'is suspended'],
    ['activate', 'give a suspended member access again', 'is active'],
    ['remove', 'remove a member, with their keys', 'is removed'],
    ['approve', 'approve who asked to join', 'is approved'],
  ] as const) {
    make(`${verb} <organization> <user>`, line).action(
      does(async (context) => {
        const change = await context.app.organizations.members[verb](await named(context), { by: context.by });
        return done(change, told(change.member, change.changed ? word : `${word}, as before`));
      }),
    );
  }
}

const heads = ['user', 'role', 'status', 'email', 'name', 'member', 'since'];

type Listed = Pick<Member, 'userId' | 'email' | 'name' | 'id' | 'createdAt'> & {
  readonly role: string;
  readonly status: string;
};

function rowOf({ userId, role, status, email, name, id, createdAt }: Listed): readonly unknown[] {
  return [userId, role, status, email, name, id, createdAt];
}

async function named(context: ActionContext): Promise<{ readonly tenantId: string; readonly userId: string }> {
  const userId = wordAt(context, 1, 'which user');
  return { tenantId: await context.tenantOf(context.words[0]), userId };
}

function told({ userId }: Member, what: string): string {
  return `${userId} ${what}`;
}
