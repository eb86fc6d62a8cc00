import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { FetchFailure, Target } from './target.ts';

/** One request to addresses that were checked. */
export interface Exchange {
  readonly target: Target;
  readonly addresses: readonly string[];
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  /** Ends it, at any time. */
  readonly signal: AbortSignal;
  readonly maxResponseBytes: number;
  /** What becomes of an answer that is larger: no answer at all, or its beginning. */
  readonly tooLarge: 'fail' | 'truncate';
  /** Certificates to trust instead of those that Node trusts. */
  readonly ca: string | undefined;
}

/** An answer, read to its end or to where it may go. */
export interface Answer {
  readonly message: IncomingMessage;
  readonly bytes: Uint8Array;
  readonly truncated: boolean;
}

/** Connections are never shared or kept: each goes to an address that was checked for this request. */
const agents = { 'http:': new HttpAgent({ keepAlive: false }), 'https:': new HttpsAgent({ keepAlive: false }) };

/** Sends the request and reads the answer, no further than it may go. Redirects are answers like any other. */
export function exchange(options: Exchange): Promise<Answer | FetchFailure> {
  const { body, signal, maxResponseBytes } = options;
  return new Promise((resolve) => {
    const request = begin(options);
    const settle = (result: Answer | FetchFailure): void => {
      resolve(result);
      // What is left of the answer is not read, and nothing may come after it.
      request.destroy();
    };
    // A connection that closes settles this too: an answer of another protocol gives neither an answer nor an error.
    request.on('error', (error) => settle(isOfTls(error) ? 'tls' : 'connection'));
    for (const event of ['close', 'upgrade', 'connect']) request.on(event, () => settle('connection'));
    signal.addEventListener('abort', () => request.destroy(), { once: true });
    request.on('response', (message) => {
      const chunks: Buffer[] = [];
      let length = 0;
      message.on('data', (chunk: Buffer) => {
        const room = Math.max(0, maxResponseBytes - length);
        length += chunk.length;
        chunks.push(chunk.subarray(0, room));
        if (chunk.length <= room) return;
        if (options.tooLarge === 'fail') settle('response_too_large');
        else settle({ message, bytes: Buffer.concat(chunks), truncated: true });
      });
      message.on('end', () => {
        if (message.complete) settle({ message, bytes: Buffer.concat(chunks), truncated: false });
      });
      for (const event of ['error', 'aborted', 'close']) message.on(event, () => settle('connection'));
    });
    if (signal.aborted) request.destroy();
    else request.end(body);
  });
}

const tlsCode = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO$)/;

/** Tells whether a connection was there and was not to be trusted, by the names that OpenSSL and Node give it. */
function isOfTls(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && tlsCode.test(error.code);
}

function begin({ target: { url, host }, addresses, method, headers, ca }: Exchange): ClientRequest {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  /** Gives Node the addresses that were checked, whatever the name leads to by now. */
  const lookup: LookupFunction = (_hostname, { all }, callback) => {
    const [first] = found;
    if (all || first === undefined) callback(null, found);
    else callback(null, first.address, first.family);
  };
  const options = {
    host,
    port: url.port,
    path: `${url.pathname}${url.search}`,
    method,
    headers,
    lookup,
    setHost: true,
    ...(ca !== undefined && { ca }),
  };
  return url.protocol === 'https:'
    ? // Whatever NODE_TLS_REJECT_UNAUTHORIZED says to the rest of the process.
      httpsRequest({ ...options, agent: agents['https:'], rejectUnauthorized: true })
    : httpRequest({ ...options, agent: agents['http:'] });
}
