import type { Kysely } from 'kysely';
import { type HeadersLike, isTenantryError } from '../../core/index.ts';
import type { Inbox } from '../inbox/inbox.ts';
import { bodyBytes, type WebhookBody } from '../signature/body.ts';
import { defaultMaxBodyBytes } from '../signature/verification-rules.ts';
import {
  type BodyRead,
  type ExpressRequest,
  type FastifyRequest,
  type FetchRequest,
  type NodeRequest,
  readFetchBody,
  readFrameworkBody,
  readNodeBody,
} from './read-body.ts';
import { type ReceivedWebhook, type ReceiverRules, type SchemeAndSecret, unwrapReceived } from './received-webhook.ts';

/** What a receiver does with a message: at most once where it has an inbox, each time it is delivered where not. */
export type WebhookHandling<DB> =
  | {
      readonly inbox: Inbox<DB>;
      /** Names the sender in the inbox. */
      readonly source: string;
      /** Does the work, in the transaction that remembers the message. */
      handle(message: ReceivedWebhook, tx: Kysely<DB>): Promise<unknown>;
    }
  | {
      readonly inbox?: undefined;
      /** Does the work, each time the message is delivered. */
      handle(message: ReceivedWebhook): Promise<unknown>;
    };

/** How a receiver verifies, and what it does. */
export type WebhookReceiverOptions<DB> = SchemeAndSecret &
  ReceiverRules &
  WebhookHandling<DB> & {
    /** Told of errors in raw Node, where nobody else is; a warning of the process when absent. */
    readonly onError?: (error: unknown) => void;
  };

/** What is answered. `repeated`: the work was done before. */
export interface WebhookAnswer {
  /** 204 done, 400 refused, 413 too large. */
  readonly status: 204 | 400 | 413;
  readonly outcome: 'done' | 'repeated' | 'refused';
  /** Why it was refused; empty otherwise. */
  readonly reason: string;
}

/** A response of node:http, or of what is built on it. */
export interface NodeResponse {
  statusCode: number;
  /** Sets a header. */
  setHeader(name: string, value: string): unknown;
  /** Sends the body. */
  end(text: string): unknown;
}

/** A reply of Fastify. */
export interface FastifyReply {
  /** Sets the status. */
  code(status: number): FastifyReply;
  /** Sets a header. */
  header(name: string, value: string): FastifyReply;
  /** Sends the body. */
  send(payload: string): unknown;
}

/** Receives webhooks. Errors of the work are the framework's to answer with 500, so that the sender tries again. */
export interface WebhookReceiver {
  /** Takes a message from anywhere: verifies, parses, and does the work. */
  receive(request: { readonly headers: HeadersLike; readonly body: WebhookBody }): Promise<WebhookAnswer>;
  /** For fetch handlers: Hono, Next.js, Deno, Bun. The request must be unread. */
  fetch(request: FetchRequest): Promise<Response>;
  /** For a route of Express, with `express.raw` or with no parser before it. */
  express(request: ExpressRequest, response: NodeResponse, next: (error: unknown) => void): Promise<void>;
  /** For a route of Fastify, whose content type parser gives the bytes. */
  fastify(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
  /** For node:http. It answers 500 itself where the work fails. */
  node(request: NodeRequest, response: NodeResponse): Promise<void>;
}

/**
 * Makes a receiver of webhooks for all frameworks. It reads the bytes of the body up to a bound, verifies them, parses
 * them only then, and does the work; with an inbox once per message, in the transaction that remembers it.
 *
 * @throws TypeError, from its methods, when a framework parsed the body already, with what to do there.
 * @throws TenantryError `webhook_secret_invalid`, from its methods.
 *
 * @example
 * ```ts
 * import { createWebhookReceiver, createWebhookSecret, signWebhook } from 'tenantry/webhooks';
 *
 * const secret = createWebhookSecret();
 * const receiver = createWebhookReceiver({ secret, handle: async ({ id, type }) => console.log(id, type) });
 * const body = '{"type":"bot.created"}';
 * const headers = { ...signWebhook({ id: 'msg_1', timestamp: new Date(), body, secret }) };
 * const response = await receiver.fetch(new Request('https://example.com/hooks', { method: 'POST', headers, body }));
 * // response.status: 204
 * ```
 */
export function createWebhookReceiver<DB>(options: WebhookReceiverOptions<DB>): WebhookReceiver {
  const { maxBodyBytes = defaultMaxBodyBytes, onError = warn } = options;

  async function receive(headers: HeadersLike, body: BodyRead): Promise<WebhookAnswer> {
    if (body === null) return refusal('body_too_large');
    const message = await unwrapReceived(options, options, { headers, body }).catch(reasonOf);
    if (typeof message === 'string') return refusal(message);
    if (options.inbox === undefined) {
      await options.handle(message);
      return done;
    }
    const { inbox, source, handle } = options;
    if (message.id === null) return refusal('missing_headers');
    const outcome = await inbox.once({ source, id: message.id }, (tx) => handle(message, tx));
    return outcome.repeated ? { ...done, outcome: 'repeated' } : done;
  }

  return {
    receive({ headers, body }) {
      const bytes = bodyBytes(body);
      return receive(headers, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    },

    async fetch(request) {
      const { status, reason } = await receive(request.headers, await readFetchBody(request, maxBodyBytes));
      if (status === 204) return new Response(null, { status });
      return new Response(reason, { status, headers: { 'content-type': textType } });
    },

    async express(request, response, next) {
      try {
        const body = await readFrameworkBody('express', request, request, maxBodyBytes);
        answer(response, await receive(request.headers, body));
      } catch (error) {
        next(error);
      }
    },

    async fastify(request, reply) {
      const body = await readFrameworkBody('fastify', request.raw, request, maxBodyBytes);
      const { status, reason } = await receive(request.headers, body);
      return reply.code(status).header('content-type', textType).send(reason);
    },

    async node(request, response) {
      try {
        answer(response, await receive(request.headers, await readNodeBody(request, maxBodyBytes)));
      } catch (error) {
        response.statusCode = 500;
        response.setHeader('connection', 'close');
        response.end('');
        onError(error);
      }
    },
  };
}

const textType = 'text/plain; charset=utf-8';
const done: WebhookAnswer = { status: 204, outcome: 'done', reason: '' };

function refusal(reason: string): WebhookAnswer {
  return { status: reason === 'body_too_large' ? 413 : 400, outcome: 'refused', reason };
}

/** Why a message was refused; any other error is thrown on. */
function reasonOf(error: unknown): string {
  if (isTenantryError(error, 'webhook_signature_invalid')) return error.details.reason;
  throw error;
}

function answer(response: NodeResponse, { status, reason }: WebhookAnswer): void {
  response.statusCode = status;
  if (status !== 204) response.setHeader('content-type', textType);
  // The rest of a body that is too large is not read: nothing more can come over this connection.
  if (status === 413) response.setHeader('connection', 'close');
  response.end(reason);
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}
