import type { Command } from 'commander';
import { type Actions, done, table } from '../action.ts';
import type { GivenOptions } from '../arguments.ts';
import { listOf, timeOf, wordOf } from '../arguments.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../usage-error.ts';
import { paged, pageOf } from './paging.ts';

/** `tenantry audit …` */
export function audit(program: Command, { command, does }: Actions): void {
  const group = program.command('audit').description('what happened, and the proof that nobody rewrote it');
  const make = (usage: string, line: string): Command => filtered(command(group, usage, line));

  paged(make('list <organization>', 'list entries, the newest first')).action(
    does(async ({ app, given, words, tenantOf }) => {
      const page = await app.audit.list({ tenantId: await tenantOf(words[0]), ...pageOf(given), ...filterOf(given) });
      const rows = page.items.map(({ occurredAt, action, actor, targets, sequence }) => [
        occurredAt,
        action,
        actor.id ?? actor.type,
        targets.map(({ type, id }) => `${type}:${id ?? ''}`).join(' '),
        sequence,
      ]);
      return done(
        page,
        table(['when', 'what', 'who', 'on what', '#'], rows, { ...page, none: 'there are no entries' }),
      );
    }),
  );

  make('export <organization>', 'write all entries to the standard output')
    .option('--format <name>', 'csv or jsonl (the usual)')
    .option('--proof', 'with the hashes of the chain')
    .action(
      does(async ({ app, given, words, terminal, tenantOf }) => {
        const format = wordOf(given, 'format', ['csv', 'jsonl'] as const) ?? 'jsonl';
        const input = {
          tenantId: await tenantOf(words[0]),
          format,
          ...filterOf(given),
          proof: given.flags.has('proof'),
        };
        const parts: string[] = [];
        for await (const part of app.audit.export(input)) {
          if (given.flags.has('json')) parts.push(part);
          else terminal.out(part.replace(/\n$/, ''));
        }
        return done(parts.join(''), '');
      }),
    );

  command(group, 'verify <organization>', 'prove that no entry was changed, taken out or put in')
    .option('--anchor <sequence:hash>', 'an anchor that was kept elsewhere')
    .action(
      does(async ({ app, given, words, tenantOf }) => {
        const tenantId = await tenantOf(words[0]);
        await app.audit.chain({ tenantId });
        const anchor = anchorOf(given.values.get('anchor'));
        const found = await app.audit.verify({ tenantId, ...(anchor !== undefined && { anchor }) });
        const text = found.ok ? 'the chain is whole' : `the chain is broken: ${JSON.stringify(found)}`;
        return { exit: found.ok ? exitCodes.done : exitCodes.differences, json: found, text };
      }),
    );
}

function filtered(command: Command): Command {
  return command
    .option('--actions <list>', 'what happened, with commas between, such as member.added,api_key.revoked')
    .option('--actor <id>', 'who did it')
    .option('--from <time>', 'not before')
    .option('--to <time>', 'before');
}

function filterOf(given: GivenOptions) {
  const actions = listOf(given, 'actions');
  const actorId = given.values.get('actor');
  const from = timeOf(given, 'from');
  const to = timeOf(given, 'to');
  return {
    ...(actions !== undefined && { actions }),
    ...(actorId !== undefined && { actorId }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

function anchorOf(text: string | undefined): { readonly sequence: number; readonly hash: string } | undefined {
  if (text === undefined) return undefined;
  const found = /^(\d+):([0-9a-f]+)$/i.exec(text);
  if (found === null) throw new UsageError(`an anchor is a sequence and a hash, such as 42:9f8e…, not "${text}"`);
  return { sequence: Number(found[1]), hash: found[2] ?? '' };
}
