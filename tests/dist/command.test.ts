import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startPostgres } from '../../src/testing/index.ts';
import { packedPackage } from '../support/packed.ts';

const { project } = await packedPackage();
const command = join(project, 'node_modules/.bin/tenantry');

interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command that npm put into place, under a Node of choice. */
async function tenantry(args: readonly string[], { node = process.execPath, url = '' } = {}): Promise<Run> {
  const env = { PATH: process.env.PATH ?? '', DATABASE_URL: url };
  return promisify(execFile)(node, [command, ...args], { cwd: project, env }).then(
    ({ stdout, stderr }) => ({ exit: 0, stdout, stderr }),
    (error) => ({ exit: error.code, stdout: error.stdout, stderr: error.stderr }),
  );
}

it('stands where npx finds it, and says its version and its help', async () => {
  const { version } = JSON.parse(await readFile(join(project, 'node_modules/tenantry/package.json'), 'utf8'));
  const { stdout } = await promisify(execFile)(command, ['--version'], { cwd: project });
  expect(stdout).toBe(`${version}\n`);
  expect(await tenantry(['--help'])).toMatchObject({ exit: 0, stderr: '' });
  expect(await tenantry(['migrate', 'fly'])).toMatchObject({ exit: 2, stdout: '' });
});

it('converts a database from a definition in TypeScript, and takes it back', async () => {
  const server = await startPostgres({ settings: { fsync: 'off' } });
  try {
    await writeFile(
      join(project, 'definition.ts'),
      `import { defineMigration, via } from 'tenantry/migrate';
import { perOrg, perUser } from 'tenantry/tenancy';

interface Legacy { schools: { id: number; name: string }; lessons: { id: number; school_id: number } }

export default defineMigration<Legacy>()({
  name: 'schools', from: perUser(), to: perOrg(),
  tenants: { source: 'schools', sameTenant: ['id'], name: 'name' },
  tables: { lessons: via('school_id') },
});
`,
    );
    await writeFile(
      join(project, 'legacy.mjs'),
      `import pg from 'pg';
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(\`create table schools (id integer primary key, name text not null);
  create table lessons (id integer primary key, school_id integer not null references schools);
  insert into schools values (1, 'One'), (2, 'Two'); insert into lessons select n, 1 + n % 2 from generate_series(1, 50) n\`);
await client.end();`,
    );
    const { url } = server;
    const env = { PATH: process.env.PATH ?? '', DATABASE_URL: url };
    await promisify(execFile)(process.execPath, ['legacy.mjs'], { cwd: project, env });
    expect(await tenantry(['install'], { url })).toMatchObject({ exit: 0 });
    const planned = await tenantry(['migrate', 'plan', 'definition.ts'], { url });
    expect(planned.stdout).toContain('2 tenants from 2 rows of schools');
    const applied = await tenantry(['migrate', 'apply', 'definition.ts', '--yes', '--json'], { url });
    expect(JSON.parse(applied.stdout)).toMatchObject({ exit: 0, result: { stage: 'enforce', rows: 52 } });
    expect(await tenantry(['migrate', 'verify', 'definition.ts'], { url })).toMatchObject({ exit: 0 });
    expect(await tenantry(['migrate', 'rollback', 'definition.ts', '--yes'], { url })).toMatchObject({ exit: 0 });
  } finally {
    await server.stop();
  }
});
