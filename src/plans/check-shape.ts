import { TenantryError } from '../core/index.ts';

/** Refuses a catalogue at a path. */
export function refuse(path: string, problem: string): never {
  throw new TenantryError('config_invalid', { path, problem });
}

/** A name begins with a letter. */
export function nameOf(path: string, name: string): void {
  if (!/^[a-z][a-z0-9_.-]{0,62}$/i.test(name)) {
    refuse(path, 'a name begins with a letter, then letters, digits, "_", "." or "-", 63 characters at most');
  }
}

/** One of a few words. */
export function oneOf(path: string, value: unknown, choices: readonly string[]): void {
  if (typeof value !== 'string' || !choices.includes(value)) {
    refuse(path, `must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
  }
}

/** A whole number within bounds. */
export function whole(path: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    refuse(path, `must be a whole number from ${least} to ${most}, not ${String(value)}`);
  }
}

/** A list without doubles. */
export function listOf(path: string, value: unknown, check: (path: string, item: unknown) => void): void {
  if (!Array.isArray(value)) refuse(path, 'must be a list');
  const seen = new Set<unknown>();
  value.forEach((item: unknown, index) => {
    const at = `${path}[${index}]`;
    check(at, item);
    if (seen.has(item)) refuse(at, `"${String(item)}" is named twice`);
    seen.add(item);
  });
}

/** A plain object with no keys but these. */
export function fields(path: string, value: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  const object = record(path, value);
  for (const key of Object.keys(object)) {
    if (!known.includes(key)) refuse(`${path}.${key}`, `is not known here (known: ${known.join(', ')})`);
  }
  return object;
}

/** A plain object. */
export function record(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) refuse(path, 'must be an object');
  return value;
}

/** Tells whether a value is an object and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
