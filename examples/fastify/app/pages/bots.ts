import { amountText, dayText } from '../format.ts';
import { choice, field, named, table } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { refuse } from '../problems.ts';
import { type Guarded, notFound, type Site, type Told } from '../site.ts';
import { takeCall } from '../take-call.ts';
import { businesses } from './setup.ts';

const voices: readonly (readonly [value: string, text: string])[] = [
  ['calm', 'Calm'],
  ['bright', 'Bright (Pro)'],
  ['deep', 'Deep (Pro)'],
];

/** The bots: as many as the plan allows. */
export function botPages({ guarded, receptionist }: Site): void {
  const readers = guarded({ permission: 'bots:read' });
  const writers = guarded({ permission: 'bots:write' });

  async function showAll({ access }: Guarded, { form, tried }: Told): Promise<View> {
    const bots = await access.db.selectFrom('bots').selectAll().orderBy('created_at').execute();
    const { used, limit } = await access.check('bots');
    const rows = bots.map(({ id, name, business, created_at }) => [
      html`<a href="/bots/${id}">${name}</a>`,
      business,
      dayText(created_at),
      form(`/bots/${id}/call`, named('Test call', `to ${name}`), undefined, 'plain'),
    ]);
    const add = form('/bots', 'Add the bot', botFields({ tried }));
    return {
      title: 'Bots',
      body: html`<p>${used} of ${amountText(limit)} on your plan.</p>
${table('Your bots', ['Name', 'Business', 'Since', 'Try it'], rows, 'No bot answers your phone yet.')}
${access.can('bots:write') && html`<h2>Add a bot</h2>${add}`}`,
    };
  }

  async function showOne(request: Guarded, { form, tried }: Told): Promise<View> {
    const bot = await botOf(request);
    const save = form(`/bots/${bot.id}`, 'Save', botFields({ bot, tried }));
    return {
      title: bot.name,
      body: html`${request.access.can('bots:write') && save}<h2>Delete</h2>
<p>Its calls are deleted with it.</p>${form(`/bots/${bot.id}/delete`, `Delete ${bot.name}`, undefined, 'danger')}`,
    };
  }

  readers.page('/bots', showAll);
  readers.page('/bots/:id', showOne);

  writers.form(
    '/bots',
    async ({ access }, fields) => {
      const bot = await readBot(access, fields);
      await access.transaction(async (tx) => {
        // The place on the plan and the bot stand or fall together.
        await access.consume('bots', 1, { db: tx });
        await tx
          .insertInto('bots')
          .values({ id: crypto.randomUUID(), ...bot, created_at: new Date() })
          .execute();
      });
      return '/bots?note=added';
    },
    showAll,
  );
  writers.form(
    '/bots/:id',
    async (request, fields) => {
      const { id } = await botOf(request);
      const bot = await readBot(request.access, fields);
      await request.access.db.updateTable('bots').set(bot).where('id', '=', id).execute();
      return `/bots/${id}?note=saved`;
    },
    showOne,
  );
  writers.form(
    '/bots/:id/delete',
    async (request) => {
      const { id } = await botOf(request);
      const { access } = request;
      await access.transaction(async (tx) => {
        const gone = await tx.deleteFrom('bots').where('id', '=', id).returning('id').execute();
        if (gone.length > 0) await receptionist.plans.release(access.tenant.id, 'bots', 1, { db: tx });
      });
      return '/bots?note=removed';
    },
    showAll,
  );
  writers.form(
    '/bots/:id/call',
    async (request) => {
      const { id } = await botOf(request);
      const call = { botId: id, caller: '+1 555 0100', seconds: 42, outcome: 'answered', orderCents: 0 } as const;
      await takeCall(receptionist, request.access, call);
      return '/calls?note=called';
    },
    showAll,
  );
}

interface BotTexts {
  readonly name: string;
  readonly business: string;
  readonly greeting: string;
  readonly voice: string;
}

function botFields({ bot, tried }: { readonly bot?: BotTexts; readonly tried: Told['tried'] }) {
  return [
    field({ name: 'name', label: 'Name of the bot', value: bot?.name ?? '', tried }),
    choice({ name: 'business', label: 'Kind of business', options: businesses, value: bot?.business ?? '', tried }),
    field({ name: 'greeting', label: 'Greeting', value: bot?.greeting ?? '', tried }),
    choice({ name: 'voice', label: 'Voice', options: voices, value: bot?.voice ?? 'calm', tried }),
  ];
}

async function readBot({ requireFeature }: Guarded['access'], fields: (name: string) => string): Promise<BotTexts> {
  const bot = {
    name: fields('name'),
    business: fields('business'),
    greeting: fields('greeting'),
    voice: fields('voice'),
  };
  if (bot.name === '' || bot.name.length > 100) throw refuse('A name has 1 to 100 characters.', 'name');
  if (bot.greeting === '' || bot.greeting.length > 500) throw refuse('A greeting has 1 to 500 characters.', 'greeting');
  if (!businesses.some(([value]) => value === bot.business)) throw refuse('There is no such kind.', 'business');
  if (!voices.some(([value]) => value === bot.voice)) throw refuse('There is no such voice.', 'voice');
  if (bot.voice !== 'calm') await requireFeature('voices');
  return bot;
}

/** The bot that the address names. One of another customer is answered like one that is not there. */
async function botOf(request: Guarded) {
  const query = request.access.db.selectFrom('bots').selectAll();
  const bot = await query.where('id', '=', paramOf(request, 'id')).executeTakeFirst();
  if (bot === undefined) throw notFound();
  return bot;
}
