/** The body of a webhook as it travels: bytes, or a text that is sent as UTF-8. */
export type WebhookBody = string | Uint8Array | ArrayBuffer;

const remedy =
  'hand in the bytes as they arrived. Express: express.raw({ type: "application/json" }) on this route, before ' +
  'express.json(). Fastify: addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => ' +
  'done(null, body)). Hono, Next.js and other fetch handlers: await request.arrayBuffer().';

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
  throw new TypeError(`the body of a webhook must be text or bytes, but it is ${what}: ${remedy}`);
}
