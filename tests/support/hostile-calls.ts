import type { AppClient } from './app-client.ts';

const parts = [
  '0',
  '-1',
  '1e3',
  '2147483648',
  '99999999999999999999',
  '%00',
  'a%00b',
  '%ff',
  '..%2f..%2fadmin',
  "1'--",
  'x'.repeat(90),
  '%F0%9F%8E%89',
];
const bodies = [
  'null',
  '[]',
  '"x"',
  '{}',
  '{"__proto__":{"a":1}}',
  '{"name":"\\u0000"}',
  '{"name":"\\ud800"}',
  '{"name":{"$ne":1}}',
  '{"id":1e309}',
  '{',
  '',
];

/** Sends hostile parts of paths (for each `:x`) and hostile bodies to routes, and lists what the server took for its own fault. */
export async function serverFaults(client: AppClient, routes: readonly string[], token: string): Promise<string[]> {
  const faults: string[] = [];
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ');
    const paths = path.includes(':') ? parts.map((part) => path.replaceAll(/:\w+/g, part)) : [path];
    for (const one of paths) {
      for (const body of method === 'GET' || method === 'DELETE' ? ['{}'] : bodies) {
        const { status } = await client.raw(method, one, body, token);
        if (status >= 500) faults.push(`${status} ${method} ${one} ${body}`);
      }
    }
  }
  return faults;
}
