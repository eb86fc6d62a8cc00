/** The commands, in the order in which they are used. */
export const commandNames = [
  'install',
  'inspect',
  'plan',
  'apply',
  'status',
  'verify',
  'rollback',
  'pause',
  'resume',
  'sql',
] as const;

/** The name of a command. */
export type CommandName = (typeof commandNames)[number];

interface CommandHelp {
  readonly line: string;
  readonly options: readonly string[];
}

const commands: Readonly<Record<CommandName, CommandHelp>> = {
  install: { line: 'install the schema "tenantry", or bring it up to date', options: ['grant-to'] },
  inspect: {
    line: 'read the database and draft a definition',
    options: ['out', 'name', 'strategy', 'starts-on', 'schema', 'source', 'column'],
  },
  plan: {
    line: 'show what would be done, and refuse what cannot be',
    options: ['definition', 'name', 'to', 'sql', 'dry-run', 'yes', 'out', 'lock-timeout'],
  },
  apply: {
    line: 'do it, or go on with it',
    options: [
      'definition',
      'name',
      'to',
      'plan',
      'yes',
      'dry-run',
      'actor',
      'report',
      'batch-size',
      'batch-milliseconds',
      'pause',
      'lock-timeout',
      'max-replica-lag',
      'max-lock-waiters',
    ],
  },
  status: {
    line: 'tell where it stands, and what is in its way; list all when none is named',
    options: ['definition', 'name', 'report'],
  },
  verify: { line: 'prove the result by another path', options: ['definition', 'name', 'report'] },
  rollback: {
    line: 'take it back, from whatever stage',
    options: ['definition', 'name', 'yes', 'actor', 'report', 'lock-timeout'],
  },
  pause: { line: 'let whoever applies it wait', options: ['definition', 'name', 'actor'] },
  resume: { line: 'let whoever applies it go on', options: ['definition', 'name'] },
  sql: {
    line: 'write it out as SQL files for psql or Prisma',
    options: ['definition', 'name', 'format', 'out', 'to', 'start', 'lock-timeout'],
  },
};

const meanings: Readonly<Record<string, string>> = {
  definition: '<file> the module that exports the definition (.ts, .js, .mjs); the word after the command works too',
  name: '<name> the migration, where the module exports several, or where there is no module',
  to: '<stage> the last stage: expand, backfill, enforce (the usual), switch or contract',
  yes: 'do not ask',
  'dry-run': 'run the real statements in one transaction and roll it back; locks the tables meanwhile',
  sql: 'every statement, with its lock and estimate',
  plan: '<file> the plan that was looked at, as plan --out wrote it; a changed database is refused',
  out: '<path> where to write: the draft, the plan, or the folder of the SQL files',
  report: '<file> write what was done, by whom, as .md or .json',
  actor: '<name> who does it, for the record; the database role when absent',
  strategy: '<name> where it leads: none, per-user, per-org (the usual) or hybrid-seats',
  'starts-on': '<plan> the plan on which tenants start; "default" when absent',
  schema: '<name> the schema to inspect; public when absent',
  source: '<table> the table that tenants are made from; guessed when absent',
  column: '<name> the name of the tenant column; tenant_id when absent',
  format: '<name> psql (the usual) or prisma',
  start: '<time> the time in the name of the first folder of Prisma, such as 2026-05-01T00:00:00Z',
  'grant-to': '<login> logins of the application, with commas between',
  pause: '<ms> a rest after each batch',
  'batch-size': '<rows> the size of the first batch; 500 when absent',
  'batch-milliseconds': '<ms> how long a batch should take; 20 when absent',
  'lock-timeout': '<ms> how long a statement waits for a lock before it tries again; 2,000 when absent',
  'max-replica-lag': '<s> wait while a replica is further behind; 10 when absent',
  'max-lock-waiters': '<n> wait while more sessions wait for locks; 10 when absent',
};

/** The options of a command as they are declared: how each is written, and what it means. */
export function optionsOf(command: CommandName): readonly { readonly flags: string; readonly meaning: string }[] {
  return [...commands[command].options].map((name) => {
    const [parameter = '', meaning = ''] = splitMeaning(meanings[name] ?? '');
    return { flags: `${shorts[name] ?? ''}--${name}${parameter === '' ? '' : ` ${parameter}`}`, meaning };
  });
}

/** What a command does, in a line. */
export function lineOf(command: CommandName): string {
  return commands[command].line;
}

const shorts: Readonly<Record<string, string>> = { yes: '-y, ' };

/** A meaning begins with the parameter of the option, where it has one. */
function splitMeaning(text: string): [parameter: string, meaning: string] {
  const found = /^(<[^>]+>)\s+(.*)$/s.exec(text.trim());
  return found === null ? ['', text.trim()] : [found[1] ?? '', found[2] ?? ''];
}

/** What the exit codes say, at the end of the help. */
export const exitCodesText = [
  'Exit codes: 0 done, 1 unexpected, 2 wrong use, 3 refused (unresolved rows, conflicts, rights), 4 differences,',
  '            5 the database drifted, 6 another runner holds it, 7 stopped on the way: run it again and it goes on',
].join('\n');
