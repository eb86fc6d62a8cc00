import { amountText, dayText } from '../format.ts';
import { choice, field } from '../forms.ts';
import { html } from '../html.ts';
import type { View } from '../layout.ts';
import { paramOf } from '../param.ts';
import { card, named, sure, table } from '../parts.ts';
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
  const { audit, auth, plans } = receptionist;
  const readers = guarded({ permission: 'bots:read' });
  const writers = guarded({ permission: 'bots:write' });

  async function showAll({ access }: Guarded, { form, tried }: Told): Promise<View> {
    const bots = await access.db.selectFrom('bots').selectAll().orderBy('created_at').execute();
    const { used, limit } = await access.check('bots');
    const writes = access.can('bots:write');
    const rows = bots.map(({ id, name, business, created_at }) => [
      html`<a href="/bots/${id}">${name}</a>`,
      businessText(business),
      dayText(created_at),
      writes && form(`/bots/${id}/call`, named('Test call', `to ${name}`), undefined, 'plain'),
    ]);
    const heads = ['Name', 'Business', 'Since', ...(writes ? ['Try it'] : [])];
    // The first bot begins with what the set-up was told.
    const bot = bots.length === 0 ? await firstBot(access.tenant.id) : undefined;
    const full = limit !== 'unlimited' && used >= limit;
    const add = form('/bots', 'Add the bot', botFields({ bot, tried }));
    return {
      title: 'Bots',
      body: html`<p>${used} of ${amountText(limit)} on your plan.${
        full && access.can('billing:manage') && html` <a href="/billing">Upgrade to have more</a>`
      }</p>
${table('Your bots', heads, rows, 'No bot answers your phone yet.')}
${writes && (!full || tried !== undefined) && card('Add a bot', add)}`,
    };
  }

  /** What the set-up was told, as a bot. */
  async function firstBot(tenantId: string): Promise<BotTexts> {
    const { steps } = await auth.setup.of(tenantId);
    const told = (step: string, name: string): string =>
      String(steps.find((one) => one.name === step)?.data[name] ?? '');
    return { name: '', business: told('business', 'kind'), greeting: told('greeting', 'greeting'), voice: 'calm' };
  }

  async function showOne(request: Guarded, { form, tried }: Told): Promise<View> {
    const bot = await botOf(request);
    const save = form(`/bots/${bot.id}`, 'Save', botFields({ bot, tried }));
    const remove = form(`/bots/${bot.id}/delete`, `Delete ${bot.name}`, undefined, 'danger');
    const voice = voices.find(([value]) => value === bot.voice)?.[1] ?? bot.voice;
    return {
      title: bot.name,
      aside: html`<a href="/calls?bot=${bot.id}">Its calls</a>`,
      body: request.access.can('bots:write')
        ? [
            card('What it says', save),
            card('Delete', sure('Delete the bot …', 'All its calls are deleted with it, for ever.', remove)),
          ]
        : card('What it says', html`<p>${bot.greeting}</p><p>${businessText(bot.business)}, voice: ${voice}</p>`),
    };
  }

  readers.page('/bots', showAll);
  readers.page('/bots/:id', showOne);

  writers.form(
    '/bots',
    async ({ access }, fields) => {
      const bot = await readBot(access, fields);
      const id = crypto.randomUUID();
      await access.transaction(async (tx) => {
        // The place on the plan, the bot and the trail stand or fall together.
        await access.consume('bots', 1, { db: tx });
        await tx
          .insertInto('bots')
          .values({ id, ...bot, created_at: new Date() })
          .execute();
        await audit.record(entryOf(access, 'bot.created', { id, name: bot.name }), { db: tx });
      });
      return '/bots?note=added';
    },
    showAll,
  );
  writers.form(
    '/bots/:id',
    async (request, fields) => {
      const { access } = request;
      const before = await botOf(request);
      const bot = await readBot(access, fields);
      const texts = ['name', 'business', 'greeting', 'voice'] as const;
      const changes = Object.fromEntries(
        texts.filter((text) => bot[text] !== before[text]).map((text) => [text, { old: before[text], new: bot[text] }]),
      );
      await access.transaction(async (tx) => {
        await tx.updateTable('bots').set(bot).where('id', '=', before.id).execute();
        const entry = entryOf(access, 'bot.updated', { id: before.id, name: bot.name });
        await audit.record({ ...entry, changes }, { db: tx });
      });
      return `/bots/${before.id}?note=saved`;
    },
    showOne,
  );
  writers.form(
    '/bots/:id/delete',
    async (request) => {
      const { id, name } = await botOf(request);
      const { access } = request;
      await access.transaction(async (tx) => {
        const gone = await tx.deleteFrom('bots').where('id', '=', id).returning('id').execute();
        if (gone.length === 0) return;
        await plans.release(access.tenant.id, 'bots', 1, { db: tx });
        await audit.record(entryOf(access, 'bot.deleted', { id, name }), { db: tx });
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

/** What is told of a bot in the customer's trail. Who acts, and from where, the gate has said. */
function entryOf(access: Guarded['access'], action: string, bot: { readonly id: string; readonly name: string }) {
  return { tenantId: access.tenant.id, action, targets: [{ type: 'bot', ...bot }] };
}

function businessText(kind: string): string {
  return businesses.find(([value]) => value === kind)?.[1] ?? kind;
}

interface BotTexts {
  readonly name: string;
  readonly business: string;
  readonly greeting: string;
  readonly voice: string;
}

function botFields({ bot, tried }: { readonly bot?: BotTexts | undefined; readonly tried: Told['tried'] }) {
  return [
    field({ name: 'name', label: 'Name of the bot', value: bot?.name ?? '', most: 100, tried }),
    choice({ name: 'business', label: 'Kind of business', options: businesses, value: bot?.business ?? '', tried }),
    field({ name: 'greeting', label: 'Greeting', type: 'lines', value: bot?.greeting ?? '', most: 500, tried }),
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
