import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import express from 'express';
import Fastify from 'fastify';
import { createExpressAdapter } from 'tenantry/express';
import { createFastifyAdapter } from 'tenantry/fastify';
import {
  answerClientError,
  type BillingReceiver,
  createFetchAdapter,
  type FrontOptions,
  type KnownUser,
} from 'tenantry/http';
import type { WebhookReceiver } from 'tenantry/webhooks';
import type { DoorWorld } from './door-world.ts';

/** The same program behind each framework, on a port of the loopback address. */
export interface Door {
  readonly port: number;
  close(): Promise<void>;
}

/** What a program is made of. */
export interface DoorOptions extends Pick<DoorWorld, 'tenantry'> {
  readonly receiver: WebhookReceiver;
  readonly billing: BillingReceiver;
  readonly onError: NonNullable<FrontOptions<object>['onError']>;
}

/** The most bytes that a body may have. */
export const bodyLimit = 1024;
/** The most bytes that an event of the payment provider may have. */
export const eventLimit = 16 * 1024;

const failure = (): Error => new Error('the password is hunter2');
/** What the client of another service throws: a status that is not ours to repeat. */
const upstream = (): Error => Object.assign(new Error('upstream says hunter2'), { status: 401, statusCode: 401 });

/** The message of an error of which `onError` itself fails to tell. */
export const untold = 'nobody can be told';

/** An error that fails when it is looked at. */
const unseen = (): unknown =>
  new Proxy(failure(), {
    has() {
      throw failure();
    },
  });

/** What a handler says of a content that it then does not send. */
const ofContent = {
  'content-encoding': 'gzip',
  'cache-control': 'public, max-age=3600',
  etag: '"1"',
  'content-disposition': 'attachment',
};

/** A session of the application's own, as these programs have it. */
function userOf(cookie: string | undefined): KnownUser | undefined {
  const userId = /^user=(\w+)$/.exec(cookie ?? '')?.[1];
  return userId === undefined ? undefined : { userId };
}

function textOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'text' in body && typeof body.text === 'string' ? body.text : '';
}

type Access = Awaited<ReturnType<DoorWorld['tenantry']['access']['authenticate']>>;

/** What the handlers do, whatever the framework. */
function workOf({ tenantry }: DoorOptions) {
  return {
    whoami: ({ tenant, userId, key }: Access) => ({ tenant: tenant.id, user: userId, key: key?.id ?? null }),
    list: ({ db }: Access) => db.selectFrom('notes').select('text').orderBy('text').execute(),
    add: ({ db }: Access, text: string) =>
      db.insertInto('notes').values({ id: crypto.randomUUID(), text }).returning('text').executeTakeFirstOrThrow(),
    rename: async ({ tenant }: Access) => {
      // The body was read meanwhile, and other requests too.
      await new Promise((resolve) => setImmediate(resolve));
      await tenantry.organizations.update({ tenantId: tenant.id, name: `Renamed ${crypto.randomUUID()}` });
      return {};
    },
  };
}

const leased = { consume: { meter: 'calls', lease: { block: 2 } } } as const;
const write = { permission: 'notes:write', consume: 'calls', accepts: ['application/json'] } as const;

