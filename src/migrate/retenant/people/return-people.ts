import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import { readLibraryTables } from '../rows/library-tables.ts';
import { returnRows } from '../rows/return-rows.ts';
import type { MemberKey, ReturningRows } from '../rows/returning.ts';
import type { RowModel } from '../rows/table.ts';
import { forgetUnit } from '../store.ts';
import { type Change, createDraft, isOf } from './draft.ts';
import { countHeldSeats } from './held-seats.ts';
import { forgetJournal, type KeptRow, readJournal, type UnitName, writeKept } from './journal.ts';
import { loadJournalled } from './load-journalled.ts';
import { lockPeople } from './load-people.ts';
import { returnChanges } from './return-changes.ts';
import { returnLeftovers } from './return-leftovers.ts';
import { keyColumns, keyOf, type TableName, tableNames } from './rows.ts';
import { timeText } from './work.ts';
import { type Outcome, outcomeOf, writeGone, writeMade } from './write-changes.ts';

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

/** People who are back while what they leave is still there. */
export interface PeopleBack {
  readonly kept: readonly KeptRow[];
  readonly outcome: Outcome;
  readonly oldTenantId: string;
  readonly tenantIds: readonly string[];
  readonly ending: readonly string[];
  readonly members: ReturningRows['members'];
  readonly memberless: boolean;
}

/**
 * Returns what {@link movePeople} did: every row is again what it was, with what was written to it since. What was made
 * since in a tenant that ends now goes to the old one; what has no place there is kept and reported, and opens nothing.
 * Units that share a target are returned in the reverse of their order.
 *
 * Only the revision of entitlements counts on, so that no process holds a newer one to be older.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { returnPeople } from 'tenantry/migrate';
 *
 * async function takeBack(db: Kysely<Record<string, never>>): Promise<void> {
 *   const unit = { retenanting: 'acme-buys-beta', unit: 'beta' };
 *   await db.transaction().execute((tx) => returnPeople(tx, { ...unit, now: new Date() }));
 * }
 * ```
 */
export async function returnPeople(
  tx: AnyDatabase,
  { now, ...name }: UnitName & { readonly now: Date },
): Promise<ReturnedPeople> {
  const back = await bringPeopleBack(tx, { ...name, now });
  if (back === undefined) return { returned: false, kept: [] };
  const library = await readLibraryTables(tx, { name: name.retenanting, to: { tenantKind: 'organization' } });
  const model = { ...library, name: name.retenanting, schema: 'public' };
  const { kept } = await returnRows(tx, model, { ...name, ...back });
  const rest = await endPeopleBack(tx, model, back, now);
  const all = [...back.kept, ...kept, ...rest];
  await writeKept(tx, name, all);
  await forgetJournal(tx, name);
  await forgetUnit(tx, name);
  return { returned: true, kept: all };
}

/**
 * Makes again what people left, and changes back what they changed. What they leave is still there.
 *
 * @param halfway The unit was interrupted before what it left had ended.
 */
export async function bringPeopleBack(
  tx: AnyDatabase,
  { now, halfway = false, ...name }: UnitName & { readonly now: Date; readonly halfway?: boolean },
): Promise<PeopleBack | undefined> {
  const journal = await readJournal(tx, name);
  if (journal === undefined) return undefined;
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
  if (halfway) dropLeft(returning);
  returnChanges(returning);
  returnLeftovers(returning);
  const back = draft.changes();
  const outcome = outcomeOf([back]);
  await writeMade(tx, outcome);
  const memberless = draft.get('tenants', oldTenantId)?.kind !== 'organization';
  return { kept, outcome, oldTenantId, tenantIds, ending, members: membersOf(back), memberless };
}

/** Ends what people left behind, and keeps what would end with it and stands nowhere else. */
export async function endPeopleBack(
  tx: AnyDatabase,
  model: RowModel,
  { outcome, oldTenantId, tenantIds, ending }: PeopleBack,
  now: Date,
): Promise<readonly KeptRow[]> {
  const targets = tenantIds.map((tenantId) => ({ tenantId }));
  const [first = { tenantId: oldTenantId }, ...others] = targets;
  await countHeldSeats(tx, [{ oldTenantId, targets: [first, ...others] }], now);
  const kept = await keepRest(tx, model, ending);
  await writeGone(tx, outcome);
  return kept;
}

/** Rows that were about to end and did not are what they were. */
function dropLeft({ draft, changes }: Returning): void {
  for (const change of changes) {
    const drop = <Table extends TableName>(table: Table, { before, after, joined }: Change<Table>): void => {
      if (before === null || (after !== null && !joined && keyOf(table, before) === keyOf(table, after))) return;
      const standing = draft.get(table, ...keyColumns[table].map((column) => String(before[column])));
      if (standing !== undefined) draft.drop(table, standing);
    };
    for (const table of tableNames) if (isOf(change, table)) drop(table, change);
  }
}

function membersOf(changes: readonly Change[]): ReturningRows['members'] {
  const members = changes.flatMap((change) => (isOf(change, 'members') && change.before !== null ? [change] : []));
  const keys = (gone: boolean): MemberKey[] =>
    members.flatMap(({ before, after }) => {
      if (before === null || (after === null) !== gone || after?.tenant_id === before.tenant_id) return [];
      return [{ tenantId: before.tenant_id, id: before.id }];
    });
  return { moved: keys(false), gone: keys(true) };
}

/** Rows of tables that stay with a tenant, or that nobody knows, end with a tenant that was made: they are kept whole. */
async function keepRest(tx: AnyDatabase, model: RowModel, ending: readonly string[]): Promise<KeptRow[]> {
  if (ending.length === 0) return [];
  const kept: KeptRow[] = [];
  for (const { name, sql } of [...model.staying, ...model.unknown]) {
    const found = await execute<{ key: string; row: unknown }>(
      tx,
      `select md5(to_jsonb(x)::text) as key, to_jsonb(x) as row from ${sql} x where x.tenant_id = any($1::uuid[])`,
      [[...ending]],
    );
    const reason = 'made since in a tenant that ends';
    kept.push(...found.rows.map((row) => ({ ...row, table: name, reason })));
  }
  return kept;
}
