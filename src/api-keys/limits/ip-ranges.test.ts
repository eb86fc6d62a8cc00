import { BlockList } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inRanges, ipRangesOf, readIpRanges } from './ip-ranges.ts';

const within = (ranges: readonly string[], ip?: string): boolean =>
  inRanges(ipRangesOf(readIpRanges(ranges) ?? []), ip);

it('knows addresses and ranges of both kinds, however they are written', () => {
  expect(within(['203.0.113.7'], '203.0.113.7')).toBe(true);
  expect(within(['203.0.113.7'], '203.0.113.8')).toBe(false);
  expect(within(['10.0.0.0/8'], '10.255.255.255')).toBe(true);
  expect(within(['10.0.0.0/8'], '11.0.0.0')).toBe(false);
  expect(within(['2001:db8::/32'], '2001:DB8:ffff::1')).toBe(true);
  expect(within(['2001:db8::/32'], '2001:db9::')).toBe(false);
  expect(within(['0.0.0.0/0'], '255.1.2.3')).toBe(true);
  expect(within(['0.0.0.0/0'], '::1')).toBe(false);
  expect(within(['::/0'], '1.2.3.4')).toBe(false);
});

it('takes an IPv4 address that IPv6 maps for what it is', () => {
  expect(within(['10.0.0.0/8'], '::ffff:10.1.2.3')).toBe(true);
  expect(within(['10.0.0.0/8'], '::FFFF:0a01:0203')).toBe(true);
  expect(within(['::ffff:10.0.0.0/104'], '10.9.9.9')).toBe(true);
  expect(within(['::ffff:10.0.0.1'], '10.0.0.1')).toBe(true);
  expect(within(['fe80::/10'], 'fe80::1%eth0')).toBe(true);
});

it('lets nobody in who names no address', () => {
  for (const ip of [undefined, '', 'localhost', '10.0.0', '10.0.0.0/8', ' 10.0.0.1', '010.0.0.1', 'x'.repeat(10_000)]) {
    expect(within(['0.0.0.0/0', '::/0'], ip)).toBe(false);
  }
});

it('refuses lists that cannot be', () => {
  expect(readIpRanges(null)).toBeNull();
  expect(readIpRanges(['10.1.2.3/8', ' ::ffff:10.0.0.0/104', '2001:DB8::1/32'])).toEqual([
    '10.0.0.0/8',
    '2001:db8:0:0:0:0:0:0/32',
  ]);
  for (const wrong of [
    [],
    [''],
    ['10.0.0.0/33'],
    ['10.0.0.0/-1'],
    ['::/129'],
    ['a/8'],
    ['1.2.3.4/8/8'],
    ['::ffff:1.2.3.4/95'],
  ]) {
    expect(() => readIpRanges(wrong)).toThrow(expect.objectContaining({ code: 'api_key_invalid' }));
  }
  expect(() => readIpRanges(Array.from({ length: 101 }, (_, index) => `10.0.0.${index}`))).toThrow();
});

it('agrees with the lists of Node', () => {
  const ipv4 = fc.ipV4();
  const ipv6 = fc.ipV6();
  fc.assert(
    fc.property(ipv4, fc.integer({ min: 0, max: 32 }), ipv4, (network, prefix, ip) => {
      const list = new BlockList();
      list.addSubnet(network, prefix, 'ipv4');
      expect(within([`${network}/${prefix}`], ip)).toBe(list.check(ip, 'ipv4'));
    }),
  );
  fc.assert(
    fc.property(ipv6, fc.integer({ min: 1, max: 128 }), fc.oneof(ipv6, fc.constant('')), (network, prefix, other) => {
      // What IPv6 maps is IPv4 here.
      fc.pre(!/^[0:]*ffff:|^[0:]*:[\d.]+$/i.test(network));
      const list = new BlockList();
      list.addSubnet(network, prefix, 'ipv6');
      expect(within([`${network}/${prefix}`], other === '' ? network : other)).toBe(
        list.check(other === '' ? network : other, 'ipv6'),
      );
    }),
  );
});
