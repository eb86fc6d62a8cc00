import type { AnyDatabase } from '../../../database/index.ts';
import { type Change, createDraft } from './draft.ts';
import { forgetJournal, type KeptRow, readJournal, type UnitName, writeKept } from './journal.ts';
import { loadJournalled } from './load-journalled.ts';
import { lockPeople } from './load-people.ts';
import { returnChanges } from './return-changes.ts';
import { returnLeftovers } from './return-leftovers.ts';
import { timeText } from './work.ts';
import { writeChanges } from './write-changes.ts';

/** What returning a unit did. */
export interface ReturnedPeople {
  /** Whether there was something to return. */
  readonly returned: boolean;
  /** What was written since and stands elsewhere now, or has no place; also in `tenantry.retenant_kept`. */
  readonly kept: readonly KeptRow[];
}

/** A unit that is being returned. */
export interface Returning {
  readonly draft: ReturnType<typeof createDraft>;
  readonly changes: readonly Change[];
  readonly oldTenantId: string;
  readonly mainTenantId: string;
  /** The tenants that the unit made, which end now. */
  readonly ending: ReadonlySet<string>;
  readonly now: string;
  keep(row: KeptRow): void;
}

/**
 * Returns what {@link movePeople} did: every row is again what it was, with what was written to it since. What was made
 * since in a tenant that ends now goes to the old one; what has no place there is kept and reported, and opens nothing.
 * Units that share a target are returned in the reverse of their order.
 *
 * Only the revision of entitlements counts on, so that no process holds a newer one to be older.
 */
export async function returnPeople(
  tx: AnyDatabase,
  { now, ...name }: UnitName & { readonly now: Date },
): Promise<ReturnedPeople> {
  const journal = await readJournal(tx, name);
  if (journal === undefined) return { returned: false, kept: [] };
  const { changes, unit } = journal;
  const { oldTenantId, mainTenantId } = unit;
  const ending = changes.flatMap(({ table, before, after }) =>
    table === 'tenants' && before === null && after !== null ? [after.tenant_id] : [],
  );
  const tenantIds = [...new Set([oldTenantId, ...unit.tenantIds])];
  const whole = [...new Set([oldTenantId, ...ending])];
  await lockPeople(tx, tenantIds, whole);
  const draft = createDraft(await loadJournalled(tx, changes, tenantIds, whole));
  const kept: KeptRow[] = [];
  const returning: Returning = {
    draft,
    changes,
    oldTenantId,
    mainTenantId,
    ending: new Set(ending),
    now: timeText(now),
    keep: (row) => kept.push(row),
  };
  returnChanges(returning);
  returnLeftovers(returning);
  await writeChanges(tx, draft.changes());
  await writeKept(tx, name, kept);
  await forgetJournal(tx, name);
  return { returned: true, kept };
}
