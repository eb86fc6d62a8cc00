import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { answerClientError } from './index.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(options: object, handle: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(options, handle).on('clientError', answerClientError);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Number(Object(server.address()).port);
}

/** Sends what it is given, and gives all that came back once the other side has closed. */
function send(port: number, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1');
    for (const part of parts) socket.write(part);
    socket.setEncoding('latin1').on('data', (chunk) => {
      received += chunk;
    });
    socket.on('error', reject).on('end', () => {
      socket.end();
      resolve(received);
    });
  });
}

it('tells a caller who is too slow that it took too long', async () => {
  const port = await serve({ headersTimeout: 50, connectionsCheckingInterval: 20 }, (_, response) => response.end());
  const answer = await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(answer).toContain('\r\n\r\n{"type":"about:blank","title":"Request Timeout","status":408}');
});

it('answers a request that goes wrong after others on the same connection, and these before', async () => {
  const port = await serve({}, (_, response) => response.end('hello'));
  const answer = await send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'nonsense\r\n\r\n');
  expect(answer.match(/HTTP\/1\.1 \d+/g)?.at(-1)).toBe('HTTP/1.1 400');
});

it('writes nothing into an answer that has begun', async () => {
  const port = await serve({}, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('hello');
  });
  const chunked = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  const received = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(chunked));
    socket.on('error', () => undefined).on('close', () => resolve(text));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      socket.write('no size\r\n');
    });
  });
  expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(received).not.toContain('400');
});
