import { type FindingCode, findingCodes } from './finding-codes.ts';

/**
 * How bad a finding is: an `error` lets a tenant reach what is another's; a `warning` does so with one more mistake, or
 * makes isolation slow or fragile; an `info` is a hint.
 */
export type Severity = 'error' | 'warning' | 'info';

/** One hole that {@link doctor} found. */
export interface Finding {
  /** The kind of hole, stable over releases. */
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Where it is, such as `public.notes`, `public.notes.notes_slug_key` or `role my_app`. */
  readonly object: string;
  /** What was found there, in one sentence. */
  readonly what: string;
  /** Why it matters, in one sentence, the same for every finding of this code. */
  readonly why: string;
  /**
   * The SQL that mends it, one statement each, in order, without semicolons; empty where no SQL can. Read it before it is
   * run: it does what is right in the usual case.
   */
  readonly mend: readonly string[];
}

/** Makes a finding; severity and reason come from the table of codes. */
export function findingOf(code: FindingCode, object: string, what: string, mend: readonly string[]): Finding {
  const { severity, why } = findingCodes[code];
  return { code, severity, object, what, why, mend };
}
