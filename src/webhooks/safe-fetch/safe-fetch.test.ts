import { channel } from 'node:diagnostics_channel';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isTenantryError } from '../../core/index.ts';
import { createSafeFetch, type SafeFetchOptions } from '../index.ts';

/** Servers on loopback count what reaches them; the channel counts every socket that Node begins to connect at all. */
const hits: string[] = [];
const sockets: unknown[] = [];
const servers: Server[] = [];
const handlers = new Map<string, RequestListener>();
let port = 0;
const onSocket = (message: unknown): void => void sockets.push(message);

async function listen(host: string, wanted: number): Promise<number | undefined> {
  const server = createServer((request, response) => {
    hits.push(`${host} ${request.headers.host} ${request.url}`);
    const handler = handlers.get(new URL(request.url ?? '/', 'http://x').pathname);
    if (handler) handler(request, response);
    else response.end('hello');
  });
  const open = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host, port: wanted, ipv6Only: true }, () => resolve(true));
  });
  if (!open) return undefined;
  servers.push(server);
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

beforeAll(async () => {
  port = (await listen('127.0.0.1', 0)) ?? 0;
  for (const host of ['127.0.0.2', '::1']) await listen(host, port);
  channel('net.client.socket').subscribe(onSocket);
});
afterAll(() => {
  channel('net.client.socket').unsubscribe(onSocket);
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  hits.length = 0;
  sockets.length = 0;
});
afterEach(() => handlers.clear());

/** The loosest of all: whatever is refused is refused for its address. */
const loose = (options: SafeFetchOptions = {}) =>
  createSafeFetch({ allowHttp: true, ports: 'any', lookup: async () => [], ...options });

/** Loopback stands for what is public: it is allowed, and names lead to it. */
const open = (options: SafeFetchOptions = {}) =>
  loose({ allow: ['127.0.0.1', '127.0.0.2'], lookup: async () => ['127.0.0.1'], ...options });

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'answered';
  } catch (error) {
    if (isTenantryError(error, 'url_refused') || isTenantryError(error, 'fetch_failed')) return error.details.reason;
    throw error;
  }
}

/** Ways to write one IPv4 address that URL parsers, getaddrinfo or browsers understand. */
function spellingsOf(address: string): string[] {
  const parts = address.split('.').map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number, length: number) => value.toString(16).padStart(length, '0');
  const inHex = `${hex(a * 256 + b, 4)}:${hex(c * 256 + d, 4)}`;
  const wide = (text: string) => [...text].map((digit) => String.fromCodePoint(digit.charCodeAt(0) + 0xfee0)).join('');
  return [
    address,
    `${address}.`,
    String(number),
    `0x${hex(number, 8)}`,
    `0X${hex(number, 8).toUpperCase()}`,
    `0${number.toString(8)}`,
    parts.map((part) => `0x${hex(part, 2)}`).join('.'),
    parts.map((part) => `0${part.toString(8)}`).join('.'),
    parts.map((part) => `000${part.toString(8)}`).join('.'),
    `0x${hex(a, 2)}.${b}.0${c.toString(8)}.${d}`,
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    address.replaceAll('.', '。'),
    address.replaceAll('.', '%2e'),
    wide(address),
    `%3${String(a)[0]}${String(a).slice(1)}.${b}.${c}.${d}`,
    `[::ffff:${address}]`,
    `[::FFFF:${inHex}]`,
    `[0:0:0:0:0:ffff:${inHex}]`,
    `[::${address}]`,
    `[64:ff9b::${inHex}]`,
    `[64:ff9b:1::${inHex}]`,
    `[2002:${inHex}::1]`,
    `[::ffff:0:${inHex}]`,
    `[2001:0:${inHex}::1]`,
  ];
}

