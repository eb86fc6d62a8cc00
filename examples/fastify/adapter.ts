/**
 * tenantry in Fastify 5: who comes, for which tenant, what they may and use; problems by RFC 9457. Import it as
 * `tenantry/fastify`, or copy it: it stands on `tenantry/http` alone.
 *
 * @packageDocumentation
 */

import type {
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  preHandlerHookHandler,
  RouteGenericInterface,
  RouteHandlerMethod,
} from 'fastify';
import type { Access } from 'tenantry/access';
import type { BillingReceiver, Demands, FrontDeps, FrontOptions, Problem } from 'tenantry/http';
import { createFront, receiveBilling } from 'tenantry/http';
import type { PlanNames } from 'tenantry/plans';
import type { DeclarationsOf } from 'tenantry/tenancy';
import { readFrameworkBody, type WebhookReceiver } from 'tenantry/webhooks';

/** How requests of Fastify are looked at. */
export type FastifyAdapterOptions = FrontOptions<FastifyRequest>;

/** The hooks of a route. */
export interface FastifyGuard {
  /** Lets the request in, before its body is read. */
  readonly onRequest: onRequestAsyncHookHandler;
  /** Uses what the route uses, once the body was read and found right. */
  readonly preHandler: preHandlerHookHandler;
}

/** The door of a program on Fastify. */
export interface FastifyAdapter<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  /** Names the requests and answers with problems. Register it on the application before its routes. */
  readonly plugin: FastifyPluginCallback;
  /** Answers what Fastify's router refuses, with problems too: `Fastify({ frameworkErrors })`. */
  readonly frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => void;
  /** Makes the hooks of a route: they let a request in, and then meet the demands. */
  guard(demands?: Demands<Names>): FastifyGuard;
  /** Makes a handler of one whose requests carry the access that a guard gave. */
  handler<Route extends RouteGenericInterface = RouteGenericInterface>(
    work: (
      request: FastifyRequest<Route> & { readonly access: Access<DB, Names, Tables> },
      reply: FastifyReply,
    ) => unknown,
  ): (request: FastifyRequest<Route>, reply: FastifyReply) => unknown;
  /** The access that a guard gave a request; a TypeError where no guard stands before. */
  accessOf(request: object): Access<DB, Names, Tables>;
  /** Makes a plugin with a route that receives webhooks of others, whose bodies no parser touches. */
  webhook(path: string, receiver: Pick<WebhookReceiver, 'fastify'>): FastifyPluginCallback;
  /** Makes a plugin with a route for the events of a payment provider, whose bodies no parser touches either. */
  billing(path: string, billing: BillingReceiver, options?: { readonly maxBytes?: number }): FastifyPluginCallback;
}

/**
 * Makes the door of a program on Fastify 5.
 *
 * @throws TenantryError `config_invalid` when it is handed no gate.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import Fastify from 'fastify';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createTenantry, definePlans, perUser } from 'tenantry';
 * import { installSchema } from 'tenantry/database';
 * import { createFastifyAdapter } from 'tenantry/fastify';
 *
 * const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
 * const tenantry = createTenantry({ db, plans, strategy: perUser({ plan: 'free' }) });
 *
 * const tenant = createFastifyAdapter(tenantry);
 * const app = Fastify();
 * app.register(tenant.plugin);
 * app.get('/whoami', tenant.guard({ consume: 'calls' }), tenant.handler(({ access }) => ({ plan: access.plan })));
 * const { statusCode } = await app.inject('/whoami'); // 401
 * ```
 */
export function createFastifyAdapter<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
>(tenantry: FrontDeps<DB, Names, Tables>, options: FastifyAdapterOptions = {}): FastifyAdapter<DB, Names, Tables> {
  const front = createFront(
    tenantry,
    (request: FastifyRequest, reply: FastifyReply) => ({
      headers: request.headers,
      url: request.url,
      ip: request.ip,
      tell: (name, value) => reply.header(name, value),
      forget: (name) => reply.removeHeader(name),
    }),
    options,
  );

  const send = (reply: FastifyReply, { status, headers, body }: Problem): FastifyReply =>
    reply.code(status).headers(headers).serializer(JSON.stringify).send(body);

  /** Makes a plugin of its own scope, in which bodies are left as they are. */
  const unparsed =
    (path: string, handler: RouteHandlerMethod): FastifyPluginCallback =>
    (app, _options, done) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
      app.post(path, handler);
      done();
    };

  const plugin: FastifyPluginCallback = (app, _options, done) => {
    app.setErrorHandler((error, request, reply) => {
      // Fastify ends the connection after a body that it could not parse; one that came whole needs no such thing.
      if (request.raw.complete) reply.removeHeader('connection');
      return send(reply, front.problem(error, request, reply));
    });
    app.setNotFoundHandler((request, reply) => send(reply, front.notFound(request, reply)));
    done();
  };

  return {
    // The routes beside it have its handlers too: Fastify would keep them to the plugin.
    plugin: Object.assign(plugin, { [Symbol.for('skip-override')]: true }),
    frameworkErrors: (error, request, reply) => void send(reply, front.problem(error, request, reply)),
    accessOf: front.accessOf,
    guard: (demands = {}) => ({
      onRequest: (request, reply) => front.enter(request, reply, demands),
      preHandler(request, reply, done) {
        front.charge(request, reply, demands).then(() => front.act(request, reply, done), done);
      },
    }),

    handler: (work) => (request, reply) => work(Object.assign(request, { access: front.accessOf(request) }), reply),
    webhook: (path, receiver) => unparsed(path, (request, reply) => receiver.fastify(request, reply)),

    billing: (path, billing, { maxBytes } = {}) =>
      unparsed(path, async (request, reply) => {
        const read = (most: number) => readFrameworkBody('fastify', request.raw, request, most);
        return reply.code(await receiveBilling(billing, { headers: request.headers, read }, maxBytes)).send();
      }),
  };
}
