import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a receiver got it. */
export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly at: number;
}

/** A receiver of webhooks on loopback. */
export interface TestReceiver {
  readonly port: number;
  /** A URL of it; answers are told apart by path. */
  url(path?: string): string;
  readonly requests: ReceivedRequest[];
  /** How many connections were opened. */
  connections(): number;
  /** The most requests that were under way at once. */
  most(): number;
  close(): Promise<void>;
}

/** Answers a request; what it returns is the status, unless it answers itself. */
export type Answer = (request: ReceivedRequest, response: ServerResponse) => unknown;

/** Starts a receiver that answers 204 unless it is told otherwise. Without `keep` it forgets what it got. */
export async function startReceiver(
  answer: Answer = () => 204,
  { keep = true }: { readonly keep?: boolean } = {},
): Promise<TestReceiver> {
  const requests: ReceivedRequest[] = [];
  let connections = 0;
  let running = 0;
  let most = 0;
  const server: Server = createServer(async (message, response) => {
    running += 1;
    most = Math.max(most, running);
    response.on('close', () => {
      running -= 1;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const request = { path: message.url ?? '', headers: message.headers, body, at: Date.now() };
    if (keep) requests.push(request);
    const status = await answer(request, response);
    if (typeof status === 'number') response.writeHead(status).end();
  });
  server.on('connection', (socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (path = '/') => `http://127.0.0.1:${port}${path}`,
    requests,
    connections: () => connections,
    most: () => most,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
