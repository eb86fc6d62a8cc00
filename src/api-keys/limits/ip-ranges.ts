import { isIPv4, isIPv6 } from 'node:net';
import { invalid } from '../key-input.ts';

/** An address as a number: IPv4 addresses that IPv6 maps are IPv4 addresses. */
interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** A range of addresses: those that begin with the same bits. */
export interface IpRange {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

const most = 100;
const mapped = 0xffffn;

/**
 * Checks a list of addresses and ranges (`203.0.113.7`, `10.0.0.0/8`, `2001:db8::/32`) and gives each in one form. Null:
 * any address.
 *
 * @throws TenantryError `api_key_invalid`; also for an empty list, which would refuse everybody.
 */
export function readIpRanges(ranges: readonly string[] | null | undefined): readonly string[] | null {
  if (ranges === undefined || ranges === null) return null;
  if (!Array.isArray(ranges) || ranges.length === 0 || ranges.length > most) {
    throw invalid(`allowedIps must be 1 to ${most} addresses or ranges`);
  }
  return [...new Set(ranges.map((range) => textOf(rangeOf(range))))];
}

/** The ranges of a list that was checked. */
export function ipRangesOf(ranges: readonly string[]): readonly IpRange[] {
  return ranges.map(rangeOf);
}

/** Tells whether an address lies in one of the ranges. What is no address lies in none. */
export function inRanges(ranges: readonly IpRange[], ip: string | undefined): boolean {
  const address = ip === undefined ? undefined : parseAddress(ip);
  if (address === undefined) return false;
  return ranges.some(
    ({ bits, first, last }) => bits === address.bits && address.value >= first && address.value <= last,
  );
}

function rangeOf(text: unknown): IpRange {
  const [head = '', length, ...rest] = typeof text === 'string' ? text.trim().split('/') : [];
  const address = parseAddress(head);
  if (address === undefined || rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) {
    throw invalid('an allowed IP must be an address or a range such as 10.0.0.0/8 or 2001:db8::/32');
  }
  const { bits, value } = address;
  // "::ffff:10.0.0.0/104" is 10.0.0.0/8.
  const written = length === undefined ? undefined : Number(length);
  const prefix = written === undefined ? bits : bits === 32 && isIPv6(head) ? written - 96 : written;
  if (prefix < 0 || prefix > bits) throw invalid('the range of an allowed IP is too long or too short');
  const span = 1n << BigInt(bits - prefix);
  const first = (value / span) * span;
  return { bits, first, last: first + span - 1n };
}

/** Reads an address; a zone (`fe80::1%eth0`) is left out. */
function parseAddress(text: string): Address | undefined {
  if (text.length > 64) return undefined;
  if (isIPv4(text)) return { bits: 32, value: numberOfIpv4(text) };
  const [head = ''] = text.split('%');
  if (!isIPv6(head)) return undefined;
  const value = numberOfIpv6(head);
  return value >> 32n === mapped ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function numberOfIpv4(text: string): bigint {
  return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function numberOfIpv6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted === null ? text : `${dotted[1]}${groupsOfIpv4(dotted[2] ?? '')}`;
  const [left = '', right] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(left), groups(right ?? '')];
  const zeros = Array.from({ length: right === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function groupsOfIpv4(text: string): string {
  const value = numberOfIpv4(text);
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

function textOf({ bits, first, last }: IpRange): string {
  const prefix = bits - (last - first + 1n).toString(2).length + 1;
  const address =
    bits === 32
      ? [24n, 16n, 8n, 0n].map((shift) => (first >> shift) & 0xffn).join('.')
      : [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((first >> shift) & 0xffffn).toString(16)).join(':');
  return prefix === bits ? address : `${address}/${prefix}`;
}
