import type { TokenDenial } from './token-claims.ts';

/** What a token says of itself before anything is proved. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
  /** Whom it names as its issuer. */
  readonly iss: string | undefined;
}

/** Header fields with which a token would bring its own key, or change how it is to be read (RFC 7515, RFC 7797). */
const refused = ['crit', 'jwk', 'jku', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'b64', 'enc', 'zip'];
const form = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const mostCharacters = 8192;

/** Tells whether a text has the form of a JSON Web Token; an API key has not. */
export function looksLikeToken(text: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/.test(text);
}

/** Reads what a token says of itself, or tells what is wrong with that. Nothing in it may be trusted yet. */
export function readTokenHeader(token: unknown): TokenHeader | TokenDenial {
  if (typeof token !== 'string' || token.length > mostCharacters || !form.test(token)) return 'malformed';
  const [head = '', body = '', signature = ''] = token.split('.');
  const header = objectOf(head);
  const payload = objectOf(body);
  if (header === null || payload === null) return 'malformed';
  if (refused.some((name) => Object.hasOwn(header, name))) return 'header_refused';
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string') return 'malformed';
  if (kid !== undefined && !(typeof kid === 'string' && /^[\x21-\x7e]{1,256}$/.test(kid))) return 'key_unknown';
  // The last character of a signature has bits that say nothing: a token has one text, and not sixteen.
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) return 'signature_invalid';
  return {
    alg,
    kid: typeof kid === 'string' ? kid : undefined,
    typ: typeof typ === 'string' ? typ.toLowerCase() : undefined,
    iss: typeof payload.iss === 'string' ? payload.iss : undefined,
  };
}

function objectOf(part: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
