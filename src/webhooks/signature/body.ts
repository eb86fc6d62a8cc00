/** The body of a webhook as it travels: bytes, or a text that is sent as UTF-8. */
export type WebhookBody = string | Uint8Array | ArrayBuffer;

/** How to get the bytes of a body in the common frameworks. */
export const rawBodyRemedies = {
  express: 'Express: put express.raw({ type: "application/json" }) on this route, before express.json()',
  fastify:
    'Fastify: addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body))',
  fetch: 'Hono, Next.js and other fetch handlers: hand in await request.arrayBuffer(), and read the request only once',
  node: 'node:http: read the request nowhere else, and put the chunks together with Buffer.concat',
} as const;

const remedy = Object.values(rawBodyRemedies).join('. ');

/**
 * The body as what an HMAC takes: a text or bytes, never anything in between, because what a parser gives back is not
 * what was signed.
 *
 * @throws TypeError when it is neither text nor bytes, with what to do in common frameworks.
 */
export function bodyBytes(body: unknown): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  const what = body === null ? 'null' : Array.isArray(body) ? 'an array' : `of type ${typeof body}`;
  throw new TypeError(`the body of a webhook must be text or bytes as they arrived, but it is ${what}. ${remedy}.`);
}

/** How many bytes a body has. */
export function bodyLength(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length;
}
