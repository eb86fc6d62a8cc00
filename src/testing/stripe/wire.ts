/** A JSON value as Stripe sends it. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [field: string]: Value };

/** A JSON object as Stripe sends it. */
export type Wire = Readonly<Record<string, unknown>>;

/** Whether a value is an object with fields. */
export function isHash(value: Value | undefined): value is { readonly [field: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
