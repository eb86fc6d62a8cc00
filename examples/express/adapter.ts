/**
 * tenantry in Express 5: who comes, for which tenant, what they may and use; problems by RFC 9457. Import it as
 * `tenantry/express`, or copy it: it stands on `tenantry/http` alone.
 *
 * @packageDocumentation
 */

import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express';
import type { Access } from 'tenantry/access';
import type { BillingReceiver, Demands, FrontDeps, FrontOptions, Problem } from 'tenantry/http';
import { createFront, receiveBilling } from 'tenantry/http';
import type { PlanNames } from 'tenantry/plans';
import type { DeclarationsOf } from 'tenantry/tenancy';
import { readFrameworkBody, type WebhookReceiver } from 'tenantry/webhooks';

/** How requests of Express are looked at. */
export type ExpressAdapterOptions = FrontOptions<Request>;

/** Middleware that leaves it to the route what parameters and bodies its requests have. */
export type ExpressGuard = <Req extends Request>(request: Req, response: Response, next: NextFunction) => Promise<void>;

/** The door of a program on Express. */
export interface ExpressAdapter<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  /**
   * Makes middleware that lets a request in, and then meets the demands. A second one on the way of the same request adds
   * its demands to those of the first. Put it after the parser of bodies, or what cannot be read is paid for.
   */
  guard(demands?: Demands<Names>): ExpressGuard;
  /** Makes a handler of one whose requests carry the access that a guard gave. */
  handler<Params = Request['params'], ResBody = Request['body'], ReqBody = Request['body'], Query = Request['query']>(
    work: (
      request: Request<Params, ResBody, ReqBody, Query> & { readonly access: Access<DB, Names, Tables> },
      response: Response<ResBody>,
      next: NextFunction,
    ) => unknown,
  ): RequestHandler<Params, ResBody, ReqBody, Query>;
  /**
   * The access that a guard gave a request.
   *
   * @throws TypeError when no guard stands before.
   */
  accessOf(request: object): Access<DB, Names, Tables>;
  /** Makes a handler that receives webhooks of others. No parser may stand before it but `express.raw`. */
  webhook(receiver: Pick<WebhookReceiver, 'express'>): RequestHandler;
  /** Makes a handler for the events of a payment provider. No parser may stand before it but `express.raw`. */
  billing(billing: BillingReceiver, options?: { readonly maxBytes?: number }): RequestHandler;
  /** What answers with problems: paths that nobody serves, and everything that fails. It comes last in the application. */
  problems(): readonly [RequestHandler, ErrorRequestHandler];
}

/**
 * Makes the door of a program on Express 5.
 *
 * @throws TenantryError `config_invalid` when it is handed no gate.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import express from 'express';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createTenantry, definePlans, perUser } from 'tenantry';
 * import { installSchema } from 'tenantry/database';
 * import { createExpressAdapter } from 'tenantry/express';
 *
 * const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
 * const tenantry = createTenantry({ db, plans, strategy: perUser({ plan: 'free' }) });
 *
 * const tenant = createExpressAdapter(tenantry);
 * const app = express();
 * app.get(
 *   '/whoami',
 *   tenant.guard({ consume: 'calls' }),
 *   tenant.handler((request, response) => response.json({ tenant: request.access.tenant.id })),
 * );
 * app.use(...tenant.problems());
 * ```
 */
export function createExpressAdapter<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
>(tenantry: FrontDeps<DB, Names, Tables>, options: ExpressAdapterOptions = {}): ExpressAdapter<DB, Names, Tables> {
  const front = createFront(
    tenantry,
    (request: Request, response: Response) => ({
      headers: request.headers,
      url: request.originalUrl,
      ip: request.ip,
      tell: (name, value) => response.setHeader(name, value),
      forget: (name) => response.headersSent || response.removeHeader(name),
    }),
    options,
  );
  const { accessOf } = front;

  const send = (response: Response, { status, headers, body }: Problem): void => {
    response.set(headers).status(status).send(JSON.stringify(body));
  };

  return {
    accessOf,

    guard:
      (demands = {}) =>
      async (request, response, next) => {
        await front.enter(request, response, demands);
        await front.charge(request, response, demands);
        front.act(request, response, next);
      },

    handler: (work) => (request, response, next) =>
      work(Object.assign(request, { access: accessOf(request) }), response, next),

    webhook: (receiver) => (request, response, next) => receiver.express(request, response, next),

    billing:
      (billing, { maxBytes } = {}) =>
      async (request, response) => {
        const read = (most: number) => readFrameworkBody('express', request, request, most);
        response.statusCode = await receiveBilling(billing, { headers: request.headers, read }, maxBytes);
        response.end();
      },

    problems: () => [
      (request, response) => send(response, front.notFound(request, response)),
      (error, request, response, next) => {
        const problem = front.problem(error, request, response);
        if (!response.headersSent) send(response, problem);
        // What was begun cannot be taken back: Express then ends the connection, so that nobody takes it for whole.
        else if (!response.writableEnded) next(error);
      },
    ],
  };
}
