import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSlug, slugsFrom } from './slug.ts';

const firstOf = (name: string): string | undefined => slugsFrom(name, '5c1b7e')[0];

describe('slugsFrom', () => {
  it.each([
    ['Acme Corp.', 'acme-corp'],
    ["O'Reilly & Söhne", 'oreilly-and-sohne'],
    ['Ærøskøbing Straße', 'aeroskobing-strasse'],
    ['İstanbul Şişli', 'istanbul-sisli'],
    ['Łódź Œuvre', 'lodz-oeuvre'],
    ['Київ Щастя', 'kiiv-shchastya'],
    ['Ελλάδα', 'ellada'],
    ['"; drop table tenants --', 'drop-table-tenants'],
    ['ＡＢＣ ①', 'abc-1'],
    ['  --a--b--  ', 'a-b'],
  ])('spells %j as %j', (name, slug) => {
    expect(firstOf(name)).toBe(slug);
  });

  it('gives a name without a letter a neutral word with a number', () => {
    expect(slugsFrom('株式会社', '5c1b7e').at(0)).toBe('org-2');
    expect(slugsFrom('🦊', '5c1b7e').at(-1)).toBe('org-5c1b7e');
  });

  it('keeps reserved words for the program', () => {
    expect(firstOf('Admin')).toBe('admin-2');
  });

  it('numbers before it falls back to the tail', () => {
    const slugs = slugsFrom('Acme', '5c1b7e');
    expect(slugs.slice(0, 3)).toEqual(['acme', 'acme-2', 'acme-3']);
    expect(slugs.at(-1)).toBe('acme-5c1b7e');
  });

  it('gives only slugs that a person might choose too, none twice, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const slugs = slugsFrom(name, '5c1b7e');
        expect(slugs.map(checkSlug)).toEqual(slugs);
        expect(new Set(slugs).size).toBe(slugs.length);
      }),
    );
  });
});

describe('checkSlug', () => {
  it.each(['Acme', 'a--b', '-a', 'a-', 'a_b', 'a b', '', 'é', 'xn--acme', 'admin', 'a'.repeat(64), 7, null])(
    'refuses %j',
    (slug) => {
      expect(() => checkSlug(slug)).toThrow(expect.objectContaining({ code: 'slug_invalid' }));
    },
  );

  it.each(['a', '42', 'acme-corp', 'a'.repeat(63)])('takes %j', (slug) => {
    expect(checkSlug(slug)).toBe(slug);
  });
});
