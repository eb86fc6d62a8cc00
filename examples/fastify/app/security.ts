import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readCookie, writeCookie } from './cookies.ts';

/** What keeps other sites from sending forms in a visitor's name. */
export interface Csrf {
  /** The token that the forms of a page carry. It is bound to the browser and to its session. */
  tokenFor(request: FastifyRequest, reply: FastifyReply, sessionId: string | null): string;
  /** Refuses a form that another site, or nobody, made. */
  check(request: FastifyRequest, sessionId: string | null, token: string): void;
}

/** The name of the hidden field. */
export const csrfField = '_csrf';

const cookieName = 'csrf';

/**
 * Makes the tokens: an HMAC over a random cookie and the id of the session. A site on a neighbouring domain that plants a
 * cookie cannot make the token to it. Beside the token the origin must be ours, where the browser tells it.
 */
export function createCsrf({ origin, secret }: { readonly origin: string; readonly secret: Uint8Array }): Csrf {
  const secure = origin.startsWith('https:');
  /** Cookies that were given out with the answer to this very request. */
  const fresh = new WeakMap<FastifyRequest, string>();
  const tokenOf = (cookie: string, sessionId: string | null): string =>
    createHmac('sha256', secret)
      .update(`${cookie}\n${sessionId ?? ''}`)
      .digest('base64url');

  return {
    tokenFor(request, reply, sessionId) {
      let cookie = fresh.get(request) ?? readCookie(request, cookieName);
      if (cookie === undefined || !/^[\w-]{43}$/.test(cookie)) {
        cookie = randomBytes(32).toString('base64url');
        fresh.set(request, cookie);
        writeCookie(reply, cookieName, cookie, { secure });
      }
      return tokenOf(cookie, sessionId);
    },

    check(request, sessionId, token) {
      const told = request.headers.origin;
      const site = request.headers['sec-fetch-site'];
      if (told !== undefined && told !== origin) throw refused(`this site is at ${origin}`);
      if (told === undefined && site !== undefined && site !== 'same-origin' && site !== 'none') throw refused();
      const cookie = readCookie(request, cookieName);
      const expected = Buffer.from(tokenOf(cookie ?? '', sessionId));
      const given = Buffer.from(token);
      if (cookie === undefined || given.length !== expected.length || !timingSafeEqual(given, expected))
        throw refused();
    },
  };
}

/** `expose` says that the message is meant for the visitor. */
function refused(why = 'the form was too old; load the page again'): Error {
  return Object.assign(new Error(`Not accepted: ${why}`), { status: 403, expose: true });
}

/**
 * The headers of every page. Nothing runs and nothing is framed; styles and pictures come from here alone. Chromium holds
 * `form-action` against where a form leads in the end, so Stripe's pages are named.
 */
export function securityHeaders(origin: string): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "style-src 'self'",
      "img-src 'self'",
      "form-action 'self' https://checkout.stripe.com https://billing.stripe.com",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    // The origin of a form is told to ourselves, and links with tokens are told to nobody else.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(origin.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}
