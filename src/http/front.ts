import { inspect } from 'node:util';
import type { Access, Gate } from '../access/index.ts';
import type { Acting, Audit } from '../audit/index.ts';
import { type Clock, type Ids, systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import type { PlanNames } from '../plans/index.ts';
import type { DeclarationsOf } from '../tenancy/index.ts';
import { actingOf } from './acting-of.ts';
import { checkMediaType, type Demands, type Units, unitsOf } from './demands.ts';
import { leftHeaders } from './left-headers.ts';
import { type Problem, problemHeaders, problemOf } from './problem-of.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import { type Caller, callerOf, type Exchange, ipOf, requestIdOf, type Visit } from './visit.ts';

/** What lets requests in, and what remembers who acts: what `createTenantry` gives. */
export interface FrontDeps<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  readonly access: Pick<Gate<DB, Names, Tables>, 'forRequest'>;
  /** Told who acts, so that whatever a handler changes is recorded with it; nobody is told when absent. */
  readonly audit?: Pick<Audit, 'as'>;
}

/** A user in whom the application has recognised itself. */
export interface KnownUser {
  readonly userId: string;
  /** What a token of the application's own says, once it was verified; `fromClaim` finds the tenant in it. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** How requests of a framework are recognised and named, and who is told of failures. */
export interface FrontOptions<Req> {
  /** Recognises a user of the application's own sessions. API keys alone open when absent, or where it gives nobody. */
  readonly userOf?: (request: Req) => KnownUser | undefined | Promise<KnownUser | undefined>;
  /**
   * The header in which callers may name a request, and in which answers tell its name; `x-request-id` when absent. Null
   * names all requests anew and tells nobody.
   */
  readonly requestIdHeader?: string | null;
  /** Told of what is answered with 500 or more; a warning of the process when absent. */
  readonly onError?: (error: unknown, caller: Caller) => void;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** What the adapters of all frameworks share: the way of one request, step by step. */
export interface Front<
  DB,
  Names extends PlanNames,
  Tables extends DeclarationsOf<DB> | undefined,
  Req extends object,
  Res,
> {
  /**
   * Lets the request in: type of the body, credential or user, tenant, permissions and feature. What was let in once is
   * only held to the further demands.
   *
   * @throws TenantryError `media_type_unsupported`, `permission_denied`, `feature_missing`, and what `access.forRequest`
   * throws.
   */
  enter(request: Req, response: Res, demands: Demands<Names>): Promise<void>;
  /**
   * Uses what the route uses, and tells in the answer's headers what is left.
   *
   * @throws TenantryError what `access.consume` throws.
   */
  charge(request: Req, response: Res, demands: Demands<Names>): Promise<void>;
  /** Runs the rest of the request as who acts, for the audit trail. */
  act<Result>(request: Req, response: Res, work: () => Result): Result;
  /**
   * The access that the request was given.
   *
   * @throws TypeError when it was not let in.
   */
  accessOf(request: object): Access<DB, Names, Tables>;
  /** What to answer when the request failed; tells `onError` where the server is to blame. */
  problem(error: unknown, request: Req, response: Res): Problem;
  /** What to answer where nobody serves the path. */
  notFound(request: Req, response: Res): Problem;
  /** Gives the request its name, and tells it in the answer; the other steps do so too. */
  greet(request: Req, response: Res): string;
}

/**
 * Makes the steps of a request that all frameworks share. The adapters for Express, Fastify and fetch are made of it, and
 * one for another framework can be: it says how an exchange is read from a request and its response.
 *
 * @throws TenantryError `config_invalid` when it is handed no gate.
 *
 * @example
 * ```ts
 * import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
 * import { createFront, type FrontDeps } from 'tenantry/http';
 *
 * // An adapter for Node's own server.
 * function serve(tenantry: FrontDeps<{ notes: { tenant_id: string } }>) {
 *   const front = createFront(tenantry, (request: IncomingMessage, response: ServerResponse) => ({
 *     headers: request.headers,
 *     url: request.url ?? '/',
 *     ip: request.socket.remoteAddress,
 *     tell: (name, value) => response.setHeader(name, value),
 *     forget: (name) => response.removeHeader(name),
 *   }));
 *   return createServer(async (request, response) => {
 *     try {
 *       await front.enter(request, response, {});
 *       response.end(front.accessOf(request).tenant.id);
 *     } catch (error) {
 *       const { status, headers, body } = front.problem(error, request, response);
 *       response.writeHead(status, headers).end(JSON.stringify(body));
 *     }
 *   });
 * }
 * ```
 */
export function createFront<
  DB,
  Names extends PlanNames,
  Tables extends DeclarationsOf<DB> | undefined,
  Req extends object,
  Res,
>(
  { access: gate, audit }: FrontDeps<DB, Names, Tables>,
  exchangeOf: (request: Req, response: Res) => Exchange,
  options: FrontOptions<Req> = {},
): Front<DB, Names, Tables, Req, Res> {
  const { userOf, requestIdHeader = 'x-request-id', onError = warn, clock = systemClock, ids = uuidv7 } = options;
  if (typeof gate?.forRequest !== 'function') {
    const problem = 'must be the gate that createTenantry gives';
    throw new TenantryError('config_invalid', { path: 'access', problem });
  }
  const now = { clock };
  // Kept on the request itself: the garbage collector keeps what is in a WeakMap, and the request with it, for too long.
  const place = Symbol('tenantry');

  function visitIn(request: object): Visit<DB, Names, Tables> | undefined {
    return Reflect.get(request, place);
  }

  function visitOf(request: Req, response: Res): Visit<DB, Names, Tables> {
    const known = visitIn(request);
    if (known !== undefined) return known;
    const exchange = exchangeOf(request, response);
    const visit = { exchange, requestId: requestIdOf(exchange, requestIdHeader, ids), access: undefined };
    Reflect.set(request, place, visit);
    if (requestIdHeader !== null) exchange.tell(requestIdHeader, visit.requestId);
    return visit;
  }

  async function admit(
    request: Req,
    { exchange }: Visit<DB, Names, Tables>,
    demands: (access: Access<DB, Names, Tables>) => Promise<void> | undefined,
  ) {
    const user = userOf === undefined ? undefined : await userOf(request);
    const { headers, url } = exchange;
    const ip = ipOf(exchange);
    return gate.forRequest(
      user?.claims === undefined ? { headers, url } : { headers, url, claims: user.claims },
      user === undefined ? {} : { userId: user.userId },
      ip === undefined ? { demands } : { ip, demands },
    );
  }

  /** Uses units, and gives the headers that tell what is left. */
  async function use(access: Access<DB, Names, Tables>, { meter, amount = 1, lease }: Units<Names>) {
    if (lease === undefined)
      return rateLimitHeaders(meter, { ...(await access.consume(meter, amount)), ok: true }, now);
    await access.consumeLeased(meter, amount, lease);
    return {};
  }

  function accessOf(request: object): Access<DB, Names, Tables> {
    const access = visitIn(request)?.access;
    if (access === undefined) throw new TypeError('no guard() stands before this handler');
    return access;
  }

  return {
    greet: (request, response) => visitOf(request, response).requestId,
    accessOf,

    async enter(request, response, { permission, feature, accepts }) {
      const visit = visitOf(request, response);
      if (accepts !== undefined) checkMediaType(visit.exchange.headers, accepts);
      // A key with limits pays for nothing that the route would refuse.
      const demands = (access: Access<DB, Names, Tables>): Promise<void> | undefined => {
        if (typeof permission === 'string') access.require(permission);
        else permission?.forEach(access.require);
        return feature === undefined ? undefined : access.requireFeature(feature);
      };
      if (visit.access === undefined) visit.access = await admit(request, visit, demands);
      else await demands(visit.access);
    },

    async charge(request, response, demands) {
      const access = accessOf(request);
      const used = unitsOf(demands);
      const told = used === undefined ? {} : await use(access, used);
      const headers = access.left === null ? told : leftHeaders(access.left, now, told);
      const { exchange } = visitOf(request, response);
      for (const [name, value] of Object.entries(headers)) exchange.tell(name, value);
    },

    act(request, response, work) {
      if (audit === undefined) return work();
      const access = accessOf(request);
      const { exchange, requestId } = visitOf(request, response);
      // Most requests write nothing down.
      let acting: Acting | undefined;
      return audit.as(() => {
        acting ??= actingOf(callerOf(exchange, requestId), access);
        return acting;
      }, work);
    },

    problem(error, request, response) {
      const { exchange, requestId } = visitOf(request, response);
      const problem = problemOf(error, now);
      for (const name of ofTheContent) exchange.forget(name);
      // Whoever is told may fail too, and the caller is to be answered.
      if (problem.status >= 500) (async () => onError(error, callerOf(exchange, requestId)))().catch(warn);
      return problem;
    },

    notFound(request, response) {
      visitOf(request, response);
      return notFound;
    },
  };
}

const notFound: Problem = {
  status: 404,
  headers: problemHeaders,
  body: { type: 'about:blank', title: 'Not Found', status: 404 },
};

/** What a handler may have said of a content that is not sent, since a problem takes its place. */
const ofTheContent = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-range',
  'etag',
  'expires',
  'last-modified',
];

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(inspect(error)));
}
