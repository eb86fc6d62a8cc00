import { type Html, type HtmlValue, html } from './html.ts';

/** A page before it is put into its frame. */
export interface View {
  readonly title: string;
  readonly body: HtmlValue;
  readonly status?: number;
}

/** What stands around a page. */
export interface Frame {
  /** The organization, where there is one. */
  readonly organization?: string | undefined;
  readonly links: readonly { readonly href: string; readonly text: string; readonly current: boolean }[];
  /** Where a visitor logs in or out. */
  readonly account: HtmlValue;
  /** What must be seen on each page, such as that somebody acts as another. */
  readonly banner?: HtmlValue;
  /** What was just done. */
  readonly note?: string | undefined;
  /** Why a form was refused. */
  readonly problem?: string | undefined;
}

/** Writes a whole page. */
export function documentOf({ title, body }: View, frame: Frame): Html {
  const { organization, links, account, banner, note, problem } = frame;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${problem !== undefined && 'Error: '}${title} – Receptionist</title>
<link rel="stylesheet" href="/assets/style.css"><link rel="icon" href="/assets/icon.svg" type="image/svg+xml"></head>
<body><a class="skip" href="#main">Skip to the content</a>
${banner}
<header><div class="bar"><a class="brand" href="/">Receptionist</a>
${organization !== undefined && html`<span class="organization">${organization}</span>`}
<div class="account">${account}</div></div>
${
  links.length > 0 &&
  html`<nav aria-label="Main"><ul>${links.map(
    ({ href, text, current }) => html`<li><a href="${href}"${current && html` aria-current="page"`}>${text}</a></li>`,
  )}</ul></nav>`
}</header>
<main id="main" tabindex="-1"><h1>${title}</h1>
${note !== undefined && html`<p class="note" role="status">${note}</p>`}
${problem !== undefined && html`<p class="error" role="alert">${problem}</p>`}
${body}</main>
<footer><p>An example of tenantry. No phone rings, and no money moves.</p></footer></body></html>`;
}

/** What a page tells of the form before, by a word in its address; what is not listed is not told. */
export const notes: Readonly<Record<string, string>> = {
  saved: 'Saved.',
  added: 'Added.',
  removed: 'Removed.',
  called: 'The test call was taken.',
  invited: 'The invitation is on its way.',
  joined: 'Welcome to the team.',
  sent: 'Sent. The log tells what was answered.',
  paying: 'Your payment is being taken in. Load the page again in a moment.',
  paid: 'Thank you. Your plan is active.',
  changed: 'The plan was changed.',
  canceled: 'The subscription ends with the period that is paid.',
  resumed: 'The subscription goes on.',
  subscribed: 'The customer is on Enterprise, and gets an invoice.',
  refunded: 'The payment was given back.',
  'mail-sent': 'If the address has an account, a mail is on its way.',
  'password-set': 'The password was changed. Log in with it.',
  verified: 'Your address is confirmed.',
  'setup-done': 'Everything is set up.',
};
