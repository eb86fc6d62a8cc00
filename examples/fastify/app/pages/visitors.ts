import type { FastifyRequest } from 'fastify';
import { field, type Tried } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { card } from '../parts.ts';
import { planFacts } from '../plans.ts';
import { refuse } from '../problems.ts';
import type { Site, Told } from '../site.ts';

/** Pages for everybody: the front page, sign-up, log-in and log-out. */
export function visitorPages({ open, receptionist, sessions, isStaff }: Site): void {
  const { auth } = receptionist;

  open.page('/', (request) => front(sessions.visitorOf(request) !== null));

  const showSignUp = (_request: FastifyRequest, { form, tried }: Told): View => ({
    title: 'Sign up',
    narrow: true,
    body: html`<p>50 calls a month are free. No card is needed.</p><div class="card">${form(
      '/signup',
      'Create the account',
      [
        field({ name: 'organization', label: 'Name of your business', autocomplete: 'organization', most: 200, tried }),
        field({ name: 'name', label: 'Your name', autocomplete: 'name', most: 200, tried }),
        field({ name: 'email', label: 'Email', type: 'email', autocomplete: 'email', tried }),
        password('new-password', tried),
      ],
    )}</div><p>You have an account? <a href="/login">Log in</a>.</p>`,
  });

  open.page('/signup', showSignUp);
  open.form(
    '/signup',
    async (request, fields, { reply }) => {
      const email = fields('email');
      const tenant = { name: fields('organization') };
      if (tenant.name === '') throw refuse('Tell the name of your business.', 'organization');
      const made = await auth.signUp({
        email,
        password: fields('password'),
        name: fields('name'),
        tenant,
        ...origin(request),
      });
      // The owner of the address gets a mail. The visitor is not told more than that they cannot go on like this.
      if (!made.ok || made.started === null) throw refuse('Log in, or choose another address.', 'email');
      sessions.begin(reply, made.started.tokens);
      return '/setup';
    },
    showSignUp,
  );

  const showLogin = ({ query }: FastifyRequest, { form, tried }: Told): View => {
    const { next }: { next?: unknown } = Object(query);
    return {
      title: 'Log in',
      narrow: true,
      body: html`<div class="card">${form('/login', 'Log in', [
        html`<input type="hidden" name="next" value="${ownPath(tried?.fields('next') ?? next)}">`,
        field({ name: 'email', label: 'Email', type: 'email', autocomplete: 'username', tried }),
        password('current-password', tried),
      ])}</div><p><a href="/forgot">Forgot the password?</a> No account? <a href="/signup">Sign up</a>.</p>`,
    };
  };

  open.page('/login', showLogin);
  open.form(
    '/login',
    async (request, fields, { reply }) => {
      const found = await auth.login({ email: fields('email'), password: fields('password'), ...origin(request) });
      if (!found.ok) {
        if (found.reason === 'throttled') throw refuse(waitText(found.retryAt));
        if (found.reason === 'invalid_credentials') throw refuse('No account has this address and password.');
        throw refuse('This account is closed for now. Write to support.');
      }
      sessions.begin(reply, found.tokens);
      const next = ownPath(fields('next'));
      if (next !== '') return next;
      if (found.session.tenantId !== null) return '/dashboard';
      return (await isStaff(found.user.userId)) ? '/admin' : '/organizations';
    },
    showLogin,
  );

  open.form(
    '/logout',
    async (request, _fields, { reply }) => {
      await sessions.logOut(request, reply);
      return '/login';
    },
    showLogin,
  );
}

/** The field of a password, which is told to nobody again. */
export function password(
  autocomplete: 'new-password' | 'current-password',
  tried: Tried | undefined,
  label = 'Password',
) {
  const hint = autocomplete === 'new-password' ? { hint: 'At least 10 characters; several words are good.' } : {};
  return field({ name: 'password', label, type: 'password', autocomplete, tried, ...hint });
}

/** A page of the product's own where a log-in may lead; empty for everything else, above all for other sites. */
function ownPath(text: unknown): string {
  const fits = typeof text === 'string' && text.length <= 500 && /^\/(?![/\\])[\x21-\x7e]*$/.test(text);
  return fits && !text.includes('\\') ? text : '';
}

function waitText(until: Date): string {
  const seconds = Math.max(1, Math.ceil((until.getTime() - Date.now()) / 1000));
  const wait = seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return `Too many tries. Wait ${wait}, and try again.`;
}

/** Where a session comes from, as its user is shown it. */
export function origin({ ip, headers }: FastifyRequest): { readonly ip: string; readonly userAgent?: string } {
  const agent = headers['user-agent'];
  return { ip, ...(agent !== undefined && { userAgent: agent }) };
}

const points: readonly (readonly [title: string, text: string])[] = [
  [
    'Every call is answered',
    'Also at night, on holidays, and while the kitchen is full. Orders are written down, with what they cost.',
  ],
  [
    'Your team knows',
    'Invite colleagues, see each call in a moment, and let your till or calendar hear of it by webhook.',
  ],
  [
    'You pay for what you need',
    'Begin for free. Upgrade, change or cancel whenever you like; invoices are where you look for them.',
  ],
];

function front(known: boolean): View {
  return {
    title: 'A receptionist that never sleeps',
    body: html`<p class="lead">Bots that answer your phone, take orders, and tell you what was said.</p>
<p class="actions">${
      known
        ? html`<a class="button" href="/dashboard">To your overview</a>`
        : html`<a class="button" href="/signup">Try it for free</a> <a class="button plain" href="/login">Log in</a>`
    }</p>
${card('What it does', html`<ul class="points">${points.map(([title, text]) => html`<li><h3>${title}</h3><p>${text}</p></li>`)}</ul>`)}
<h2>Plans</h2><ul class="plans">${planFacts.map(
      ({ title, price, points: all }) => html`<li><h3>${title}</h3><p class="price">${price}</p>
<ul>${all.map((point) => html`<li>${point}</li>`)}</ul></li>`,
    )}</ul>`,
  };
}
