import type { FastifyInstance } from 'fastify';
import type { Mail } from 'tenantry/auth';
import type { FakeStripe } from 'tenantry/testing';
import { moneyText, timeText } from './format.ts';
import { html } from './html.ts';
import type { InviteMail } from './pages/team.ts';
import { table } from './parts.ts';
import { notFound, type Site } from './site.ts';

/** What a developer's machine has in the place of mail servers and of Stripe. */
export interface DevTools {
  readonly mails: readonly (Mail & { readonly sentAt: Date })[];
  readonly sendMail: (mail: Mail) => Promise<void>;
  readonly sendInvitation: InviteMail;
  /** Where the fake checkout stands. */
  readonly checkoutAddress: Site['checkoutAddress'];
  /** Makes the pages. They show everybody's mails, and never belong on a server. */
  readonly pages: (site: Site) => void;
  /** Makes what receives the demo's own webhooks. */
  readonly routes: (app: FastifyInstance) => void;
}

/** Makes what a developer's machine has. */
export function createDevTools(fake: FakeStripe): DevTools {
  const mails: (Mail & { readonly sentAt: Date })[] = [];
  const heard: { readonly at: Date; readonly body: string }[] = [];

  const sendMail = async (mail: Mail): Promise<void> => {
    mails.unshift({ ...mail, sentAt: new Date() });
    mails.splice(100);
  };

  function pages({ open }: Site): void {
    open.page('/dev/mail', () => ({
      title: 'Mails that were sent',
      body:
        mails.length === 0
          ? html`<p class="empty">None yet.</p>`
          : mails.map(({ to, subject, text, sentAt }) => {
              const link = /https?:\/\/\S+/.exec(text)?.[0];
              return html`<article class="card"><h2>${subject}</h2><p class="hint">To ${to}, ${timeText(sentAt)}</p>
${text.split('\n\n').map((part) => html`<p>${part}</p>`)}
${link !== undefined && html`<p><a class="button" href="${link}">Follow the link</a></p>`}</article>`;
            }),
    }));

    open.page('/dev/checkout/:session', ({ params }, { form }) => {
      const session = sessionOf(params);
      const { amount_total: total } = session;
      return {
        title: 'Checkout',
        narrow: true,
        body: html`<div class="card"><p>This stands in for Stripe’s page. You pay ${moneyText(Number(total))} a month.</p>
${form(`/dev/checkout/${session.id}`, 'Pay with the test card')}</div>
<p><a href="${String(session.cancel_url)}">Go back</a></p>`,
      };
    });
    open.form(
      '/dev/checkout/:session',
      async ({ params }) => {
        const session = sessionOf(params);
        fake.completeCheckout(String(session.id));
        await fake.webhooks.deliver();
        return String(session.success_url);
      },
      () => '/billing',
    );

    open.page('/dev/portal', () => ({
      title: 'Card and receipts',
      narrow: true,
      body: html`<p class="card">Here Stripe’s own page would stand, where a card is changed and receipts are kept.</p>
<p><a href="/billing">Go back</a></p>`,
    }));

    open.page('/dev/hooks', () => {
      const rows = heard.map(({ at, body }) => [timeText(at), html`<code class="body">${body}</code>`]);
      return { title: 'Webhooks that were received', body: table('The newest first', ['Time', 'Body'], rows) };
    });
  }

  // Whatever sends webhooks has neither a session nor a form, so this route stands beside the pages.
  function routes(app: FastifyInstance): void {
    app.post('/dev/hooks', async ({ body }, reply) => {
      heard.unshift({ at: new Date(), body: JSON.stringify(body) });
      heard.splice(50);
      return reply.code(204).send();
    });
  }

  function sessionOf(params: unknown) {
    const { session: id }: { session?: unknown } = Object(params);
    const session = typeof id === 'string' ? fake.get(id) : undefined;
    if (session?.object !== 'checkout.session' || session.status !== 'open') throw notFound();
    return session;
  }

  return {
    mails,
    sendMail,
    sendInvitation: ({ to, organization, link }) => {
      const text = `You are invited to work with ${organization} at Receptionist:\n\n${link}\n`;
      return sendMail({ to, subject: `Join ${organization}`, text, html: html`<p>${text}</p>`.markup });
    },
    checkoutAddress: ({ sessionId }) => `/dev/checkout/${sessionId}`,
    pages,
    routes,
  };
}
