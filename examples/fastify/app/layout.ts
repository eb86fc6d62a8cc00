import { type Html, type HtmlValue, html } from './html.ts';

/** A page before it is put into its frame. */
export interface View {
  readonly title: string;
  readonly body: HtmlValue;
  readonly status?: number;
  /** What stands beside the title, such as a button. */
  readonly aside?: HtmlValue;
  /** A page of one form stands narrow in the middle. */
  readonly narrow?: boolean;
}

/** What stands around a page. */
export interface Frame {
  /** The organization, where there is one. */
  readonly organization?: string | undefined;
  readonly links: readonly NavLink[];
  /** Where a visitor logs in or out. */
  readonly account: HtmlValue;
  /** What must be seen on each page, such as that somebody acts as another. */
  readonly banner?: HtmlValue;
  /** What was just done. */
  readonly note?: string | undefined;
  /** Why a form was refused. */
  readonly problem?: string | undefined;
}

/** A link of the menu. */
export interface NavLink {
  readonly href: string;
  readonly text: string;
  readonly current: boolean;
  /** The outline of its sign, 24 by 24. */
  readonly sign: string;
}

/** Writes a whole page. */
export function documentOf({ title, body, aside, narrow = false }: View, frame: Frame): Html {
  const { organization, links, account, banner, note, problem } = frame;
  const menu = links.map(
    ({ href, text, current, sign }) => html`<li><a href="${href}"${current && html` aria-current="page"`}>
<svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d="${sign}"/></svg>${text}</a></li>`,
  );
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${problem !== undefined && 'Error: '}${title} – Receptionist</title>
<link rel="stylesheet" href="/assets/style.css"><link rel="icon" href="/assets/icon.svg" type="image/svg+xml"></head>
<body><a class="skip" href="#main">Skip to the content</a>
${banner}
<header><div class="bar"><a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="28" height="28">Receptionist</a>
${organization !== undefined && html`<span class="organization" title="${organization}">${organization}</span>`}
<div class="account">${account}</div></div></header>
<div class="${links.length > 0 ? 'shell' : 'shell bare'}">
${links.length > 0 && html`<nav aria-label="Main"><ul>${menu}</ul></nav>`}
<main id="main" tabindex="-1"${narrow && html` class="narrow"`}><div class="title"><h1>${title}</h1>${aside}</div>
${note !== undefined && html`<p class="note" role="status">${note}</p>`}
${problem !== undefined && html`<p class="error" role="alert">${problem}</p>`}
${body}</main></div>
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
  'link-sent': 'A mail with a link is on its way.',
  'password-set': 'The password was changed. Log in with it.',
  'password-changed': 'The password was changed. You are logged out everywhere else.',
  verified: 'Your address is confirmed.',
  'email-changed': 'You have another address now. Log in with it from now on.',
  'logged-out': 'Logged out there.',
  'setup-done': 'Everything is set up.',
};
