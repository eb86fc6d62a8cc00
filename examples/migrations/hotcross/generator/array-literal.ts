/**
 * Writes a list as a PostgreSQL array literal. One text per column is the fastest way to bring many rows in without
 * COPY, and it works on every driver when cast by way of text: `$1::text::uuid[]`.
 */
export function arrayLiteral(list: readonly (string | number | boolean | null)[]): string {
  return `{${list.map(element).join(',')}}`;
}

function element(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  return plain.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Begins with a character that NULL does not begin with, or could not be read as it. */
const plain = /^(?!null$)[\w/:.-]+$/i;
