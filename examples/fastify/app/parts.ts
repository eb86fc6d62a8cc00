import { timeText, titleText } from './format.ts';
import { type Html, type HtmlValue, html } from './html.ts';

/** A part of a page with a heading of its own. */
export function card(title: string, body: HtmlValue): Html {
  return html`<section class="card"><h2>${title}</h2>${body}</section>`;
}

/** The head of a column; figures stand to the right. */
export type Head = string | { readonly figure: string };

/** A table. Its caption is for those who do not see the heading over it. What is empty says so, and what to do. */
export function table(
  caption: string,
  heads: readonly Head[],
  rows: readonly (readonly HtmlValue[])[],
  empty: HtmlValue = 'Nothing yet.',
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const kinds = heads.map((head) => typeof head !== 'string' && html` class="figure"`);
  const names = heads.map((head) => (typeof head === 'string' ? head : head.figure));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${names.map((name, at) => html`<th scope="col"${kinds[at]}>${name}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map((cell, at) => html`<td${kinds[at]}>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

/** Figures that are seen at a glance, each with what it is of. */
export function figures(all: readonly (readonly [name: string, figure: HtmlValue, more?: HtmlValue])[]): Html {
  return html`<dl class="figures">${all.map(
    ([name, figure, more]) =>
      html`<div><dt>${name}</dt><dd>${figure}</dd>${more !== undefined && html`<dd class="more">${more}</dd>`}</div>`,
  )}</dl>`;
}

/** How much of something is used, as a bar. It changes its colour where little is left. */
export function meter(id: string, used: number, limit: number | 'unlimited'): HtmlValue {
  if (limit === 'unlimited') return null;
  const high = Math.floor(limit * 0.8);
  return html`<meter id="${id}" min="0" max="${Math.max(limit, 1)}" high="${high}" optimum="0" value="${used}"></meter>`;
}

const tones: readonly (readonly [tone: string, words: readonly string[]])[] = [
  [
    'good',
    [
      'active',
      'answered',
      'confirmed',
      'delivered',
      'done',
      'healthy',
      'order',
      'paid',
      'succeeded',
      'this one',
      'whole',
    ],
  ],
  ['warn', ['open', 'paused', 'pending', 'past_due', 'retrying', 'skipped', 'trialing', 'unconfirmed', 'waiting']],
  ['bad', ['broken', 'disabled', 'exhausted', 'failed', 'failing', 'missed', 'revoked', 'suspended', 'unpaid', 'void']],
];

/** A word for a state, in a colour of its own. */
export function badge(state: string): Html {
  const tone = tones.find(([, words]) => words.includes(state))?.[0] ?? 'plain';
  return html`<span class="badge ${tone}">${titleText(state)}</span>`;
}

/** A moment in a table. */
export function when(time: Date | null): HtmlValue {
  return time === null ? '–' : html`<time datetime="${time.toISOString()}">${timeText(time)}</time>`;
}

/** A name for a button that stands in many rows: what it does is read, and to what by those who do not see the row. */
export function named(does: string, what: string): Html {
  return html`${does}<span class="hidden"> ${what}</span>`;
}

/** What cannot be undone is asked for twice: the form opens behind its name. It needs no script. */
export function sure(name: HtmlValue, what: string, form: HtmlValue): Html {
  return html`<details class="sure"><summary>${name}</summary><div><p>${what}</p>${form}</div></details>`;
}

/** A link to what comes after a page of a list. */
export function nextPage(path: string, cursor: string | null, text: string, list = 'after'): HtmlValue {
  const mark = path.includes('?') ? '&' : '?';
  return cursor !== null && html`<p><a href="${path}${mark}${list}=${encodeURIComponent(cursor)}">${text}</a></p>`;
}

/** The page of a list that an address asks for. */
export function pageOf({ query }: { readonly query: unknown }, list = 'after'): { readonly cursor: string | null } {
  const { [list]: after }: Record<string, unknown> = Object(query);
  return { cursor: typeof after === 'string' ? after : null };
}
