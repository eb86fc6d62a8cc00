/** Text that is HTML already. Only {@link html} makes it, so that nothing else comes into a page unescaped. */
export interface Html {
  readonly markup: string;
}

/** What can stand in a template. Nothing is written for false, null and undefined. */
export type HtmlValue = string | number | Html | false | null | undefined | readonly HtmlValue[];

const made = new WeakSet<object>();

/** Writes HTML: whatever is put in is escaped, unless it is HTML of this function's own. Attributes want quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const [first = '', ...rest] = parts;
  return seal(rest.reduce((markup, part, index) => `${markup}${textOf(values[index])}${part}`, first));
}

function textOf(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return '';
  if (typeof value === 'string') return escaped(value);
  if (typeof value === 'number') return String(value);
  if (isList(value)) return value.map(textOf).join('');
  return made.has(value) ? value.markup : '';
}

function isList(value: Html | readonly HtmlValue[]): value is readonly HtmlValue[] {
  return Array.isArray(value);
}

function seal(markup: string): Html {
  const sealed = Object.freeze({ markup });
  made.add(sealed);
  return sealed;
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
