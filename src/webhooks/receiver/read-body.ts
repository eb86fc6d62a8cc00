import { rawBodyRemedies } from '../signature/body.ts';

/** A request of node:http, or of what is built on it. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Whether somebody began to read the body. */
  readonly readableDidRead?: boolean;
  /** Listens for pieces of the body. */
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  /** Listens for the end of the body. */
  on(event: 'end', listener: () => void): unknown;
  /** Listens for the end of the request. */
  on(event: 'close', listener: () => void): unknown;
  /** Listens for what goes wrong. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Reads no further. */
  pause(): unknown;
}

/** A request of Express: what body parsers left. */
export interface ExpressRequest extends NodeRequest {
  readonly body?: unknown;
  readonly rawBody?: unknown;
}

/** A request of Fastify. */
export interface FastifyRequest {
  readonly headers: NodeRequest['headers'];
  readonly raw: NodeRequest;
  readonly body?: unknown;
  readonly rawBody?: unknown;
}

/** A request of the fetch standard. */
export type FetchRequest = Pick<Request, 'headers' | 'body' | 'bodyUsed'>;

/** A body, or null for one that has more bytes than it may. */
export type BodyRead = Uint8Array | null;

/**
 * The bytes that a framework has, or reads them from the request. A text is refused like a parsed object: whoever decoded
 * it made one text of several bodies.
 *
 * @throws TypeError when somebody read the request and kept no bytes, with what to do.
 *
 * @example
 * ```ts
 * import type { Request } from 'express';
 * import { readFrameworkBody } from 'tenantry/webhooks';
 *
 * // The bytes as they came, whether `express.raw` stood before or nothing did; null when there are too many.
 * const bytesOf = (request: Request) => readFrameworkBody('express', request, request, 1_048_576);
 * ```
 */
export function readFrameworkBody(
  framework: 'express' | 'fastify',
  request: NodeRequest,
  { body, rawBody }: { readonly body?: unknown; readonly rawBody?: unknown },
  maxBytes: number,
): Promise<BodyRead> {
  const bytes = [rawBody, body].find((candidate) => candidate instanceof Uint8Array);
  if (bytes !== undefined) return Promise.resolve(bytes.length > maxBytes ? null : bytes);
  return readNodeBody(request, maxBytes, framework);
}

/**
 * Reads the body of a request of node:http, and no further than it may go.
 *
 * @throws TypeError when somebody read it before.
 */
export function readNodeBody(
  request: NodeRequest,
  maxBytes: number,
  framework: 'express' | 'fastify' | 'node' = 'node',
): Promise<BodyRead> {
  if (request.readableDidRead === true) throw readAlready(rawBodyRemedies[framework]);
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('close', () => reject(new Error('the request ended before its body did')));
    request.on('error', reject);
    request.on('data', (chunk) => {
      // Whoever answers may let the rest run off: pausing it once more would keep that answer back for ever.
      if (length > maxBytes) return;
      length += chunk.length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      request.pause();
      resolve(null);
    });
  });
}

/**
 * Reads the body of a fetch request, and no further than it may go.
 *
 * @throws TypeError when somebody read it before.
 *
 * @example
 * ```ts
 * import { readFetchBody } from 'tenantry/webhooks';
 *
 * const request = new Request('https://api.example.com/in', { method: 'POST', body: 'hello' });
 * (await readFetchBody(request, 1000))?.length; // 5; null when it has more than 1,000 bytes
 * ```
 */
export async function readFetchBody({ body, bodyUsed }: FetchRequest, maxBytes: number): Promise<BodyRead> {
  if (bodyUsed) throw readAlready(rawBodyRemedies.fetch);
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readAlready(remedy: string): TypeError {
  return new TypeError(
    `the body of this request was read already, and a webhook is verified over its bytes. ${remedy}.`,
  );
}
