import { choice, field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { refuse } from '../problems.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';

/** The steps: how they are called, and which fields they have. */
const steps = {
  phone: { title: 'Phone number', fields: ['number'] },
  business: { title: 'Business', fields: ['kind', 'address'] },
  greeting: { title: 'Greeting', fields: ['greeting'] },
  twilio: { title: 'Twilio', fields: ['account'] },
} as const;

type Step = keyof typeof steps;

/** What kind of business it is. */
export const businesses: readonly (readonly [value: string, text: string])[] = [
  ['restaurant', 'Restaurant'],
  ['practice', 'Medical practice'],
  ['salon', 'Hair or beauty salon'],
  ['shop', 'Shop'],
  ['other', 'Something else'],
];

/** The set-up wizard. What was entered stays, so that whoever leaves, or another member, goes on where it was left. */
export function setupPages({ guarded, receptionist }: Site): void {
  const { setup } = receptionist.auth;
  const pages = guarded({ permission: 'setup:write' });

  async function show(request: Guarded, { form, tried }: Told): Promise<View> {
    const step = stepOf(request);
    const state = await setup.of(request.access.tenant.id);
    const found = state.steps.find(({ name }) => name === step);
    const value = (name: string): string => String(found?.data[name] ?? '');
    const fields = {
      phone: () =>
        field({
          name: 'number',
          label: 'Phone number that customers call',
          type: 'tel',
          value: value('number'),
          tried,
          autocomplete: 'tel',
          hint: 'With country code, such as +1 555 0100.',
        }),
      business: () => [
        choice({ name: 'kind', label: 'Kind of business', options: businesses, value: value('kind'), tried }),
        field({
          name: 'address',
          label: 'Address',
          value: value('address'),
          required: false,
          tried,
          autocomplete: 'street-address',
        }),
      ],
      greeting: () =>
        field({
          name: 'greeting',
          label: 'What the bot says first',
          type: 'lines',
          most: 500,
          value: value('greeting'),
          tried,
          hint: 'For example: Hello, this is Luigi’s. How can I help you?',
        }),
      twilio: () => [
        html`<p>In Twilio, open your number and set its voice webhook to the address of your bot. Then tell us the account:
we never ask for its token.</p>`,
        field({
          name: 'account',
          label: 'Twilio account SID',
          value: value('account'),
          tried,
          hint: 'It begins with AC.',
        }),
      ],
    }[step];
    const done = state.steps.filter(({ status }) => status !== 'open').length;
    const list = state.steps.map(({ name, status, optional }) => {
      const here = name === step && html` aria-current="step"`;
      const told = status === 'open' ? (optional ? 'optional' : 'to do') : status;
      return html`<li${status !== 'open' && html` class="done"`}${here}>
<a href="/setup/${name}">${steps[name].title}</a><span>${told}</span></li>`;
    });
    return {
      title: `Set up: ${steps[step].title}`,
      body: html`<ol class="steps">${list}</ol>
<div class="card">${form(`/setup/${step}`, 'Save and go on', fields())}
${found?.optional === true && form(`/setup/${step}/skip`, 'Skip this step', undefined, 'plain')}</div>
<p>${done} of ${state.steps.length} steps are done. You can leave and go on at any time.</p>`,
    };
  }

  pages.page('/setup/:step', show);
  pages.form(
    '/setup/:step',
    async (request, fields) => {
      const step = stepOf(request);
      const data = Object.fromEntries(steps[step].fields.map((name) => [name, fields(name).slice(0, 500)]));
      if (step === 'phone' && !/^\+?[\d ()-]{6,20}$/.test(data.number ?? '')) {
        throw refuse('A phone number has digits, spaces and a leading plus.', 'number');
      }
      if (step === 'greeting' && data.greeting === '') throw refuse('The bot must say something.', 'greeting');
      const { by, tenant } = request.access;
      return after(await setup.complete({ tenantId: tenant.id, step, data }, by && { by }));
    },
    show,
  );
  pages.form(
    '/setup/:step/skip',
    async (request) => {
      const { by, tenant } = request.access;
      return after(await setup.skip({ tenantId: tenant.id, step: stepOf(request) }, by && { by }));
    },
    show,
  );
  // `/setup` leads to where it was left.
  pages.page('/setup', async ({ access }) => after(await setup.of(access.tenant.id)));
}

function after({ next }: { readonly next: Step | null }): string {
  return next === null ? '/dashboard?note=setup-done' : `/setup/${next}`;
}

function stepOf({ params }: Guarded): Step {
  const { step }: { step?: unknown } = Object(params);
  if (step === 'phone' || step === 'business' || step === 'greeting' || step === 'twilio') return step;
  throw notFound();
}
