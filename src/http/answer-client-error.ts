import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** What Node found wrong, by the code of its error; all else is a bad request. */
const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** So long the caller may take to read the answer, in milliseconds. */
const patience = 1000;

/**
 * Answers what no handler ever sees, because Node's own parser refuses it: a problem by RFC 9457 with status 400, 431 for
 * headers that are too large, 413 for chunk extensions that are, and 408 for a request that does not come to its end in
 * time. The connection is then closed, since nobody knows where on it the next request would begin. Nothing is repeated of
 * what was sent.
 *
 * @param error - What a server's `clientError` tells.
 * @param socket - The connection.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { answerClientError } from 'tenantry/http';
 *
 * const server = createServer((_request, response) => response.end('hello'));
 * server.on('clientError', answerClientError); // Fastify: Fastify({ clientErrorHandler: answerClientError })
 * ```
 */
export function answerClientError(error: Error & { readonly code?: unknown }, socket: Duplex): void {
  // More of the same request came after the answer.
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable || hasBegun(socket)) {
    socket.destroy();
    return;
  }
  const status = statuses[String(error.code)] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: 'about:blank', title, status });
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
  // To destroy it at once would take the answer away from a caller who is still sending.
  const timer = setTimeout(() => socket.destroy(), patience);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Whether a part of another answer is on its way: a second one in the middle of it would be taken for its body. */
function hasBegun(socket: Duplex): boolean {
  // Node itself asks this, and has no public name for it.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  if (typeof answer !== 'object' || answer === null) return false;
  return Reflect.get(answer, 'headersSent') === true && Reflect.get(answer, 'writableEnded') !== true;
}
