import { isIP } from 'node:net';

/**
 * The part of an address by which tries are counted: all of an IPv4 address, the first 64 bits of an IPv6 one (whoever has
 * one such address has all of them), and what an IPv4 address is when it is written as IPv6. A port behind it, as some
 * proxies write it, is left out. Empty for what is no address.
 */
export function addressOf(ip: string): string {
  const given = String(ip).trim().toLowerCase();
  const [, bare = given] =
    /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(given) ?? /^\[([^\]]*)\](?::\d{1,5})?$/.exec(given) ?? [];
  const text = bare.replace(/%.*$/, '');
  const kind = isIP(text);
  if (kind === 4) return text;
  if (kind !== 6) return '';
  const groups = groupsOf(text);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [6, 7].flatMap((at) => [(groups[at] ?? 0) >> 8, (groups[at] ?? 0) & 255]).join('.');
  }
  return groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}

function groupsOf(text: string): number[] {
  // An IPv4 address at the end stands for two groups.
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
  );
  const [left = '', right] = plain.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const middle = right === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: middle }, () => '0'), ...after].map((group) => Number.parseInt(group, 16));
}
