import { type Change, isOf } from './draft.ts';
import { mergeSince } from './merge-since.ts';
import type { Returning } from './return-people.ts';
import { keyColumns, keyOf, type Records, type TableName, tableNames } from './rows.ts';

/** Takes back every change that the journal tells of, and keeps what was written since. */
export function returnChanges(returning: Returning): void {
  for (const table of tableNames) {
    for (const change of returning.changes) {
      if (isOf(change, table)) returnChange(returning, table, change);
    }
  }
  returnTenant(returning);
}

function returnChange<Table extends TableName>(
  returning: Returning,
  table: Table,
  { before, after, joined }: Change<Table>,
): void {
  const { draft, keep } = returning;
  const current = after === null ? undefined : draft.before(table, ...keyTexts(table, after));
  if (before === null) {
    if (current === undefined || after === null) return;
    const { since } = mergeSince(after, after, current);
    if (table === 'members' && since.length > 0) {
      keep({ table, key: keyOf(table, current), row: current, reason: `written since: ${since.join(', ')}` });
    }
    draft.drop(table, current);
    return;
  }
  const key = keyOf(table, before);
  if (isMemberElsewhere(returning, before) && (after === null || joined || key !== keyOf(table, after))) {
    // Whoever came back by another way since is a member there already.
    if (after !== null && !joined && current !== undefined) draft.drop(table, current);
    keep({ table, key, row: before, reason: 'its place was taken since' });
    return;
  }
  if (after === null || joined) {
    if (draft.get(table, ...keyTexts(table, before)) !== undefined) {
      keep({ table, key, row: before, reason: 'its place was taken since' });
      return;
    }
    draft.set(table, joined && after !== null ? apart(returning, table, before, after, current) : before);
    return;
  }
  if (current === undefined) {
    keep({ table, key, row: before, reason: 'was deleted since' });
    return;
  }
  const { row, since } = mergeSince(before, after, current);
  if (table === 'usage_counters' && key !== keyOf(table, after) && !returning.ending.has(after.tenant_id)) {
    leaveSince(returning, before, after, current);
    return;
  }
  // What was used since is counted on, which is nothing to be told.
  if (since.some((column) => column !== 'used'))
    keep({ table, key, row: current, reason: `written since: ${since.join(', ')}` });
  if (key === keyOf(table, after)) draft.set(table, row);
  else draft.carry(table, current, row);
}

/** Whether a user who is to be a member again is one with another id. */
function isMemberElsewhere({ draft }: Returning, before: Records[TableName]): boolean {
  if (!('user_id' in before && 'status' in before)) return false;
  const there = draft.memberOf(before.tenant_id, before.user_id);
  return there !== undefined && there.id !== before.id;
}

function keyTexts<Table extends TableName>(table: Table, row: Records[Table]): string[] {
  return keyColumns[table].map((column) => String(row[column]));
}

/**
 * A row that was joined with another stands by itself again. A member who was let go or given another role since is so in
 * both; what was used since stays where it was used.
 */
function apart<Table extends TableName>(
  { keep }: Returning,
  table: Table,
  before: Records[Table],
  after: Records[Table],
  current: Records[Table] | undefined,
): Records[Table] {
  if (table !== 'members' || current === undefined) return before;
  const { row, since } = mergeSince(before, after, current);
  const taken = since.filter((column) => column === 'role' || column === 'status');
  if (taken.length === 0) return before;
  const told = { table, key: keyOf(table, before), row: current };
  keep({ ...told, reason: `written since, and taken over: ${taken.join(', ')}` });
  const changes = Object.fromEntries([...taken, 'updated_at'].map((column) => [column, Reflect.get(row, column)]));
  return { ...before, ...changes };
}

/** A counter that went to a tenant which stays: what was used there since remains there. */
function leaveSince(
  { draft }: Returning,
  before: Records['usage_counters'] | Records[TableName],
  after: Records[TableName],
  current: Records[TableName],
): void {
  if (!('used' in before && 'used' in after && 'used' in current)) return;
  const since = Math.max(0, current.used - after.used);
  if (since === 0) draft.drop('usage_counters', current);
  else draft.set('usage_counters', { ...current, used: since });
  draft.set('usage_counters', before);
}

/** What became of the default target since is taken over by the old tenant when the target ends with the unit. */
function returnTenant({ draft, changes, oldTenantId, mainTenantId, ending, now, keep }: Returning): void {
  for (const change of changes) {
    if (!isOf(change, 'tenants') || change.before === null) continue;
    const tenant = draft.get('tenants', change.before.tenant_id);
    const revision = draft.before('tenants', change.before.tenant_id)?.entitlement_revision ?? 0;
    if (tenant !== undefined) draft.set('tenants', { ...tenant, entitlement_revision: revision + 1 });
  }
  const made = changes.find(
    (change): change is Change<'tenants'> => isOf(change, 'tenants') && change.after?.tenant_id === mainTenantId,
  );
  const current = draft.before('tenants', mainTenantId);
  const old = draft.get('tenants', oldTenantId);
  if (!ending.has(mainTenantId) || made?.after === null || made === undefined || !current || !old) return;
  const { since } = mergeSince(made.after, made.after, current);
  const taken = since.filter((column) => ['status', 'plan', 'subscription_status', 'anchor_at'].includes(column));
  if (taken.length === 0) return;
  const changed = Object.fromEntries(taken.map((column) => [column, Reflect.get(current, column)]));
  draft.set('tenants', { ...old, ...changed, updated_at: now });
  const reason = `written since, and taken over by ${oldTenantId}: ${taken.join(', ')}`;
  keep({ table: 'tenants', key: keyOf('tenants', current), row: current, reason });
}
