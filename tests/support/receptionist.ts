import { createServer } from 'node:net';
import { expect } from 'vitest';
import type { Database } from '../../examples/fastify/app/data.ts';
import { demoPassword } from '../../examples/fastify/app/seed.ts';
import { type Demo, startDemo } from '../../examples/fastify/app/start-demo.ts';
import { postgresDatabase } from './databases.ts';
import { type Answer, callPort } from './http-client.ts';

/** The phone receptionist on a database of its own. */
export async function startReceptionist(): Promise<Demo> {
  const { app: db, owner, destroy } = await postgresDatabase<Database>();
  const demo = await startDemo({ db, owner, login: 'tenantry_test_app', port: await freePort() });
  return {
    ...demo,
    async stop() {
      await demo.stop();
      await destroy();
    },
  };
}

/** A browser without JavaScript: it keeps cookies, and sends the forms of the page that it looks at. */
export interface Visitor {
  get(path: string): Promise<Answer>;
  /** Sends a form of the page that was looked at last, with its token, and goes where the answer leads. */
  submit(path: string, fields?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Sends a form as it is given, and goes nowhere. */
  post(
    path: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** The token of the page that was looked at last. */
  token(): string;
  readonly cookies: Map<string, string>;
}

/** Makes a visitor of a demo. */
export function visitorOf({ origin }: Demo): Visitor {
  const port = Number(new URL(origin).port);
  const cookies = new Map<string, string>();
  let text = '';

  async function send(method: string, path: string, body?: string, more: Readonly<Record<string, string>> = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const type = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', origin };
    const headers = { ...(cookie !== '' && { cookie }), ...type, ...more };
    const answer = await callPort(port, { method, path, headers, ...(body !== undefined && { body }) });
    // `toString` of several cookies joins them by commas, which stand in dates only otherwise.
    for (const [, name = '', value = ''] of (answer.headers['set-cookie'] ?? '').matchAll(
      /(?:^|,)([a-z]+)=([^;,]*); Path/g,
    )) {
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  async function get(path: string): Promise<Answer> {
    const answer = await send('GET', path);
    if (answer.status === 303) return get(answer.headers.location ?? '/');
    text = answer.text;
    return answer;
  }

  const token = (): string => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const post: Visitor['post'] = (path, fields, headers) =>
    send('POST', path, new URLSearchParams(fields).toString(), headers);

  return {
    cookies,
    get,
    post,
    token,
    async submit(path, fields = {}) {
      const answer = await post(path, { ...fields, _csrf: token() });
      if (answer.status === 303) return get((answer.headers.location ?? '/').replace(origin, ''));
      text = answer.text;
      return answer;
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Logs in; with the password of the demo when none is said. */
export async function logIn(demo: Demo, email: string, password = demoPassword): Promise<Visitor> {
  const visitor = visitorOf(demo);
  await visitor.get('/login');
  expect((await visitor.submit('/login', { email, password })).status).toBe(200);
  return visitor;
}

/** Makes an account with an organization. */
export async function signUp(demo: Demo, organization: string, email: string): Promise<Visitor> {
  const visitor = visitorOf(demo);
  await visitor.get('/signup');
  const page = await visitor.submit('/signup', { organization, name: 'Ada', email, password: 'correct horse battery' });
  expect(page.text).toContain('Set up: Phone number');
  return visitor;
}

/** A bot that can be made. */
export const bot = { name: 'Front desk', business: 'shop', greeting: 'Hello', voice: 'calm' };

/** The first id in a page behind a path. */
export function idIn(text: string, path: string): string {
  return new RegExp(`${path}/([0-9a-f-]{36})`).exec(text)?.[1] ?? '';
}
