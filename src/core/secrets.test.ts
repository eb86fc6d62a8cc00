import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSecretBox, type SecretKey } from './secrets.ts';

const key = (id: string): SecretKey => ({ id, key: randomBytes(32) });
const a = key('a');
const b = key('b');
const place = { tenantId: '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90', column: 'endpoints.secret', rowId: '7' };

const refusal = (open: () => string): unknown => {
  try {
    return open();
  } catch (error) {
    return Object.getOwnPropertyDescriptor(error, 'details')?.value.reason;
  }
};

describe('a secret box', () => {
  it('gives back what it sealed, whatever the text and the place, and seals it otherwise each time', () => {
    const box = createSecretBox([a]);
    const anywhere = fc.record({
      tenantId: fc.option(fc.uuid()),
      column: fc.string({ unit: 'grapheme' }),
      rowId: fc.string({ unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), anywhere, (secret, somewhere) => {
        const sealed = box.seal(secret, somewhere);
        expect(box.open(sealed, somewhere)).toBe(secret);
        expect(box.seal(secret, somewhere)).not.toBe(sealed);
        expect(box.isCurrent(sealed)).toBe(true);
      }),
    );
  });

  it('opens at no other place', () => {
    const box = createSecretBox([a]);
    const part = fc.constantFrom('x', 'y', '', '","', 'x","y', '["x"]');
    const somewhere = fc.record({ tenantId: fc.option(part), column: part, rowId: part });
    fc.assert(
      fc.property(somewhere, somewhere, (here, there) => {
        fc.pre(JSON.stringify(here) !== JSON.stringify(there));
        expect(refusal(() => box.open(box.seal('s', here), there))).toBe('not_authentic');
      }),
    );
  });

  it('opens nothing of which one character was changed, taken away or added', () => {
    const box = createSecretBox([a]);
    const sealed = box.seal('a secret', place);
    fc.assert(
      fc.property(
        fc.nat(sealed.length),
        fc.constantFrom('', 'A', 'b', '.', '=', '-'),
        fc.boolean(),
        (at, put, instead) => {
          const other = sealed.slice(0, at) + put + sealed.slice(at + (instead ? 1 : 0));
          fc.pre(other !== sealed);
          expect(['malformed', 'key_unknown', 'not_authentic']).toContain(refusal(() => box.open(other, place)));
        },
      ),
    );
  });

  it('rotates: the first key seals, all open, and one that is left out opens nothing more', () => {
    const old = createSecretBox([a]);
    const turning = createSecretBox([b, a]);
    const sealed = old.seal('s', place);
    expect(turning.open(sealed, place)).toBe('s');
    expect([turning.isCurrent(sealed), old.isCurrent(sealed)]).toEqual([false, true]);
    const anew = turning.seal(turning.open(sealed, place), place);
    const later = createSecretBox([b]);
    expect(later.open(anew, place)).toBe('s');
    expect(refusal(() => later.open(sealed, place))).toBe('key_unknown');
    expect(refusal(() => createSecretBox([{ id: 'a', key: randomBytes(32) }]).open(sealed, place))).toBe(
      'not_authentic',
    );
  });

  it('tells nothing of the secret or the key in an error', () => {
    const box = createSecretBox([a]);
    try {
      box.open(`${box.seal('hunter2', place)}AAAA`, place);
      expect.unreachable();
    } catch (error) {
      const text = `${String(error)}${JSON.stringify(error)}${String((error as Error).cause)}`;
      expect(text).not.toContain('hunter2');
      expect(text).not.toContain('ts1.');
    }
  });

  it.each([
    ['no key', []],
    ['a short key', [{ id: 'a', key: randomBytes(16) }]],
    ['a text that is no key', [{ id: 'a', key: 'password' }]],
    ['no id', [{ id: '', key: randomBytes(32) }]],
    ['an id with a dot', [{ id: 'a.b', key: randomBytes(32) }]],
    ['two keys of one name', [a, { id: 'a', key: randomBytes(32) }]],
  ])('refuses %s', (_, keys) => {
    expect(() => createSecretBox(keys)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  it('takes a key in base64', () => {
    const bytes = randomBytes(32);
    const sealed = createSecretBox([{ id: 'a', key: bytes.toString('base64') }]).seal('s', place);
    expect(createSecretBox([{ id: 'a', key: bytes }]).open(sealed, place)).toBe('s');
  });
});
