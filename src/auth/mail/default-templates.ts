import type { MailContent, MailTemplates } from './mail.ts';

/** What the mails name, and where their links lead. */
export interface TemplateOptions {
  /** The name of the product. */
  readonly product: string;
  /** The address of the page for each token. */
  readonly links: { readonly verify: string; readonly reset: string; readonly change: string };
  /**
   * Where the token stands in a link. `fragment`, when absent, is `#token=…`: it reaches no server, no log and no `Referer`,
   * and a script of the page hands it on by POST. `query` is `?token=…`, for pages that work without JavaScript: keep it
   * out of your logs, send `Referrer-Policy: no-referrer` or `same-origin`, and let nothing of others load on that page.
   * In both the page only shows a form, since scanners of mail follow links.
   */
  readonly tokenIn?: 'fragment' | 'query';
}

/**
 * Makes plain templates in English; spread them and replace those that should be others.
 *
 * @example
 * ```ts
 * import { defaultTemplates } from 'tenantry/auth';
 *
 * const links = {
 *   verify: 'https://app.example.com/verify',
 *   reset: 'https://app.example.com/reset',
 *   change: 'https://app.example.com/change',
 * };
 * const templates = { ...defaultTemplates({ product: 'Acme', links }) };
 * ```
 */
export function defaultTemplates({ product, links, tokenIn = 'fragment' }: TemplateOptions): MailTemplates {
  const greeting = (name: string | null): string => (name === null ? 'Hello,' : `Hello ${name},`);
  const until = (time: Date): string => `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const linkOf = (page: string, token: string): string => {
    const mark = tokenIn === 'fragment' ? '#' : page.includes('?') ? '&' : '?';
    return `${page}${mark}token=${encodeURIComponent(token)}`;
  };
  const ifNot = 'If this was not you, ignore this mail; nothing changes.';
  return {
    verify: ({ name, token, expiresAt }) =>
      content(`Confirm your address for ${product}`, [
        greeting(name),
        `confirm that this address is yours, until ${until(expiresAt)}:`,
        { link: linkOf(links.verify, token) },
        ifNot,
      ]),
    reset: ({ name, token, expiresAt }) =>
      content(`Choose a new password for ${product}`, [
        greeting(name),
        `choose a new password here, once, until ${until(expiresAt)}:`,
        { link: linkOf(links.reset, token) },
        ifNot,
      ]),
    change: ({ name, token, expiresAt }) =>
      content(`Confirm your new address for ${product}`, [
        greeting(name),
        `confirm that your account is to have this address, until ${until(expiresAt)}:`,
        { link: linkOf(links.change, token) },
        ifNot,
      ]),
    exists: ({ name }) =>
      content(`You have an account at ${product}`, [
        greeting(name),
        `somebody signed up at ${product} with this address, which has an account already. Log in, or choose a new password.`,
        ifNot,
      ]),
    passwordChanged: ({ name }) =>
      content(`Your password for ${product} was changed`, [
        greeting(name),
        'your password was changed. If this was not you, choose a new one at once.',
      ]),
    emailChanged: ({ name }) =>
      content(`Your address for ${product} was changed`, [
        greeting(name),
        'your account has another address now. If this was not you, write to us at once.',
      ]),
  };
}

function content(subject: string, parts: readonly (string | { readonly link: string })[]): MailContent {
  const text = parts.map((part) => (typeof part === 'string' ? part : part.link)).join('\n\n');
  const html = parts.map((part) => {
    if (typeof part === 'string') return `<p>${escaped(part)}</p>`;
    return `<p><a href="${escaped(part.link)}">${escaped(part.link)}</a></p>`;
  });
  return { subject, text: `${text}\n`, html: html.join('\n') };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? '');
}
