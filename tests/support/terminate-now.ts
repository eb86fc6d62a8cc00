import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = `const { Client } = await import('pg');
const client = new Client({ connectionString: process.argv[1] });
await client.connect();
await client.query('select pg_terminate_backend(holder_pid) from tenantry.migrations where holder_pid is not null');
await client.end();`;

/** Ends the connection that holds the lease of a migration, and returns when it is done: nothing happens in between. */
export function terminateNow(url: string): void {
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, '--', url], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}
