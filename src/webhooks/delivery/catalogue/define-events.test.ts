import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineEvents } from './define-events.ts';
import { filtersOf, isEventFilter, isEventName, matchesFilter } from './event-patterns.ts';
import { openApiOf } from './open-api.ts';
import { ownEvents } from './own-events.ts';
import { renderPayload } from './render-payload.ts';

const schema = z.object({ id: z.string() });

describe('filters', () => {
  it.each([
    ['order.paid', '*', true],
    ['order.paid', 'order.*', true],
    ['order.item.added', 'order.*', true],
    ['order.item.added', '*.item.added', true],
    ['order.item.added', 'order.*.added', true],
    ['order.item.added', 'order.*.*', true],
    ['order', 'order.*', false],
    ['orders.paid', 'order.*', false],
    ['order.item.added', '*.added', false],
    ['order.paid', 'order', false],
  ])('%s goes through %s: %s', (type, filter, expected) => {
    expect(matchesFilter(type, filter)).toBe(expected);
  });

  it('let a type through exactly when their words say so', () => {
    const word = fc.constantFrom('a', 'b', 'c');
    const type = fc.array(word, { minLength: 1, maxLength: 5 });
    const filter = fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 5 });
    const byWords = (words: readonly string[], stars: readonly string[]): boolean => {
      const last = stars.at(-1) === '*';
      if (last ? words.length < stars.length : words.length !== stars.length) return false;
      return stars.every((star, index) => star === '*' || star === words[index]);
    };
    fc.assert(
      fc.property(type, filter, (words, stars) => {
        expect(matchesFilter(words.join('.'), stars.join('.'))).toBe(byWords(words, stars));
      }),
    );
  });

  it('are few, and only of words that are some', () => {
    expect(filtersOf('a.b.c.d.e.f').length).toBeLessThan(100);
    for (const bad of ['', '.', 'a.', 'A.b', 'a*.b', 'a..b', 'a.b.c.d.e.f.g', ' a', 7]) {
      expect([bad, isEventName(bad), isEventFilter(bad)]).toEqual([bad, false, false]);
    }
  });
});