async function expressDoor(options: DoorOptions): Promise<Door> {
  const work = workOf(options);
  const tenant = createExpressAdapter(options.tenantry, {
    userOf: (request) => userOf(request.headers.cookie),
    onError: options.onError,
  });
  const { guard, handler } = tenant;
  const app = express();
  app.post('/hooks', tenant.webhook(options.receiver));
  app.post('/billing', tenant.billing(options.billing, { maxBytes: eventLimit }));
  app.use(express.json({ limit: bodyLimit }));
  app.get(
    '/whoami',
    guard(),
    handler((request, response) => response.json(work.whoami(request.access))),
  );
  app.get(
    '/things/:id',
    guard(),
    handler((request, response) => response.json(request.params)),
  );
  app.get(
    '/notes',
    guard({ permission: 'notes:read' }),
    handler(async (request, response) => response.json(await work.list(request.access))),
  );
  app.post(
    '/notes',
    guard(write),
    handler(async (request, response) => {
      response.status(201).json(await work.add(request.access, textOf(request.body)));
    }),
  );
  app.get(
    '/feature',
    guard({ feature: 'export' }),
    handler((_request, response) => response.json({})),
  );
  app.get(
    '/leased',
    guard(leased),
    handler((_request, response) => response.json({})),
  );
  app.get(
    '/twice',
    guard(),
    guard({ permission: 'notes:burn' }),
    handler((_request, response) => response.json({})),
  );
  app.post(
    '/rename',
    guard(),
    handler(async (request, response) => response.json(await work.rename(request.access))),
  );
  app.get(
    '/unguarded',
    handler((_request, response) => response.json({})),
  );
  app.get('/throws', guard(), () => {
    throw failure();
  });
  app.get('/rejects', guard(), async () => Promise.reject(failure()));
  app.get('/upstream', guard(), async () => Promise.reject(upstream()));
  app.get('/unseen', guard(), async () => Promise.reject(unseen()));
  app.get('/untold', guard(), async () => Promise.reject(new Error(untold)));
  app.get('/spoiled', guard(), async (_request, response) => {
    response.set(ofContent);
    throw failure();
  });
  app.get('/ended', guard(), async (_request, response) => {
    response.json({});
    throw failure();
  });
  app.use(...tenant.problems());
  return listen(createServer(app));
}

