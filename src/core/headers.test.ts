import { expect, it } from 'vitest';
import { type HeadersLike, readHeader } from './headers.ts';

const forms: Record<string, HeadersLike> = {
  'fetch Headers': new Headers({ 'X-Tenant': 'acme', accept: 'a, b' }),
  "Node's record": { 'x-tenant': 'acme', accept: ['a', 'b'], empty: undefined },
  "Node's rawHeaders": ['X-Tenant', 'acme', 'Accept', 'a', 'ACCEPT', 'b'],
  pairs: [
    ['X-TENANT', 'acme'],
    ['accept', 'a'],
    ['Accept', 'b'],
  ],
  'a record in any case': { 'X-Tenant': 'acme', Accept: 'a, b' },
};

for (const [form, headers] of Object.entries(forms)) {
  it(`reads ${form}, whatever the case of the name`, () => {
    expect(readHeader(headers, 'x-tenant')).toBe('acme');
    expect(readHeader(headers, 'X-Tenant')).toBe('acme');
    expect(readHeader(headers, 'ACCEPT')).toBe('a, b');
    expect(readHeader(headers, 'absent')).toBeUndefined();
    expect(readHeader(headers, 'empty')).toBeUndefined();
  });
}

it('takes a header that is named "get" for a header', () => {
  expect(readHeader({ get: 'a' }, 'get')).toBe('a');
});

it('does not take a value of rawHeaders for a name', () => {
  expect(readHeader(['x-a', 'x-b', 'x-b', '1'], 'x-b')).toBe('1');
});

it.each([undefined, null, 'webhook-id: 1', 7])('says what headers are where there are none (%s)', (headers) => {
  expect(() => Reflect.apply(readHeader, undefined, [headers, 'accept'])).toThrow('headers must be those of a request');
});
