import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { SqlExport } from 'tenantry/migrate';

/** Runs one file of an export on a database. Throws what the server throws. */
export type FileRunner = (url: string, content: string) => Promise<void>;

/** Whether this machine has psql. */
export const psqlFound = spawnSync('psql', ['--version']).status === 0;

/** Real psql, as the header of a file says. */
export const withPsql: FileRunner = async (url, content) => {
  const folder = await mkdtemp(join(tmpdir(), 'export-sql-'));
  try {
    const file = join(folder, 'file.sql');
    await writeFile(file, content);
    const child = spawn('psql', [url, '-X', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += String(chunk);
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    if (status !== 0) throw new Error(errors);
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** The whole file in one message, as Prisma sends it. */
export const asPrisma: FileRunner = (url, content) =>
  connected(url, async (client) => {
    await client.query(content);
  });

/** psql's own rules without psql: statement by statement, with the few commands that the files use. */
export const asPsql: FileRunner = (url, content) =>
  connected(url, async (client) => {
    const variables = new Map<string, string>();
    const open: boolean[] = [];
    const active = (): boolean => open.every((branch) => branch);
    for (const part of psqlParts(content)) {
      const words = part.command.split(/\s+/);
      if (part.sql !== '' && active()) {
        const found = await client.query<Record<string, unknown>>(part.sql);
        if (words[0] === 'gset') {
          for (const [name, value] of Object.entries(found.rows[0] ?? {})) variables.set(name, String(value));
        }
      }
      if (words[0] === 'if') open.push(variables.get(words[1]?.slice(1) ?? '') === 'true');
      else if (words[0] === 'endif') open.pop();
      else if (!['', 'set', 'encoding', 'echo', 'gset'].includes(words[0] ?? '')) throw new Error(part.command);
    }
  });

async function connected(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A statement that a semicolon or a command ends, and the command. */
interface Part {
  readonly sql: string;
  readonly command: string;
}

/** Splits a file as psql does: semicolons and backslashes count outside of quotes, comments and parentheses. */
export function psqlParts(text: string): Part[] {
  const parts: Part[] = [];
  const token =
    /--[^\n]*|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|\\[^\n]*|[();]|[\s\S]/gy;
  let sql = '';
  let depth = 0;
  const end = (command: string): void => {
    if (sql.trim() !== '' || command !== '') parts.push({ sql: sql.trim(), command });
    sql = '';
  };
  for (const [found] of text.matchAll(token)) {
    if (found.startsWith('--')) continue;
    if (found.startsWith('\\')) end(found.slice(1));
    else if (found === ';' && depth === 0) end('');
    else {
      if (found === '(') depth += 1;
      if (found === ')') depth -= 1;
      sql += found;
    }
  }
  end('');
  return parts;
}

/** The content of the files with these names, in order. */
export function contents({ files }: SqlExport, name: RegExp): string[] {
  return files.filter((file) => name.test(file.name)).map((file) => file.content);
}
