import { describe, expect, it } from 'vitest';
import { createAddressRules } from './address-rules.ts';

describe('what is allowed', () => {
  it('opens blocks for who hosts by himself, and metadata only by its own address', () => {
    const mayReach = createAddressRules({ allow: ['10.0.0.0/8', '169.254.0.0/16', 'fd00::/8', '100.100.100.200'] });
    const reached = (list: string[]) => list.filter(mayReach);
    expect(reached(['10.9.8.7', '11.0.0.1', '192.168.0.1', '169.254.1.1', 'fd00::1'])).toEqual([
      '10.9.8.7',
      '11.0.0.1',
      '169.254.1.1',
      'fd00::1',
    ]);
    expect(reached(['169.254.169.254', '168.63.129.16', 'fd00:ec2::254', '100.100.100.200'])).toEqual([
      '100.100.100.200',
    ]);
    expect(createAddressRules({ allow: ['0.0.0.0/0'] })('168.63.129.16')).toBe(false);
    for (const bad of ['10.0.0.0/33', '10.0.0.0/', 'localhost', '10.0.0.0/8/8', '::/129', '']) {
      expect(() => createAddressRules({ allow: [bad] })).toThrow(TypeError);
    }
  });

  it('is public by itself: both edges of each closed block', () => {
    const mayReach = createAddressRules();
    const outside = ['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0'];
    const more = ['100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0'];
    const six = ['2606:4700::1111', '2a00:1450::1', '2400::1', '2001:4860:4860::8888'];
    for (const address of [...outside, ...more, ...six, '8.8.8.8', '223.255.255.255']) {
      expect(mayReach(address), address).toBe(true);
    }
    for (const address of ['1fff::1', '4000::1', '2001:1ff::1', '2002::1'])
      expect(mayReach(address), address).toBe(false);
  });
});