async function fastifyDoor(options: DoorOptions): Promise<Door> {
  const work = workOf(options);
  const tenant = createFastifyAdapter(options.tenantry, {
    userOf: (request) => userOf(request.headers.cookie),
    onError: options.onError,
  });
  const { guard, handler } = tenant;
  const app = Fastify({
    bodyLimit,
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
    frameworkErrors: tenant.frameworkErrors,
  });
  await app.register(tenant.plugin);
  await app.register(tenant.webhook('/hooks', options.receiver));
  await app.register(tenant.billing('/billing', options.billing, { maxBytes: eventLimit }));
  app.get(
    '/whoami',
    guard(),
    handler((request) => work.whoami(request.access)),
  );
  app.get(
    '/things/:id',
    guard(),
    handler((request) => request.params),
  );
  app.get(
    '/notes',
    guard({ permission: 'notes:read' }),
    handler((request) => work.list(request.access)),
  );
  app.post(
    '/notes',
    guard(write),
    handler((request, reply) => {
      reply.code(201);
      return work.add(request.access, textOf(request.body));
    }),
  );
  app.get(
    '/feature',
    guard({ feature: 'export' }),
    handler(() => ({})),
  );
  app.get(
    '/leased',
    guard(leased),
    handler(() => ({})),
  );
  const outer = guard();
  const inner = guard({ permission: 'notes:burn' });
  app.get(
    '/twice',
    { onRequest: [outer.onRequest, inner.onRequest], preHandler: [outer.preHandler, inner.preHandler] },
    handler(() => ({})),
  );
  app.post(
    '/rename',
    guard(),
    handler((request) => work.rename(request.access)),
  );
  app.get(
    '/unguarded',
    handler(() => ({})),
  );
  app.get('/throws', guard(), () => {
    throw failure();
  });
  app.get('/rejects', guard(), async () => Promise.reject(failure()));
  app.get('/upstream', guard(), async () => Promise.reject(upstream()));
  app.get('/unseen', guard(), async () => Promise.reject(unseen()));
  app.get('/untold', guard(), async () => Promise.reject(new Error(untold)));
  app.get('/spoiled', guard(), async (_request, reply) => {
    reply.headers(ofContent);
    throw failure();
  });
  app.get('/ended', guard(), async (_request, reply) => {
    reply.send({});
    throw failure();
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: portOf(app.server), close: () => app.close() };
}

async function fetchDoor(options: DoorOptions): Promise<Door> {
  const work = workOf(options);
  const { handler, jsonHandler, open, notFound, billing } = createFetchAdapter(options.tenantry, {
    userOf: (request) => userOf(request.headers.get('cookie') ?? undefined),
    ipOf: () => '127.0.0.1',
    onError: options.onError,
  });
  const json = (status: number, body: unknown) => Response.json(body, { status });
  const inner = handler({ permission: 'notes:burn' }, () => json(200, {}));
  const routes: Readonly<Record<string, (request: Request) => Promise<Response>>> = {
    'POST /hooks': options.receiver.fetch,
    'POST /billing': billing(options.billing, { maxBytes: eventLimit }),
    'GET /whoami': handler({}, (_request, access) => json(200, work.whoami(access))),
    'GET /notes': handler({ permission: 'notes:read' }, async (_request, access) => json(200, await work.list(access))),
    'POST /notes': jsonHandler({ ...write, maxBytes: bodyLimit }, async (body, access) =>
      json(201, await work.add(access, textOf(body))),
    ),
    'GET /feature': handler({ feature: 'export' }, () => json(200, {})),
    'GET /leased': handler(leased, () => json(200, {})),
    'GET /twice': handler({}, inner),
    'POST /rename': handler({}, async (_request, access) => json(200, await work.rename(access))),
    'GET /unguarded': open(() => {
      throw new TypeError('no guard');
    }),
    'GET /throws': handler({}, () => {
      throw failure();
    }),
    'GET /rejects': handler({}, () => Promise.reject(failure())),
    'GET /upstream': handler({}, () => Promise.reject(upstream())),
    'GET /unseen': handler({}, () => Promise.reject(unseen())),
    'GET /untold': handler({}, () => Promise.reject(new Error(untold))),
    'GET /spoiled': handler({}, () => Promise.reject(failure())),
    'GET /ended': handler({}, () => json(200, {})),
  };
  const things = handler({}, (request) => json(200, { id: decoded(pathOf(request).slice('/things/'.length)) }));
  const app = createRouter(({ req }) => notFound(req.raw));
  for (const [route, serve] of Object.entries(routes)) app.on(route, ({ req }) => serve(req.raw));
  app.on('GET /things/*', ({ req }) => things(req.raw));
  return listen(createServer((request, response) => void bridge(app.fetch, request, response)));
}

/** A part of a path, as routers decode it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw Object.assign(new URIError('cannot be decoded', { cause: error }), { status: 400 });
  }
}

/** What a router such as Hono's hands to a handler. */
interface RouterContext {
  readonly req: { readonly raw: Request };
}

type RouterHandler = (context: RouterContext) => Promise<Response>;

/** A router in the way of Hono: handlers have the request in a context, and the whole is one fetch handler. */
function createRouter(notFound: RouterHandler) {
  const routes: { readonly route: string; readonly handler: RouterHandler }[] = [];
  const matches = (route: string, asked: string): boolean =>
    route.endsWith('*') ? asked.startsWith(route.slice(0, -1)) : asked === route;
  return {
    on: (route: string, handler: RouterHandler) => void routes.push({ route, handler }),
    async fetch(request: Request): Promise<Response> {
      const asked = `${request.method} ${pathOf(request)}`;
      const { handler } = routes.find(({ route }) => matches(route, asked)) ?? { handler: notFound };
      return handler({ req: { raw: request } });
    },
  };
}

const pathOf = ({ url }: Request): string => new URL(url).pathname;

/** What the platforms of fetch handlers do for them. */
async function bridge(
  serve: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = incoming;
  try {
    const bodiless = method === 'GET' || method === 'HEAD';
    const request = new Request(new URL(url.startsWith('/') ? `http://door.example${url}` : 'http://door.example/'), {
      method: ['CONNECT', 'TRACE', 'TRACK'].includes(method) ? 'OPTIONS' : method,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      ...(!bodiless && { body: Readable.toWeb(incoming), duplex: 'half' as const }),
    });
    const answer = await serve(request);
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    outgoing.end(new Uint8Array(await answer.arrayBuffer()));
  } catch {
    // The request cannot be said in the terms of fetch: no handler would ever see it.
    outgoing.writeHead(400).end();
  }
}

function portOf(server: { address(): unknown }): number {
  const { port }: AddressInfo = Object(server.address());
  return port;
}

async function listen(server: ReturnType<typeof createServer>): Promise<Door> {
  server.on('clientError', answerClientError);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The doors, by name. */
export const doors = { express: expressDoor, fastify: fastifyDoor, fetch: fetchDoor } as const;
