import { type Ids, TenantryError, uuidv7 } from '../../../core/index.ts';
import type { MemberPlace, PeriodShift } from '../rows/decide-library.ts';
import { carryCounters } from './carry-counters.ts';
import { carryKeys } from './carry-keys.ts';
import { carryLookups } from './carry-lookups.ts';
import { carryMembers } from './carry-members.ts';
import { carrySubscription } from './carry-subscription.ts';
import { carryTerms } from './carry-terms.ts';
import { type Change, createDraft, isOf } from './draft.ts';
import { makeTargets } from './make-targets.ts';
import type { PeopleConflict, PeopleCounts, PeopleDecision, PeopleUnit } from './people-unit.ts';
import { retireTenant } from './retire-tenant.ts';
import type { People, TableName } from './rows.ts';
import { settleOrganizations } from './settle-organizations.ts';
import { createWork } from './work.ts';

/** What a unit would do. */
export interface Decided {
  readonly changes: readonly Change[];
  readonly conflicts: readonly PeopleConflict[];
  readonly decisions: readonly PeopleDecision[];
  readonly counts: PeopleCounts;
  /** Where the members of the old tenant went. */
  readonly places: readonly MemberPlace[];
  readonly shifts: readonly PeriodShift[];
}

/**
 * Works a unit out on rows that were read, and writes nothing: plan and run decide by the same function.
 *
 * @throws TenantryError `tenant_not_found` when the old tenant is not there or has moved already.
 */
export function decidePeople(people: People, unit: PeopleUnit, ids: Ids = uuidv7): Decided {
  const draft = createDraft(people);
  const old = draft.get('tenants', unit.oldTenantId);
  if (old === undefined || old.status === 'moved') {
    throw new TenantryError('tenant_not_found', { tenant: unit.oldTenantId });
  }
  const conflicts: PeopleConflict[] = [];
  const decisions: PeopleDecision[] = [];
  const work = createWork(people, draft, unit, old, { ids, conflicts, decisions });
  makeTargets(work);
  carryMembers(work);
  settleOrganizations(work, people);
  carryKeys(work);
  const staying = carrySubscription(work, people);
  carryLookups(work, staying);
  carryTerms(work);
  const shifts = carryCounters(work);
  retireTenant(work);
  const changes = draft.changes();
  return {
    changes,
    conflicts,
    decisions,
    counts: countsOf(changes, decisions, unit, work.converted),
    places: placesOf(changes, unit),
    shifts,
  };
}

function placesOf(changes: readonly Change[], { unit, oldTenantId }: PeopleUnit): MemberPlace[] {
  return changes.flatMap((change): MemberPlace[] => {
    if (!isOf(change, 'members') || change.before?.tenant_id !== oldTenantId) return [];
    const { before, after, joined } = change;
    if (after?.tenant_id === oldTenantId) return [];
    const to = after === null ? null : { tenantId: after.tenant_id, id: after.id, joined };
    return [{ unit, oldTenantId, oldId: before.id, to }];
  });
}

function countsOf(
  changes: readonly Change[],
  decisions: readonly PeopleDecision[],
  unit: PeopleUnit,
  converted: boolean,
): PeopleCounts {
  const count = (table: TableName, which: (change: Change) => boolean = () => true): number =>
    changes.filter((change) => change.table === table && which(change)).length;
  const about = (topic: PeopleDecision['topic']): number =>
    decisions.filter((decision) => decision.topic === topic).reduce((sum, decision) => sum + decision.about.length, 0);
  return {
    tenantsMade: count('tenants', ({ before }) => before === null),
    tenantsRetired: unit.targets.some(({ tenantId }) => tenantId === unit.oldTenantId) ? 0 : 1,
    tenantsConverted: converted ? 1 : 0,
    members: count('members'),
    membersJoined: about('members-joined'),
    keys: count('api_keys'),
    keysRevoked: about('keys-revoked'),
    counters: count('usage_counters', ({ before }) => before !== null),
    aliases: about('slug-alias'),
  };
}
