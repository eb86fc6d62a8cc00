import type { Access } from '../access/index.ts';
import type { PlanNames } from '../plans/index.ts';
import type { DeclarationsOf } from '../tenancy/index.ts';
import { readFetchBody } from '../webhooks/index.ts';
import { type BillingReceiver, receiveBilling } from './billing-receiver.ts';
import type { Demands } from './demands.ts';
import { createFront, type FrontDeps, type FrontOptions } from './front.ts';
import type { Problem } from './problem-of.ts';
import { type ReadJsonOptions, readJson } from './read-json.ts';

/** How fetch requests are looked at. */
export interface FetchAdapterOptions extends FrontOptions<Request> {
  /** Tells the caller's address, which a fetch request does not: a header that your platform sets, for example. */
  readonly ipOf?: (request: Request) => string | undefined;
}

/** The door of a program whose handlers take a `Request` and give a `Response`. */
export interface FetchAdapter<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  /**
   * Makes a handler that lets a request in, meets the demands, and then does the work. It never rejects: what fails is
   * answered with a problem. What else the platform hands to a handler comes after the access.
   */
  handler<Rest extends readonly unknown[]>(
    demands: Demands<Names>,
    work: (request: Request, access: Access<DB, Names, Tables>, ...rest: Rest) => Response | Promise<Response>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  /**
   * Makes a handler that reads a JSON body of at most so many bytes (100 KiB when absent) before anything is used: a body
   * that cannot be read is not paid for. What it is the work finds out.
   */
  jsonHandler<Rest extends readonly unknown[]>(
    demands: Omit<Demands<Names>, 'accepts'> & ReadJsonOptions,
    work: (
      body: unknown,
      access: Access<DB, Names, Tables>,
      request: Request,
      ...rest: Rest
    ) => Response | Promise<Response>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  /** Makes a handler for anybody, which fails like the others. */
  open<Rest extends readonly unknown[]>(
    work: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  /** Answers a request that nobody serves. */
  notFound(request: Request): Promise<Response>;
  /** Makes a handler for the events of a payment provider, at most so many bytes each (1 MiB when absent). */
  billing(billing: BillingReceiver, options?: { readonly maxBytes?: number }): (request: Request) => Promise<Response>;
}

/**
 * Makes the door of a program on fetch: Hono, Next.js, Deno, Bun, a worker. Webhooks of others need nothing of it:
 * `createWebhookReceiver` has a `fetch` of its own.
 *
 * @throws TenantryError `config_invalid` when it is handed no gate.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createTenantry, definePlans, perUser } from 'tenantry';
 * import { installSchema } from 'tenantry/database';
 * import { createFetchAdapter } from 'tenantry/http';
 *
 * const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
 * const tenantry = createTenantry({ db, plans, strategy: perUser({ plan: 'free' }) });
 *
 * const tenant = createFetchAdapter(tenantry);
 * const whoami = tenant.handler({ consume: 'calls' }, (_request, access) => Response.json({ tenant: access.tenant.id }));
 * const response = await whoami(new Request('https://api.example.com/whoami'));
 * // 401, { type: 'urn:tenantry:error:unauthenticated', title: 'Authentication required', … }
 * ```
 */
export function createFetchAdapter<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
>(
  tenantry: FrontDeps<DB, Names, Tables>,
  { ipOf, ...options }: FetchAdapterOptions = {},
): FetchAdapter<DB, Names, Tables> {
  const front = createFront(
    tenantry,
    ({ headers, url }: Request, [request, told]: readonly [Request, Headers]) => ({
      headers,
      url,
      // Asked where it is needed: one that throws then fails this request with a problem, and no handler without a gate.
      get ip() {
        return ipOf?.(request);
      },
      tell: (name, value) => told.set(name, value),
      forget: (name) => told.delete(name),
    }),
    options,
  );

  /** Answers with what the work gives, together with the headers that were told meanwhile. */
  async function answer(
    request: Request,
    work: (told: readonly [Request, Headers]) => Response | Promise<Response>,
  ): Promise<Response> {
    const told = [request, new Headers()] as const;
    try {
      front.greet(request, told);
      return withHeaders(await work(told), told[1]);
    } catch (error) {
      return withHeaders(responseOf(front.problem(error, request, told)), told[1]);
    }
  }

  return {
    handler:
      (demands, work) =>
      (request, ...rest) =>
        answer(request, async (told) => {
          await front.enter(request, told, demands);
          await front.charge(request, told, demands);
          return front.act(request, told, () => work(request, front.accessOf(request), ...rest));
        }),

    jsonHandler:
      (demands, work) =>
      (request, ...rest) =>
        answer(request, async (told) => {
          await front.enter(request, told, demands);
          const body = await readJson(request, demands);
          await front.charge(request, told, demands);
          return front.act(request, told, () => work(body, front.accessOf(request), request, ...rest));
        }),

    open:
      (work) =>
      (request, ...rest) =>
        answer(request, () => work(request, ...rest)),

    notFound: (request) => answer(request, (told) => responseOf(front.notFound(request, told))),

    billing:
      (billing, { maxBytes } = {}) =>
      (request) =>
        answer(request, async () => {
          const raw = { headers: request.headers, read: (most: number) => readFetchBody(request, most) };
          return new Response(null, { status: await receiveBilling(billing, raw, maxBytes) });
        }),
  };
}

function responseOf({ status, headers, body }: Problem): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

/** The headers of an answer may be immutable, those of a redirection for example. */
function withHeaders(response: Response, told: Headers): Response {
  const changed = new Response(response.body, response);
  for (const [name, value] of told) changed.headers.set(name, value);
  return changed;
}
