import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type Server } from 'node:net';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { isTenantryError } from '../../core/index.ts';
import { createSafeFetch } from './safe-fetch.ts';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});
afterEach(() => vi.unstubAllEnvs());

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function secureServer(name: string, days: readonly [from: number, to: number]) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const cert = certificate(name, publicKey, privateKey, days);
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' });
  const server = createServer({ key, cert }, (_request, response) => response.end('hello'));
  server.on('tlsClientError', () => undefined);
  return { cert, port: await listen(server) };
}

async function outcome(port: number, ca?: string): Promise<string> {
  const options = { allow: ['127.0.0.1'], ports: 'any', lookup: async () => ['127.0.0.1'] } as const;
  const fetch = createSafeFetch(ca === undefined ? options : { ...options, ca });
  return fetch(`https://hooks.example:${port}/`).then(
    (response) => response.text(),
    (error: unknown) => (isTenantryError(error, 'fetch_failed') ? String(error.details.reason) : String(error)),
  );
}

describe('a certificate', () => {
  it('that is in order is taken', async () => {
    const { port, cert } = await secureServer('hooks.example', [-1, 1]);
    expect(await outcome(port, cert)).toBe('hello');
  });

  it('of nobody who is trusted, of another name, over or not begun is told as such', async () => {
    const trusted = await secureServer('hooks.example', [-1, 1]);
    expect(await outcome(trusted.port)).toBe('tls');
    for (const server of [
      await secureServer('other.example', [-1, 1]),
      await secureServer('hooks.example', [-2, -1]),
      await secureServer('hooks.example', [1, 2]),
    ]) {
      expect(await outcome(server.port, server.cert)).toBe('tls');
    }
  });

  it('is looked at whatever the environment says to the rest of the process', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { port } = await secureServer('hooks.example', [-1, 1]);
    expect(await outcome(port)).toBe('tls');
  });
});

it('a server that speaks no TLS, and one that hangs up in between, are told apart', async () => {
  const plain = createTcpServer((socket) => void socket.on('error', () => undefined).end('HTTP/1.1 200 OK\r\n\r\n'));
  expect(await outcome(await listen(plain))).toBe('tls');
  const closing = createTcpServer((socket) => void socket.on('error', () => undefined).destroy());
  expect(await outcome(await listen(closing))).toBe('connection');
});

/** A certificate that signs itself, in the form of X.509, good for a name from one day to another, counted from now. */
function certificate(
  name: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
  days: readonly [number, number],
): string {
  const algorithm = der(0x30, Buffer.from('06032b6570', 'hex')); // Ed25519
  const text = der(0x0c, Buffer.from(name));
  const named = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), text))); // CN
  const validity = der(0x30, ...days.map((day) => der(0x18, Buffer.from(timeOf(day)))));
  const names = der(0x30, Buffer.from('0603551d11', 'hex'), der(0x04, der(0x30, der(0x82, Buffer.from(name))))); // SAN
  const signed = der(
    0x30,
    der(0xa0, Buffer.from('020102', 'hex')),
    Buffer.from('020101', 'hex'),
    algorithm,
    named,
    validity,
    named,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, der(0x30, names)),
  );
  const signature = der(0x03, Buffer.of(0), sign(null, signed, privateKey));
  const base64 = der(0x30, signed, algorithm, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function timeOf(day: number): string {
  return `${new Date(Date.now() + day * 86_400_000).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
}
