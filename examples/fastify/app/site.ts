import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isTenantryError } from 'tenantry';
import { createFastifyAdapter, type FastifyGuard } from 'tenantry/fastify';
import { problemOf } from 'tenantry/http';
import { type Fields, formsWith, type MakeForm, type Tried } from './forms.ts';
import { frameOf } from './frame.ts';
import { html } from './html.ts';
import { documentOf, notes, type View } from './layout.ts';
import { problemText } from './problems.ts';
import type { Receptionist, ReceptionistAccess } from './receptionist.ts';
import { type Csrf, csrfField } from './security.ts';
import type { Sessions, Visitor } from './sessions.ts';

/** What a page is told beside the request. */
export interface Told {
  readonly form: MakeForm;
  /** The form that was refused, where there was one. */
  readonly tried: Tried | undefined;
  readonly reply: FastifyReply;
}

/** Makes a page, or tells where else to look. */
export type Show<Request> = (request: Request, told: Told) => View | string | Promise<View | string>;

/** Does what a form asks for: gives where to go, or a page. */
export type Work<Request> = (request: Request, fields: Fields, told: Told) => Promise<string | View>;

/** Pages and forms of one kind of visitors. */
export interface Pages<Request> {
  page(path: string, show: Show<Request>): void;
  /** What people can mend is told on the page of the form, which `show` makes. */
  form(path: string, work: Work<Request>, show: Show<Request>): void;
}

/** A request of a customer, which the gate let in. */
export type Guarded = FastifyRequest & { readonly access: ReceptionistAccess };

/** A request of somebody who runs the platform. */
export type OfStaff = FastifyRequest & { readonly staff: Visitor };

/** The demands of a page. */
export type PageDemands = NonNullable<Parameters<ReturnType<typeof adapterOf>['guard']>[0]>;

/** What the pages are made with. */
export interface Site {
  readonly receptionist: Receptionist;
  readonly sessions: Sessions;
  /** Where browsers find the product. */
  readonly origin: string;
  /** Whether a user runs the platform. */
  readonly isStaff: (userId: string) => Promise<boolean>;
  /** Where a payer is sent, out of what the provider says. */
  readonly checkoutAddress: (session: { readonly sessionId: string; readonly url: string }) => string;
  /** Where a payer looks after cards and receipts, out of what the provider says. */
  readonly portalAddress: (session: { readonly url: string }) => string;
  /** Pages for everybody. */
  readonly open: Pages<FastifyRequest>;
  /** Pages of customers: the gate stands before them. */
  guarded(demands?: PageDemands): Pages<Guarded>;
  /** Pages of whoever runs the platform. For everybody else they are not there. */
  readonly staff: Pages<OfStaff>;
  send(request: FastifyRequest, reply: FastifyReply, view: View | string): Promise<FastifyReply>;
}

/** The door of the product. */
export function adapterOf(receptionist: Receptionist) {
  return createFastifyAdapter(receptionist);
}

