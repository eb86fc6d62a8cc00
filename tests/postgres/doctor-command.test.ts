import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/run-command.ts';
import { type Sample, type SampleServer, startSample } from '../support/doctor-sample.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

let server: SampleServer;
let clean: Sample;
let open: Sample;
beforeAll(async () => {
  vi.stubEnv('DATABASE_URL', undefined);
  server = await startSample();
  clean = await server.copy();
  open = await server.copy();
  await sql`create view all_tasks as select * from tasks`.execute(open.owner);
  await sql`create index on tasks (title)`.execute(open.owner);
  await sql`grant trigger on tasks to tenantry_app`.execute(open.owner);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await clean.destroy();
  await open.destroy();
  await server.stop();
});

interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly note: string;
}

/** Runs the command in this process. */
async function run(...words: readonly string[]): Promise<Ran> {
  const [out, note]: [string[], string[]] = [[], []];
  const exit = await runCommand(
    ['doctor', ...words],
    {
      interactive: false,
      width: () => 100,
      out: (text) => out.push(text),
      note: (text) => note.push(text),
      passing: () => undefined,
      confirm: async () => false,
      hide: () => undefined,
    },
    '0.0.0',
  );
  return { exit, out: out.join('\n'), note: note.join('\n') };
}

/** Runs the command as a process of its own. */
async function runProcess(...words: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [main, 'doctor', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, note] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    note += String(chunk);
  });
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exit, out, note };
}

const shared = ['--shared', 'countries'];

describe('exit codes', () => {
  it('is 0 for a clean database, also with every hint', async () => {
    const { exit, out } = await run('--url', clean.urls.app, ...shared, '--fail-on', 'info');
    expect(exit).toBe(0);
    expect(out).toContain('No holes found.');
    expect(out).toContain('Checked the role sample_app');
  });

  it('is 1 for an error, or for what --fail-on says', async () => {
    const url = ['--url', open.urls.app, ...shared];
    expect((await run(...url)).exit).toBe(1);
    expect((await run(...url, '--fail-on', 'never')).exit).toBe(0);
    expect((await run(...url, '--ignore', 'view_without_invoker')).exit).toBe(0);
    expect((await run(...url, '--ignore', 'view_without_invoker', '--fail-on', 'warning')).exit).toBe(1);
  });

  it.each([
    ['an unknown option', ['--colour']],
    ['no database', []],
    ['no address', ['--url', 'localhost']],
    ['an unknown severity', ['--url', 'postgres://localhost/x', '--fail-on', 'fatal']],
    ['two formats', ['--url', 'postgres://localhost/x', '--json', '--sarif']],
  ])('is 2 for %s', async (_, words) => {
    expect(await run(...words)).toMatchObject({ exit: 2, out: words.includes('--json') ? expect.any(String) : '' });
  });

  it('is 2 for a role that is not there', async () => {
    const { exit, note } = await run('--url', clean.urls.app, '--role', 'nobody');
    expect(exit).toBe(2);
    expect(note).toContain('"nobody"');
  });

  it('is 3 for a database that cannot be reached, and never shows the password', async () => {
    const { exit, out, note } = await runProcess('--url', 'postgres://someone:very-secret@127.0.0.1:1/nothing');
    expect(exit).toBe(3);
    expect(out + note).not.toContain('very-secret');
    const wrong = clean.urls.app.replace('sample_app:test', 'sample_app:not-the-password');
    const refused = await runProcess('--url', wrong, '--json');
    expect(refused.exit).toBe(3);
    expect(JSON.parse(refused.out)).toMatchObject({ exit: 3, error: { code: 'unreachable' } });
    expect(refused.out + refused.note).not.toContain('not-the-password');
  });
});

describe('what is printed', () => {
  it('is for people: what, why, and the SQL that mends it', async () => {
    const { out } = await run('--url', open.urls.app, ...shared);
    expect(out).toContain('error: public.all_tasks (view_without_invoker)');
    expect(out).toContain('alter view "public"."all_tasks" set (security_invoker = true);');
    expect(out).toMatch(/1 error, 1 warning\. 1 more below/);
  });

  it('is one JSON document', async () => {
    const { out } = await run('--url', open.urls.app, ...shared, '--json', '--level', 'info');
    expect(JSON.parse(out)).toMatchObject({
      command: 'doctor',
      exit: 1,
      result: {
        role: 'sample_app',
        below: 0,
        findings: [
          {
            code: 'view_without_invoker',
            severity: 'error',
            object: 'public.all_tasks',
            what: expect.any(String),
            why: expect.any(String),
            mend: ['alter view "public"."all_tasks" set (security_invoker = true)'],
          },
          { code: 'right_ddl', severity: 'warning' },
          { code: 'index_not_by_tenant', severity: 'info' },
        ],
      },
    });
  });

  it('is SARIF 2.1.0: every result has a rule, a level, a place, and a fingerprint that stays', async () => {
    const words = ['--url', open.urls.app, ...shared, '--sarif', '--level', 'info', '--source', 'db/schema.sql'];
    const [first, second] = [await run(...words), await run(...words)];
    const log = JSON.parse(first.out);
    expect(log).toMatchObject({
      $schema: expect.stringMatching(/sarif-2\.1\.0/),
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'tenantry doctor' } }, columnKind: 'utf16CodeUnits' }],
    });
    const [{ results, tool }] = log.runs;
    expect(results.map(({ level }: { level: string }) => level)).toEqual(['error', 'warning', 'note']);
    for (const result of results) {
      expect(tool.driver.rules[result.ruleIndex]).toEqual({
        id: result.ruleId,
        shortDescription: { text: expect.any(String) },
        defaultConfiguration: { level: result.level },
      });
      expect(result).toEqual({
        ruleId: expect.any(String),
        ruleIndex: expect.any(Number),
        level: expect.any(String),
        message: { text: expect.any(String) },
        locations: [
          {
            physicalLocation: { artifactLocation: { uri: 'db/schema.sql' }, region: { startLine: 1 } },
            logicalLocations: [{ fullyQualifiedName: expect.any(String) }],
          },
        ],
        partialFingerprints: { 'tenantry/v1': expect.stringMatching(/^[0-9a-f]{64}$/) },
      });
    }
    expect(second.out).toBe(first.out);
  });

  it('is help when asked', async () => {
    const { exit, out } = await run('--help');
    expect(exit).toBe(0);
    for (const option of ['--url', '--role', '--shared', '--fail-on', '--sarif', '--citus'])
      expect(out).toContain(option);
  });
});
