import type { InspectedReference } from './inspection.ts';
import { isActor } from './names.ts';

/** Where a reference leads and how well, as the beginning of a sentence. */
export function describe({
  columns,
  target,
  constraint,
  empty,
  dangling,
  nullable,
  sampled,
  found,
}: InspectedReference): string {
  const name = `"${columns.join(', ')}"`;
  const lost = [empty > 0 ? `empty on ${empty} rows` : '', dangling > 0 ? `leading nowhere on ${dangling}` : ''].filter(
    Boolean,
  );
  const filled =
    lost.length > 0
      ? `, ${lost.join(' and ')}`
      : nullable
        ? ', filled on all rows though it may be empty'
        : ', never empty';
  if (constraint !== null) return `${name} is a foreign key to "${target}"${filled}`;
  const seen =
    sampled === 0
      ? 'by its name (there are no values to look up)'
      : `${found} of ${sampled} values looked up are found there`;
  return `${name} leads to "${target}" without a foreign key: ${seen}${lost.length > 0 ? filled : ''}`;
}

/** How sure it is that a reference says whose a row is, from 0 to 1. */
export function stepConfidence({ constraint, columns, nullable, sampled, found }: InspectedReference): number {
  const base = constraint !== null ? (nullable ? 0.93 : 0.98) : sampled === 0 ? 0.4 : 0.85 * (found / sampled);
  return isActor(columns) ? base * 0.6 : base;
}
