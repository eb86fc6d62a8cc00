const namePattern = /^[a-z0-9_]+(\.[a-z0-9_]+){0,5}$/;
const filterPattern = /^(?:\*|[a-z0-9_]+)(?:\.(?:\*|[a-z0-9_]+)){0,5}$/;

/** Tells whether a text can be the type of an event: one to six words of lower-case letters, digits and `_`. */
export function isEventName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 128 && namePattern.test(text);
}

/** Tells whether a text can be a filter: the words of a type, any of which may be `*`. */
export function isEventFilter(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 128 && filterPattern.test(text);
}

/**
 * All filters that a type of event goes through. `*` stands for one word, and in the last place for one or more: so a type
 * has few filters, and a database finds who wants it by comparing two lists.
 */
export function filtersOf(type: string): readonly string[] {
  const words = type.split('.');
  let starts = [''];
  const filters: string[] = [];
  for (const [index, word] of words.entries()) {
    const dot = index === 0 ? '' : '.';
    filters.push(...starts.map((start) => `${start}${dot}*`));
    starts = starts.flatMap((start) => [`${start}${dot}${word}`, `${start}${dot}*`]);
  }
  return [...new Set([...filters, ...starts])];
}

/**
 * Tells whether a type goes through a filter.
 *
 * @example
 * ```ts
 * import { matchesFilter } from 'tenantry/webhooks/delivery';
 *
 * matchesFilter('order.paid', 'order.*'); // true
 * matchesFilter('order.paid', 'bot.created'); // false
 * ```
 */
export function matchesFilter(type: string, filter: string): boolean {
  return filtersOf(type).includes(filter);
}
