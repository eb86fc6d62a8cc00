import { expect, it } from 'vitest';
import { defaultTemplates, type TemplateOptions } from './default-templates.ts';

const links = { verify: 'https://a.example/v', reset: 'https://a.example/r?lang=de', change: 'https://a.example/c' };
const facts = { email: 'ada@acme.example', name: 'Ada', token: 'ver_a+b', expiresAt: new Date('2026-03-01T12:00:00Z') };

async function linksOf(options: Pick<TemplateOptions, 'tokenIn'>): Promise<readonly string[]> {
  const templates = defaultTemplates({ product: 'Acme', links, ...options });
  const mails = [await templates.verify(facts), await templates.reset(facts), await templates.change(facts)];
  return mails.map(({ text }) => /https:\S+/.exec(text)?.[0] ?? '');
}

it('puts the token behind #, which reaches no server, no log and no Referer', async () => {
  expect(await linksOf({})).toEqual([
    'https://a.example/v#token=ver_a%2Bb',
    'https://a.example/r?lang=de#token=ver_a%2Bb',
    'https://a.example/c#token=ver_a%2Bb',
  ]);
});

it('puts the token into the query where that is asked for', async () => {
  expect(await linksOf({ tokenIn: 'query' })).toEqual([
    'https://a.example/v?token=ver_a%2Bb',
    'https://a.example/r?lang=de&token=ver_a%2Bb',
    'https://a.example/c?token=ver_a%2Bb',
  ]);
});

it('escapes names in the HTML of each mail', async () => {
  const templates = defaultTemplates({ product: '<Acme>', links });
  const named = { ...facts, name: '"><img src=x>' };
  const mails = [templates.verify, templates.reset, templates.change, templates.exists, templates.passwordChanged];
  for (const template of [...mails, templates.emailChanged]) {
    expect((await template(named)).html).not.toMatch(/<img|<Acme>/);
  }
});
