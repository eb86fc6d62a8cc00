import { TenantryError } from '../../../core/index.ts';
import { filtersOf, isEventFilter } from './event-patterns.ts';

/** Another name for a family of events: `{ from: 'organization.*', to: 'user.*' }`. */
export interface EventRename {
  /** A type, or a family that ends in `.*`. */
  readonly from: string;
  /** The same kind: what it is called now. */
  readonly to: string;
  /** Until when both names are sent, whichever is published; without an end when absent. */
  readonly until?: Date;
}

/** What the renames of a catalogue make of a type. */
export interface Renames {
  /** The types to send for one that is published. */
  readonly typesFor: (type: string, now: Date) => readonly string[];
  /** All names of a type, and of each whether it is an old one; nothing where there is but one. */
  readonly namesOf: (type: string) => readonly (readonly [string, boolean])[];
  readonly newNameOf: (type: string) => string;
}

/**
 * Reads renames. A published event is sent under its new name, and until `until` under the old one as well: as two
 * messages, so that who listens to one name has it once.
 *
 * @throws TenantryError `config_invalid`.
 */
export function createRenames(renames: readonly EventRename[]): Renames {
  for (const { from, to } of renames) {
    const families = from.endsWith('.*') && to.endsWith('.*');
    const plain = !from.includes('*') && !to.includes('*');
    const inner = [from, to].every((one) => isEventFilter(one) && !one.slice(0, -1).includes('*'));
    if (from === to || !inner || !(families || plain)) {
      const problem = `"${from}" to "${to}" must be two types, or two families such as "organization.*"`;
      throw new TenantryError('config_invalid', { path: 'defineEvents.renames', problem });
    }
  }

  /** The old and the new name of a type, with the rename that says so. */
  function pairOf(type: string): { readonly old: string; readonly now: string; readonly rename: EventRename } | null {
    for (const rename of renames) {
      const { from, to } = rename;
      if (filtersOf(type).includes(to)) return { old: swap(type, to, from), now: type, rename };
      if (filtersOf(type).includes(from)) return { old: type, now: swap(type, from, to), rename };
    }
    return null;
  }

  return {
    typesFor(type, now) {
      const pair = pairOf(type);
      if (pair === null) return [type];
      const { until } = pair.rename;
      return until === undefined || now < until ? [pair.now, pair.old] : [pair.now];
    },
    namesOf(type) {
      const pair = pairOf(type);
      return pair === null
        ? []
        : [
            [pair.now, false],
            [pair.old, true],
          ];
    },
    newNameOf: (type) => pairOf(type)?.now ?? type,
  };
}

/** Puts one family's words in the place of another's. */
function swap(type: string, from: string, to: string): string {
  return from.endsWith('*') ? `${to.slice(0, -1)}${type.slice(from.length - 1)}` : to;
}
