import { createServer, type IncomingMessage } from 'node:http';
import { createFakeStripe, fixedClock } from '../../src/testing/index.ts';
import type { SandboxAccess } from './stripe-sandbox.ts';
import { createStripeSchema } from './stripe-schema.ts';

/** The fake Stripe behind an address, in the place of a sandbox. */
export interface StripeStandIn extends SandboxAccess {
  /** What did not fit the API's schema, one line each. */
  readonly problems: readonly string[];
  /** How much of the API was covered, as one line. */
  summary(): string;
  close(): Promise<void>;
}

/**
 * Serves the fake over HTTP, so that what is written for a sandbox can be run without one. The fake has one clock; the
 * test clocks that are made here are that one, under many names, and whoever wants them apart is refused.
 */
export async function startStandIn(): Promise<StripeStandIn> {
  const fake = createFakeStripe({ clock: fixedClock('2026-01-31T10:00:00Z') });
  const schema = createStripeSchema();
  schema.watch(fake);
  const clocks = new Map<string, Set<string>>();
  const problems: string[] = [];
  const seconds = (): number => Math.floor(fake.clock().getTime() / 1000);

  function clockOf(id: string): object {
    const now = seconds();
    const name = 'conformance';
    const status_details = {};
    return {
      id,
      object: 'test_helpers.test_clock',
      created: now,
      deletes_after: now + 30 * 86_400,
      frozen_time: now,
      livemode: false,
      name,
      status: 'ready',
      status_details,
    };
  }

  async function onClock(method: string, path: string, params: URLSearchParams): Promise<object> {
    const [id = '', act] = path.split('/').slice(4);
    const wanted = Number(params.get('frozen_time'));
    if (method === 'POST' && id === '') {
      if (wanted !== seconds()) throw new Error('the fake has one clock: a test clock begins at its time');
      const made = `clock_${clocks.size + 1}`;
      clocks.set(made, new Set());
      return clockOf(made);
    }
    const customers = clocks.get(id);
    if (customers === undefined) throw new Error(`there is no test clock ${id}`);
    if (method === 'POST' && act === 'advance' && wanted > seconds()) await fake.advanceTo(new Date(wanted * 1000));
    if (method !== 'DELETE') return clockOf(id);
    for (const customer of customers) await forward('DELETE', `/v1/customers/${customer}`, '', {});
    clocks.delete(id);
    return { id, object: 'test_helpers.test_clock', deleted: true };
  }

  async function forward(
    method: string,
    path: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const init = { method, headers: { authorization: 'Bearer sk_test_stand_in', ...headers } };
    return fake.fetch(`https://api.stripe.com${path}`, method === 'POST' ? { ...init, body } : init);
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; text: string; headers: Headers }> {
    const { method = 'GET', url = '/' } = request;
    const params = new URLSearchParams(await bodyOf(request));
    const path = url.split('?')[0] ?? '';
    const headers = new Headers({ 'content-type': 'application/json' });
    if (path.startsWith('/v1/test_helpers/test_clocks')) {
      try {
        const clock = await onClock(method, path, params);
        const shape = method === 'DELETE' ? 'TestHelpers.DeletedTestClock' : 'TestHelpers.TestClock';
        problems.push(...schema.check(shape, clock));
        return { status: 200, text: JSON.stringify(clock), headers };
      } catch (problem) {
        const message = problem instanceof Error ? problem.message : '';
        return { status: 400, text: JSON.stringify({ error: { type: 'invalid_request_error', message } }), headers };
      }
    }
    const clock = params.get('test_clock');
    params.delete('test_clock');
    const sent: Record<string, string> = {};
    for (const name of ['authorization', 'idempotency-key', 'stripe-version', 'content-type']) {
      const value = request.headers[name];
      if (typeof value === 'string') sent[name] = value;
    }
    const given = await forward(method, url, params.toString(), sent);
    const text = await given.text();
    const made: { id?: unknown } = JSON.parse(text);
    if (clock !== null && typeof made.id === 'string') clocks.get(clock)?.add(made.id);
    return { status: given.status, text, headers: given.headers };
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, text, headers }) => {
      response.writeHead(status, Object.fromEntries(headers)).end(text);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    key: 'sk_test_stand_in',
    url: `http://127.0.0.1:${port}`,
    get problems() {
      return [...problems, ...schema.problems];
    },
    summary: schema.summary,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
