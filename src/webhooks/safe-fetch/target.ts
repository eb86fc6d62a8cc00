import { isIP } from 'node:net';

/** Why no request is sent to a URL. `address`: it leads, or one of its addresses leads, to where requests may not go. */
export type UrlRefusal = 'invalid_url' | 'protocol' | 'credentials' | 'port' | 'address';

/**
 * Why a request failed: the name has no address (`unresolved`), no connection or an answer that is none (`connection`), no
 * secure connection, as with a certificate that is over, of another name, or of nobody who is trusted (`tls`), the deadline
 * passed (`deadline`), the answer is larger than it may be (`response_too_large`), or the caller's signal (`aborted`).
 */
export type FetchFailure = 'unresolved' | 'connection' | 'tls' | 'deadline' | 'response_too_large' | 'aborted';

/** Which URLs a request may go to at all, whatever their addresses. */
export interface TargetRules {
  readonly allowHttp: boolean;
  readonly ports: readonly number[] | 'any';
}

/** Where a request is to go. */
export interface Target {
  readonly url: URL;
  /** The name, or the address without the brackets of IPv6. */
  readonly host: string;
  /** Whether it is an address already, which nobody needs to look up. */
  readonly literal: boolean;
}

/**
 * Reads a URL by the WHATWG standard, which writes every spelling of an IPv4 address (decimal, octal, hexadecimal, short,
 * full-width) in the one plain form.
 */
export function readTarget(text: string | URL, { allowHttp, ports }: TargetRules): Target | UrlRefusal {
  const url = URL.parse(String(text));
  if (url === null || url.hostname === '') return 'invalid_url';
  const { protocol, hostname, username, password } = url;
  if (protocol !== 'https:' && !(allowHttp && protocol === 'http:')) return 'protocol';
  if (username !== '' || password !== '') return 'credentials';
  const port = Number(url.port || (protocol === 'https:' ? 443 : 80));
  if (ports !== 'any' && !ports.includes(port)) return 'port';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { url, host, literal: isIP(host) !== 0 };
}
