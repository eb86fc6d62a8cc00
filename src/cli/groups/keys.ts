import type { Command } from 'commander';
import type { ApiKey } from '../../api-keys/index.ts';
import { TenantryError } from '../../core/index.ts';
import { type ActionContext, type Actions, done, facts, table, wordAt } from '../action.ts';
import { listOf, numberOf, timeOf, wordOf } from '../arguments.ts';
import { counted } from '../text/words.ts';
import { UsageError } from '../usage-error.ts';
import { paged, pageOf } from './paging.ts';

/** `tenantry keys …` */
export function keys(program: Command, { command, does }: Actions): void {
  const group = program.command('keys').description('API keys');
  const make = (usage: string, line: string): Command => command(group, usage, line);

  paged(make('list <organization>', 'list the keys of a tenant'))
    .option('--user <user>', 'those of one member')
    .option('--live', 'those alone that still open')
    .action(
      does(async (context) => {
        const { app, given, words, tenantOf } = context;
        const tenantId = await tenantOf(words[0]);
        const user = given.values.get('user');
        const memberId = user === undefined ? undefined : await memberOf(context, tenantId, user);
        const page = await app.apiKeys.list(tenantId, {
          ...pageOf(given),
          ...(memberId !== undefined && { memberId }),
          ...(given.flags.has('live') && { live: true }),
        });
        const rows = page.items.map((key) => [
          key.start,
          key.name,
          key.environment,
          key.owner.kind,
          stateOf(key),
          key.scopes.join(' '),
          key.lastUsedAt,
          key.id,
        ]);
        const heads = ['key', 'name', 'environment', 'owner', 'state', 'scopes', 'last used', 'id'];
        return done(page, table(heads, rows, { ...page, none: 'there are no keys' }));
      }),
    );

  make('show <organization> <key>', 'show a key, by its id').action(
    does(async (context) => {
      const ref = await refOf(context);
      const key = await context.app.apiKeys.get(ref);
      if (key === null) throw new TenantryError('api_key_not_found', { key: ref.keyId });
      return done(key, facts({ ...key, owner: key.owner.kind, scopes: key.scopes.join(' '), state: stateOf(key) }));
    }),
  );

  make('create <organization>', 'make a key; its secret is printed once, and kept nowhere')
    .option('--name <name>', 'what it is for')
    .option('--user <user>', 'the member whose it is; the organization itself when absent')
    .option('--scopes <list>', 'what it may, with commas between; everything when absent')
    .option('--environment <name>', 'live or test')
    .option('--expires <time>', 'when it ends')
    .action(
      does(async (context) => {
        const { app, given, words, by } = context;
        const tenantId = await context.tenantOf(words[0]);
        const user = given.values.get('user');
        const environment = wordOf(given, 'environment', ['live', 'test'] as const);
        const scopes = listOf(given, 'scopes');
        const { key, secret } = await app.apiKeys.issue(
          {
            tenantId,
            name: given.values.get('name') ?? null,
            expiresAt: timeOf(given, 'expires') ?? null,
            ...(user !== undefined && { memberId: await memberOf(context, tenantId, user) }),
            ...(environment !== undefined && { environment }),
            ...(scopes !== undefined && { scopes }),
          },
          { by },
        );
        return done({ key, secret }, shown(key, secret));
      }),
    );

  make('rotate <organization> <key>', 'give a key a new secret, printed once')
    .option('--grace <seconds>', 'how long the old secret opens still')
    .action(
      does(async (context) => {
        const grace = numberOf(context.given, 'grace');
        const { key, secret } = await context.app.apiKeys.rotate(
          { ...(await refOf(context)), ...(grace !== undefined && { grace }) },
          { by: context.by },
        );
        return done({ key, secret }, shown(key, secret));
      }),
    );

  make('revoke <organization> [key]', 'end a key for ever, or all keys of a member')
    .option('--user <user>', 'the member whose keys end')
    .action(
      does(async (context) => {
        const { app, given, words, by } = context;
        const user = given.values.get('user');
        if (user === undefined) {
          const key = await app.apiKeys.revoke(await refOf(context), { by });
          return done(key, `${key.start}… is ${stateOf(key)}`);
        }
        if (words[1] !== undefined) throw new UsageError('either a key or --user');
        const tenantId = await context.tenantOf(words[0]);
        const revoked = await app.apiKeys.revokeAll(
          { tenantId, memberId: await memberOf(context, tenantId, user) },
          { by },
        );
        return done(revoked, `${counted(revoked.length, 'key')} of ${user} ended`);
      }),
    );

  for (const [verb, line] of [
    ['disable', 'let a key open nothing for now'],
    ['enable', 'let a disabled key open again'],
  ] as const) {
    make(`${verb} <organization> <key>`, line).action(
      does(async (context) => {
        const key = await context.app.apiKeys[verb](await refOf(context), { by: context.by });
        return done(key, `${key.start}… is ${stateOf(key)}`);
      }),
    );
  }
}

function shown(key: ApiKey, secret: string): string {
  return `${secret}\n\nThis is the only time that it is shown. The key's id is ${key.id}.`;
}

function stateOf({ revokedAt, enabled, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return 'revoked';
  if (!enabled) return 'disabled';
  return expiresAt === null ? 'open' : `open until ${expiresAt.toISOString().slice(0, 16)}Z`;
}

async function refOf(context: ActionContext): Promise<{ readonly tenantId: string; readonly keyId: string }> {
  const keyId = wordAt(context, 1, 'which key, by its id');
  return { tenantId: await context.tenantOf(context.words[0]), keyId };
}

async function memberOf({ app }: ActionContext, tenantId: string, userId: string): Promise<string> {
  const member = await app.organizations.members.get({ tenantId, userId });
  if (member === null) throw new TenantryError('member_not_found', { member: userId });
  return member.id;
}