/** Makes what the pages are made with, within the scope of the pages. */
export function createSite(
  app: FastifyInstance,
  parts: Pick<Site, 'receptionist' | 'sessions' | 'origin' | 'isStaff' | 'checkoutAddress' | 'portalAddress'> & {
    readonly csrf: Csrf;
    readonly adapter: ReturnType<typeof adapterOf>;
  },
): Site {
  const { sessions, csrf, adapter } = parts;
  const toldOf = (request: FastifyRequest, reply: FastifyReply, tried?: Tried): Told => ({
    reply,
    tried,
    form: formsWith(csrf.tokenFor(request, reply, sessions.visitorOf(request)?.sessionId ?? null)),
  });

  async function send(request: FastifyRequest, reply: FastifyReply, view: View | string, tried?: Tried) {
    if (typeof view === 'string') return reply.redirect(view, 303);
    const { note }: { note?: unknown } = Object(request.query);
    const { form } = toldOf(request, reply);
    const frame = await frameOf(parts, request, form);
    const told = typeof note === 'string' && Object.hasOwn(notes, note) ? notes[note] : undefined;
    const page = documentOf(view, { ...frame, note: told, problem: tried?.problem });
    return reply
      .code(view.status ?? 200)
      .type('text/html; charset=utf-8')
      .send(page.markup);
  }

  function pagesOf<Request extends FastifyRequest>(
    guard: Partial<FastifyGuard>,
    enter: (
      work: (request: Request, reply: FastifyReply) => unknown,
    ) => (request: FastifyRequest, reply: FastifyReply) => unknown,
  ): Pages<Request> {
    return {
      page(path, show) {
        const work = async (request: Request, reply: FastifyReply) =>
          send(request, reply, await show(request, toldOf(request, reply)));
        app.get(path, guard, enter(work));
      },
      form(path, work, show) {
        const handle = async (request: Request, reply: FastifyReply) => {
          const fields = fieldsOf(request);
          try {
            return await send(request, reply, await work(request, fields, toldOf(request, reply)));
          } catch (error) {
            const problem = problemText(error);
            if (problem === undefined) throw error;
            const tried = { ...problem, fields };
            const view = await show(request, toldOf(request, reply, tried));
            return send(request, reply, typeof view === 'string' ? view : { ...view, status: problem.status }, tried);
          }
        };
        app.post(path, guard, enter(handle));
      },
    };
  }

  app.addHook('onRequest', sessions.open);
  app.addHook('preHandler', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    csrf.check(request, sessions.visitorOf(request)?.sessionId ?? null, fieldsOf(request)(csrfField));
  });

  const failed = async (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    if (isTenantryError(error, 'unauthenticated')) {
      const next = request.method === 'GET' ? `?next=${encodeURIComponent(request.url)}` : '';
      return reply.redirect(`/login${next}`, 303);
    }
    if (isTenantryError(error, 'tenant_required')) return reply.redirect('/organizations', 303);
    const { status, body } = problemOf(error);
    if (status >= 500) process.emitWarning(error instanceof Error ? error : String(error));
    const acts = sessions.visitorOf(request)?.impersonator != null && isTenantryError(error, 'permission_denied');
    const told = acts ? 'While you act as somebody this stays closed.' : problemText(error)?.problem;
    const text =
      told ?? (status < 500 ? body.detail : 'It is written down, and not your fault. Try again in a moment.');
    const back = html`<p>${text}</p><p><a href="${sessions.visitorOf(request) === null ? '/' : '/dashboard'}">Go back</a></p>`;
    return send(request, reply, { title: body.title, body: html`<div class="card">${back}</div>`, status });
  };
  app.setErrorHandler(failed);
  // Of all paths that nobody serves, those that a browser asks for are answered with a page.
  app.get('/*', () => {
    throw notFound();
  });

  return {
    ...parts,
    send,
    open: pagesOf<FastifyRequest>({}, (work) => (request, reply) => {
      const {
        ip,
        id: requestId,
        headers: { 'user-agent': userAgent },
      } = request;
      const context = { ip, requestId, ...(userAgent !== undefined && { userAgent }) };
      return parts.receptionist.audit.as({ actor: { type: 'system' }, context }, () => work(request, reply));
    }),
    staff: pagesOf<OfStaff>({}, (work) => async (request, reply) => {
      const staff = sessions.ownOf(request);
      if (staff === null || !(await parts.isStaff(staff.userId))) throw notFound();
      const acting = { actor: { type: 'user', id: staff.userId }, context: { ip: request.ip, requestId: request.id } };
      return parts.receptionist.audit.as(acting, () => work(Object.assign(request, { staff }), reply));
    }),
    guarded: (demands) => pagesOf<Guarded>(adapter.guard(demands), (work) => adapter.handler(work)),
  };
}

/** The fields of a form; texts that are absent are empty. No database stores a NUL, so it is left out. */
function fieldsOf({ body }: FastifyRequest): Fields {
  if (!(body instanceof URLSearchParams)) return () => '';
  return (name) => (body.get(name) ?? '').replaceAll('\0', '').trim();
}

/** The answer to what is not there, and to what is another's. */
export function notFound(): Error {
  return Object.assign(new Error('There is nothing here.'), { status: 404, expose: true });
}
