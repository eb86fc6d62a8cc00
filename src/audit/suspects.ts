import { auditHash } from './canonical.ts';

/** An entry whose hash does not follow from the entry that stands before it. */
export interface Suspect {
  readonly id: string;
  readonly sequence: number;
  readonly hash: string;
  readonly canonical: string;
  /** The hashes that were tried. */
  readonly before: readonly string[];
}

/**
 * Tells of each suspect whether it was changed (`from` is null), or is whole and stood elsewhere, or is whole and stands
 * where it always did (`from` is its own sequence): its neighbour is what was moved. An entry is whole when its hash
 * follows at some place from the hash of some entry among the suspects or before them.
 */
export function settleSuspects(
  suspects: readonly Suspect[],
): readonly { readonly suspect: Suspect; readonly from: number | null }[] {
  const hashes = [...new Set(suspects.flatMap(({ hash, before }) => [hash, ...before]))];
  const sequences = suspects.map(({ sequence }) => sequence);
  return suspects.map((suspect) => {
    const { canonical, hash, sequence: here } = suspect;
    const places = [here, ...sequences.filter((sequence) => sequence !== here)];
    const from = places.find((sequence) =>
      hashes.some((previous) => auditHash({ previous, sequence, canonical }) === hash),
    );
    return { suspect, from: from ?? null };
  });
}