const addresses = [
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '168.63.129.16',
];
const literals = [
  ...addresses.flatMap(spellingsOf),
  ...['172.31.255.255', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', '100.100.100.200'],
  ...['0', '127.1', '0x7f.1', '017700000001', '①②⑦.⓪.⓪.①'],
  ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[fe80::1]', '[febf::1]', '[fec0::1]'],
  ...['[fc00::1]', '[fd00:ec2::254]', '[fd20:ce::254]', '[ff02::1]', '[2001:db8::1]', '[3fff::1]', '[100::1]'],
  ...['[fe80::1%25lo]', '[::1%25lo]', '[fe80::1%lo]', '[5f00::1]'],
];

describe('an address in the URL', () => {
  it('that is private, link-local, reserved or metadata is refused in every spelling, and nothing connects', async () => {
    expect(new Set(literals).size).toBeGreaterThan(200);
    const fetch = loose();
    for (const literal of literals) {
      for (const protocol of ['http', 'https']) {
        const url = `${protocol}://${literal}:${port}/`;
        // A zone is no part of a URL; nobody even looks such a thing up.
        expect(['address', 'invalid_url'], url).toContain(await outcome(fetch(url)));
        expect(await fetch.check(url), url).toMatchObject({ ok: false });
      }
    }
    expect([hits, sockets]).toEqual([[], []]);
  });
});

describe('a name', () => {
  const targets = [...addresses, '::1', '::', '::ffff:127.0.0.1', '::ffff:7f00:1', 'fe80::1', 'fe80::1%lo', 'fd00::1'];

  it('that leads to such an address, alone or beside public ones, is refused, and nothing connects', async () => {
    for (const bad of [
      ...targets,
      '64:ff9b::7f00:1',
      'ff02::1',
      'localhost',
      '127.1',
      '2130706433',
      '0x7f000001',
      '',
    ]) {
      for (const answer of [[bad], ['93.184.216.34', bad], [bad, '2606:2800:220:1::1'], ['127.0.0.1', bad]]) {
        const fetch = loose({ lookup: async () => answer });
        expect(await outcome(fetch(`http://hooks.example:${port}/`)), String(answer)).toBe('address');
      }
    }
    expect([hits, sockets]).toEqual([[], []]);
  });

  it('of this machine is refused by the look-up of the system', async () => {
    const fetch = createSafeFetch({ allowHttp: true, ports: 'any' });
    for (const name of ['localhost', 'LOCALHOST', 'localhost.']) {
      expect(['address', 'unresolved']).toContain(await outcome(fetch(`http://${name}:${port}/`)));
    }
    expect([hits, sockets]).toEqual([[], []]);
  });

  it('that leads elsewhere the second time is looked up once, and the connection goes to what was checked', async () => {
    const answers = [['127.0.0.2'], ['127.0.0.1'], ['127.0.0.1']];
    let asked = 0;
    const lookup = async () => answers[asked++] ?? [];
    const fetch = loose({ allow: ['127.0.0.2'], lookup });
    expect(await outcome(fetch(`http://rebinding.example:${port}/`))).toBe('answered');
    expect([asked, hits]).toEqual([1, [`127.0.0.2 rebinding.example:${port} /`]]);
    expect(await outcome(fetch(`http://rebinding.example:${port}/`))).toBe('address');
    expect([asked, hits.length, sockets.length]).toEqual([2, 1, 1]);
  });

  it('that was checked in a form is checked again when it is used', async () => {
    const answers = [['127.0.0.2'], ['127.0.0.1']];
    const fetch = loose({ allow: ['127.0.0.2'], lookup: async () => answers.shift() ?? [] });
    expect(await fetch.check(`http://rebinding.example:${port}/`)).toEqual({ ok: true });
    expect(await outcome(fetch(`http://rebinding.example:${port}/`))).toBe('address');
    expect(sockets).toEqual([]);
  });

  it('with public addresses is answered, under its own name', async () => {
    const response = await open()(`http://hooks.example:${port}/path?q=1`, { method: 'POST', body: 'x' });
    expect([response.status, response.ok, response.text()]).toEqual([200, true, 'hello']);
    expect(hits).toEqual([`127.0.0.1 hooks.example:${port} /path?q=1`]);
  });

  it('with several addresses is answered by the next where one does not answer', async () => {
    // 127.0.0.3 has no server.
    const fetch = open({ allow: ['127.0.0.0/8'], lookup: async () => ['127.0.0.3', '127.0.0.1'] });
    expect(await outcome(fetch(`http://hooks.example:${port}/`))).toBe('answered');
  });

  it('without an address, or whose look-up fails, is told apart', async () => {
    const fails = async () => Promise.reject(new Error('ENOTFOUND'));
    expect(await outcome(loose({ lookup: fails })('https://gone.example/'))).toBe('unresolved');
    expect(await outcome(loose()('https://gone.example/'))).toBe('unresolved');
    for (const answer of ['null', '{}', '"127.0.0.1"']) {
      const strange = async () => JSON.parse(answer);
      expect(await outcome(open({ lookup: strange })(`http://hooks.example:${port}/`)), answer).toBe('unresolved');
    }
  });
});

describe('a URL', () => {
  it('is refused for its protocol, its port and what stands before the host', async () => {
    const fetch = createSafeFetch({ lookup: async () => ['127.0.0.1'], allow: ['127.0.0.1'] });
    expect(await outcome(fetch('http://hooks.example/'))).toBe('protocol');
    for (const url of ['file:///etc/passwd', 'gopher://x/', 'data:,x', 'ftp://x/', 'unix:/run/x.sock']) {
      expect(['protocol', 'invalid_url'], url).toContain(await outcome(fetch(url)));
    }
    for (const url of ['', 'x', 'https://', '//x', 'https://a b/', 'https://[::1']) {
      expect(await outcome(fetch(url)), url).toBe('invalid_url');
    }
    for (const of of ['22', '25', '6379', '1'])
      expect(await outcome(fetch(`https://hooks.example:${of}/`))).toBe('port');
    expect(await outcome(fetch('https://user@hooks.example/'))).toBe('credentials');
    expect(await outcome(fetch('https://:secret@hooks.example/'))).toBe('credentials');
    expect(sockets).toEqual([]);
  });

  it('is told in the error without its path, its query and the address behind it', async () => {
    const fetch = loose({ lookup: async () => ['10.1.2.3'] });
    const error: unknown = await fetch('https://hooks.example/token/abc?key=def').catch((thrown: unknown) => thrown);
    expect(isTenantryError(error, 'url_refused') && error.details).toEqual({
      host: 'hooks.example',
      reason: 'address',
    });
    expect(String(error)).not.toMatch(/abc|def|10\.1/);
  });
});

describe('a request', () => {
  it('takes no header that steers the connection, no line break and no other method', async () => {
    const url = `http://hooks.example:${port}/`;
    for (const name of [
      'Host',
      'content-length',
      'Transfer-Encoding',
      'connection',
      'Upgrade',
      'Proxy-Authorization',
    ]) {
      await expect(open()(url, { headers: { [name]: 'x' } })).rejects.toThrow(TypeError);
    }
    await expect(open()(url, { headers: { a: 'b\r\nhost: c' } })).rejects.toThrow(TypeError);
    for (const method of ['CONNECT', 'TRACE', 'get', 'GET / HTTP/1.1\r\nx: y']) {
      await expect(open()(url, { method })).rejects.toThrow(TypeError);
    }
    expect(hits).toEqual([]);
  });

  it('sends the bytes and headers that it was given', async () => {
    const seen: unknown[] = [];
    handlers.set('/echo', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      seen.push(request.method, request.headers['x-own'], request.headers['accept-encoding'], Buffer.concat(chunks));
      response.setHeader('set-cookie', ['a=1', 'b=2']).end();
    });
    const body = Uint8Array.of(0xff, 0, 0xfe);
    const response = await open()(`http://hooks.example:${port}/echo`, {
      method: 'PUT',
      headers: { 'X-Own': '1' },
      body,
    });
    expect(seen).toEqual(['PUT', '1', 'identity', Buffer.from(body)]);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  it('follows no redirect', async () => {
    handlers.set('/moved', (_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.2:${port}/stolen` }).end();
    });
    const response = await open()(`http://hooks.example:${port}/moved`);
    expect([response.status, response.ok, response.headers.get('location')]).toEqual([
      302,
      false,
      `http://127.0.0.2:${port}/stolen`,
    ]);
    expect(hits).toHaveLength(1);
  });
});

describe('an answer', () => {
  const url = (path: string) => `http://hooks.example:${port}${path}`;

  it('is read no further than it may go', async () => {
    let sent = 0;
    handlers.set('/endless', (_request, response) => {
      const chunk = Buffer.alloc(16_384, 'x');
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    const fetch = open({ maxResponseBytes: 10_000 });
    expect(await outcome(fetch(url('/endless')))).toBe('response_too_large');
    const response = await fetch(url('/endless'), { tooLarge: 'truncate' });
    expect([response.truncated, response.bytes.length]).toEqual([true, 10_000]);
    expect(sent).toBeLessThan(100_000_000);
  });

  it('of just the size that it may have is whole', async () => {
    handlers.set('/exact', (_request, response) => void response.end('x'.repeat(10_000)));
    const response = await open({ maxResponseBytes: 10_000 })(url('/exact'), { tooLarge: 'truncate' });
    expect([response.truncated, response.bytes.length]).toEqual([false, 10_000]);
  });

  it('has one deadline for all: the look-up, the headers, the body', async () => {
    handlers.set('/silent', () => undefined);
    handlers.set('/drip', (_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const fetch = open({ deadlineMilliseconds: 150 });
    expect(await outcome(fetch(url('/silent')))).toBe('deadline');
    expect(await outcome(fetch(url('/drip')))).toBe('deadline');
    const never = () => new Promise<readonly string[]>(() => undefined);
    expect(await outcome(open({ deadlineMilliseconds: 50, lookup: never })(url('/')))).toBe('deadline');
  });

  it('ends when the caller wants', async () => {
    handlers.set('/silent', () => undefined);
    expect(await outcome(open()(url('/silent'), { signal: AbortSignal.timeout(50) }))).toBe('aborted');
    expect(await outcome(open()(url('/'), { signal: AbortSignal.abort() }))).toBe('aborted');
    expect(hits.filter((hit) => hit.endsWith(' /'))).toEqual([]);
  });

  it('that breaks off, or is none, fails', async () => {
    handlers.set('/broken', (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('x', () => response.destroy());
    });
    expect(await outcome(open()(url('/broken')))).toBe('connection');
    for (const text of [
      '',
      'nonsense\r\n\r\n',
      'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ]) {
      const server = createTcpServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(text));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const at = typeof address === 'object' && address !== null ? address.port : 0;
      expect(await outcome(open()(`http://hooks.example:${at}/`)), text).toBe('connection');
      server.close();
    }
    expect(await outcome(open()('http://hooks.example:1/'))).toBe('connection');
  });

  it('is read as text and as JSON', async () => {
    handlers.set('/json', (_request, response) => void response.end('{"a":"Ž"}'));
    const response = await open()(url('/json'));
    expect([response.text(), response.json()]).toEqual(['{"a":"Ž"}', { a: 'Ž' }]);
  });
});

it('refuses options that are none', () => {
  for (const bad of [
    { deadlineMilliseconds: 0 },
    { deadlineMilliseconds: Number.NaN },
    { maxResponseBytes: -1 },
    { ports: [443, 70_000] },
    { ports: [8443.5] },
  ]) {
    expect(() => createSafeFetch(bad)).toThrow(TypeError);
  }
});
