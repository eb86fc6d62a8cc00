import type { InspectedColumn } from './inspection.ts';
import { wordsOf } from './names.ts';

const textual = /^(text|character varying|character|citext)$/;

/** Whether a column is named like the digest of an API key. */
export function isDigest({ name, base }: InspectedColumn): boolean {
  const words = wordsOf(name);
  const key = words.includes('key') || words.includes('apikey') || (words.includes('api') && words.includes('token'));
  return textual.test(base) && key && words.some((word) => /^(hash|hashed|digest|sha256)$/.test(word));
}