describe('defineEvents', () => {
  it.each<[string, () => unknown]>([
    ['a name that is none', () => defineEvents({ 'Order Paid': { schema } })],
    ["a name of the library's", () => defineEvents({ 'member.added': { schema } }, { own: ['member.*'] })],
    ['no schema', () => Reflect.apply(defineEvents, undefined, [{ 'order.paid': {} }])],
    ['an example that does not fit', () => defineEvents({ 'order.paid': { schema, examples: [{ id: 1 }] } })],
    ['versions in no order', () => defineEvents({}, { versions: ['2', '1'] })],
    ['a version twice', () => defineEvents({}, { versions: ['1', '1'] })],
    [
      'an older form of an unknown version',
      () => defineEvents({ 'order.paid': { schema, older: { '1': { schema, from: () => ({}) } } } }),
    ],
    [
      'an older form of the newest version',
      () => defineEvents({ a: { schema, older: { '2': { schema, from: () => ({}) } } } }, { versions: ['1', '2'] }),
    ],
    ['an own event that is none', () => defineEvents({}, { own: ['invoices.*'] })],
    ['a rename of a family to a type', () => defineEvents({}, { renames: [{ from: 'a.*', to: 'b' }] })],
    [
      'a rename of what there is not',
      () => defineEvents({ 'a.b': { schema } }, { renames: [{ from: 'x.*', to: 'y.*' }] }),
    ],
    ['a rename to itself', () => defineEvents({}, { renames: [{ from: 'a.*', to: 'a.*' }] })],
  ])('refuses %s', (_title, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('makes older payloads step by step', () => {
    const catalogue = defineEvents(
      {
        a: {
          schema,
          older: {
            '1': {
              schema: z.object({ first: z.string() }),
              from: ({ second }: { second: string }) => ({ first: second }),
            },
            '2': { schema: z.object({ second: z.string() }), from: ({ id }: { id: string }) => ({ second: id }) },
          },
        },
      },
      { versions: ['1', '2', '3'] },
    );
    const payload = JSON.stringify({ type: 'a', timestamp: 't', data: { id: 'x' } });
    const dataIn = (version: string | null) => JSON.parse(renderPayload(catalogue, payload, 'a', version)).data;
    expect([dataIn('1'), dataIn('2'), dataIn('3'), dataIn(null)]).toEqual([
      { first: 'x' },
      { second: 'x' },
      { id: 'x' },
      { id: 'x' },
    ]);
    const schemas = (version: string) => openApiOf(catalogue, { version }).components.schemas.a;
    expect(JSON.stringify(schemas('1'))).toContain('first');
    expect(JSON.stringify(schemas('2'))).toContain('second');
    expect(JSON.stringify(schemas('3'))).toContain('"id"');
  });

  it('sends both names until a rename is over, whichever is published, and then the new one', () => {
    const until = new Date('2026-06-01T00:00:00Z');
    const renames = [
      { from: 'organization.*', to: 'user.*', until },
      { from: 'order.settled', to: 'order.paid' },
    ];
    const { typesFor, events } = defineEvents({ 'order.paid': { schema } }, { own: ['organization.*'], renames });
    const [before, after] = [new Date('2026-05-31T00:00:00Z'), until];
    expect(typesFor('organization.created', before)).toEqual(['user.created', 'organization.created']);
    expect(typesFor('user.created', before)).toEqual(['user.created', 'organization.created']);
    expect(typesFor('organization.created', after)).toEqual(['user.created']);
    expect(typesFor('order.paid', after)).toEqual(['order.paid', 'order.settled']);
    expect(typesFor('member.added', before)).toEqual(['member.added']);
    expect(events.get('order.settled')?.deprecated).toBe('Use order.paid.');
    expect(events.get('user.created')?.deprecated).toBeNull();
  });
});

describe('OpenAPI', () => {
  it('describes every event, with examples that fit', () => {
    const catalogue = defineEvents(
      { 'order.paid': { schema, description: 'An order was paid.', examples: [{ id: 'o-1' }], deprecated: 'Use b.' } },
      { own: ['*'] },
    );
    const { webhooks, components } = openApiOf(catalogue);
    expect(Object.keys(webhooks).length).toBe(1 + Object.keys(ownEvents).length);
    expect(webhooks['order.paid']).toMatchObject({
      post: { summary: 'An order was paid.', deprecated: true, description: 'Use b.', operationId: 'order.paid' },
    });
    const ajv = new Ajv2020({ strict: false, formats: { uuid: true, 'date-time': true } });
    for (const { type, examples } of catalogue.events.values()) {
      const described = components.schemas[type] ?? {};
      const check = ajv.compile(described);
      for (const data of examples) {
        expect([type, check({ type, timestamp: '2026-03-01T12:00:00Z', data }), check.errors]).toEqual([
          type,
          true,
          null,
        ]);
      }
    }
  });

  it('describes what cannot write itself as any object', () => {
    const plain = { '~standard': { version: 1, vendor: 'own', validate: (value: unknown) => ({ value }) } } as const;
    const date = z.object({ at: z.date() });
    const { components } = openApiOf(defineEvents({ a: { schema: plain }, b: { schema: date } }));
    for (const type of ['a', 'b']) {
      expect(components.schemas[type]).toMatchObject({ properties: { data: { type: 'object' } } });
    }
  });

  it('leads what a schema says of its own parts to where they stand, and keeps types apart that look alike', () => {
    const node = z.object({
      name: z.string(),
      get children() {
        return z.array(node);
      },
    });
    const document = openApiOf(
      defineEvents({
        'tree.grown': { schema: node },
        tree_grown: { schema },
        'tree.cut': { schema: z.object({ node }) },
      }),
    );
    expect(Object.keys(document.components.schemas)).toEqual(['tree.grown', 'tree_grown', 'tree.cut']);
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } });
    ajv.addSchema({ ...document, $id: 'https://example.com/' });
    const tree = (name: unknown) => ({ name: 'root', children: [{ name, children: [] }] });
    const fits = (type: string, data: unknown) =>
      ajv.validate({ $ref: `https://example.com/#/components/schemas/${type}` }, { type, timestamp: 't', data });
    expect([fits('tree.grown', tree('leaf')), fits('tree.grown', tree(1))]).toEqual([true, false]);
    expect([fits('tree.cut', { node: tree('leaf') }), fits('tree.cut', { node: tree(1) })]).toEqual([true, false]);
  });

  it('shows the examples as an older version had them', () => {
    const from = ({ id }: { id: string }) => ({ old: id });
    const older = { '1': { schema: z.object({ old: z.string() }), from } };
    const catalogue = defineEvents({ a: { schema, examples: [{ id: 'x' }], older } }, { versions: ['1', '2'] });
    const shown = (version: string) => JSON.stringify(openApiOf(catalogue, { version }).webhooks.a);
    expect(shown('1')).toContain('"data":{"old":"x"}');
    expect(shown('2')).toContain('"data":{"id":"x"}');
  });
});
