import { type Html, type HtmlValue, html } from './html.ts';
import { csrfField } from './security.ts';

/** The fields of a form as they came. */
export type Fields = (name: string) => string;

/** A form that was not accepted: what was entered, why it was refused, and by which field where one is to blame. */
export interface Tried {
  readonly problem: string;
  readonly field: string | undefined;
  readonly fields: Fields;
}

/** A line of a form. */
export interface FieldOptions {
  readonly name: string;
  readonly label: string;
  /** `lines` is a text of several lines. */
  readonly type?: 'text' | 'lines' | 'search' | 'email' | 'password' | 'tel' | 'url' | 'number';
  readonly value?: string;
  readonly hint?: string;
  readonly autocomplete?: string;
  readonly required?: boolean;
  /** The most characters that are taken. */
  readonly most?: number;
  readonly tried?: Tried | undefined;
}

/** Writes a field with its label. What was entered before stays, but for passwords; a problem stands beside its field. */
export function field(options: FieldOptions): Html {
  const { name, label, type = 'text', hint, autocomplete, required = true, most, tried } = options;
  const value = type === 'password' ? '' : (tried?.fields(name) ?? options.value ?? '');
  const wrong = tried?.field === name;
  const told = [wrong && `${name}-problem`, hint !== undefined && `${name}-hint`].filter((id) => id !== false);
  const attributes = html`id="${name}" name="${name}"${autocomplete !== undefined && html` autocomplete="${autocomplete}"`}
${told.length > 0 && html` aria-describedby="${told.join(' ')}"`}${most !== undefined && html` maxlength="${most}"`}
${wrong && html` aria-invalid="true"`}${required && html` required`}`;
  return html`<p class="field"><label for="${name}">${label}${!required && type !== 'search' && html` <span class="hint">(optional)</span>`}</label>
${hint !== undefined && html`<span class="hint" id="${name}-hint">${hint}</span>`}
${wrong && html`<span class="problem" id="${name}-problem">${tried.problem}</span>`}
${
  // A browser drops the first line break of a text.
  type === 'lines'
    ? html`<textarea rows="3" ${attributes}>\n${value}</textarea>`
    : html`<input type="${type}" value="${value}" ${attributes}>`
}</p>`;
}

/** Writes a choice with its label. */
export function choice(options: {
  readonly name: string;
  readonly label: string;
  /** What is sent, and what is read. */
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly value?: string;
  readonly tried?: Tried | undefined;
  /** Tells fields apart where a page has several of one name. */
  readonly id?: string;
}): Html {
  const { name, label, options: all, tried, id = name } = options;
  const chosen = tried?.fields(name) ?? options.value ?? '';
  return html`<p class="field"><label for="${id}">${label}</label>
<select id="${id}" name="${name}">${all.map(
    ([value, text]) => html`<option value="${value}"${value === chosen && html` selected`}>${text}</option>`,
  )}</select></p>`;
}

/** Makes forms that carry the page's token. */
export type MakeForm = (action: string, submit: HtmlValue, content?: HtmlValue, look?: 'plain' | 'danger') => Html;

/** Makes what makes the forms of a page. */
export function formsWith(token: string): MakeForm {
  return (action, submit, content, look) => html`<form method="post" action="${action}"${
    content === undefined && html` class="inline"`
  }>
<input type="hidden" name="${csrfField}" value="${token}">${content}
<button type="submit"${look !== undefined && html` class="${look}"`}>${submit}</button></form>`;
}
