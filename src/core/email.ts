import { domainToASCII } from 'node:url';
import { TenantryError } from './errors.ts';
import { cleanText } from './text.ts';

const form = /^[^\s@"(),:;<>[\\\]]{1,64}@([^\s@]{1,253})$/u;
const host = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** A mail address as it was given, and in the form in which addresses are compared. */
export interface EmailAddress {
  readonly given: string;
  /** Composed, in lower case, with the domain in its ASCII form. */
  readonly key: string;
  /** The domain of the key. */
  readonly domain: string;
}

/**
 * Reads a mail address. Addresses that differ in case or in the spelling of an international domain are one; dots and
 * what follows a "+" stay, since only some providers take such addresses for one.
 *
 * @throws TenantryError `name_invalid` for what is no address.
 */
export function readEmail(field: string, email: unknown): EmailAddress {
  const given = cleanText(field, email, 320);
  const written = form.exec(given)?.[1];
  const domain = written === undefined ? null : readHost(written);
  if (domain === null) throw new TenantryError('name_invalid', { field, problem: 'is no mail address' });
  const local = given.slice(0, given.lastIndexOf('@')).toLowerCase().normalize('NFC');
  return { given, key: `${local}@${domain}`, domain };
}

/** The ASCII form of a host name in lower case; null for what is none. */
export function readHost(name: string): string | null {
  const ascii = domainToASCII(name.toLowerCase());
  return host.test(ascii) ? ascii : null;
}
