import { expect, it } from 'vitest';
import { fromClaim, fromHeader, fromHostname, fromPath, fromSubdomain, normalHost } from './tenant-sources.ts';

const host = (value: string) => ({ headers: { Host: value } });

it('reads a subdomain of one label, whatever its case and port, and no other host', async () => {
  const source = fromSubdomain('app.example.com');
  expect(await source(host('Acme.App.Example.com:8443'))).toEqual({ name: 'acme' });
  expect(await source(host('acme.app.example.com.'))).toEqual({ name: 'acme' });
  for (const other of [
    'app.example.com',
    'a.b.app.example.com',
    'acme.app.example.com.evil.test',
    'acmeapp.example.com',
    '',
    '[::1]',
  ]) {
    expect(await source(host(other))).toBeUndefined();
  }
  const proxied = fromSubdomain('app.example.com', 'x-forwarded-host');
  expect(await proxied({ headers: { host: 'evil.app.example.com' } })).toBeUndefined();
});

it('reads a whole host name, but none of the program’s own', async () => {
  const source = fromHostname(['example.com']);
  expect(await source(host('Billing.Acme.test:443'))).toEqual({ hostname: 'billing.acme.test' });
  expect(await source(host('bücher.test'))).toEqual({ hostname: 'xn--bcher-kva.test' });
  for (const own of [
    'example.com',
    'acme.example.com',
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '[::1]:80',
    'a b',
    'a@b.test',
    '-a.test',
  ]) {
    expect(await source(host(own))).toBeUndefined();
  }
});

it('reads a part of the path', async () => {
  const source = fromPath('/t/:tenant');
  const at = (url: string) => source({ headers: {}, url });
  expect(await at('/t/acme/calls?t=/t/other')).toEqual({ name: 'acme' });
  expect(await at('https://example.com/t/acme')).toEqual({ name: 'acme' });
  expect(await at('/t/%E0%A4%A')).toEqual({ name: '%E0%A4%A' });
  for (const other of ['/', '/t', '/t/', '/x/acme', 'nonsense']) expect(await at(other)).toBeUndefined();
  for (const wrong of ['/t', '/:tenant/:tenant']) {
    expect(() => fromPath(wrong)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  }
});

it('reads a header and a claim, and nothing from what a claim inherits', async () => {
  expect(await fromHeader('x-tenant')({ headers: { 'X-Tenant': ' acme ' } })).toEqual({ name: 'acme' });
  expect(await fromHeader('x-tenant')({ headers: { 'X-Tenant': ' ' } })).toBeUndefined();
  expect(await fromClaim('org')({ headers: {}, claims: { org: 'acme' } })).toEqual({ name: 'acme' });
  expect(await fromClaim('org')({ headers: {}, claims: { org: 7 } })).toBeUndefined();
  expect(await fromClaim('constructor')({ headers: {}, claims: {} })).toBeUndefined();
});

it('keeps host names in one form', () => {
  expect(normalHost('EXAMPLE.com.')).toBe('example.com');
  expect(normalHost(`${'a'.repeat(64)}.test`)).toBeUndefined();
  expect(normalHost(undefined)).toBeUndefined();
});
