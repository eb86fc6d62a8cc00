import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import { decidePeople } from './decide-people.ts';
import { loadAllPeople } from './load-people.ts';
import { createOverlay } from './overlay.ts';
import type { PeopleConflict, PeopleCounts, PeopleDecision, PeopleUnit } from './people-unit.ts';

/** What units would do to the library's own tables, as plain data. */
export interface PlannedPeople {
  readonly counts: PeopleCounts;
  /** What needs an answer before the plan can be applied. */
  readonly conflicts: readonly PeopleConflict[];
  readonly decisions: readonly PeopleDecision[];
}

/**
 * Works units out one after another, each on what the ones before it would leave, and writes nothing. It decides by the
 * same function as the run does.
 *
 * @throws TenantryError `tenant_not_found` when an old tenant is not there or has moved already.
 */
export async function planPeople(tx: AnyDatabase, units: readonly PeopleUnit[]): Promise<PlannedPeople> {
  await execute(tx, `select set_config('TimeZone', 'UTC', true)`);
  const overlay = createOverlay();
  const conflicts: PeopleConflict[] = [];
  const decisions: PeopleDecision[] = [];
  let counts = noCounts;
  for (let begin = 0; begin < units.length; begin += unitsAtOnce) {
    const some = units.slice(begin, begin + unitsAtOnce);
    for (const [place, people] of (await loadAllPeople(tx, some)).entries()) {
      const unit = some[place];
      if (unit === undefined) continue;
      const decided = decidePeople(overlay.onto(people, unit), unit);
      overlay.add(decided.changes);
      conflicts.push(...decided.conflicts);
      decisions.push(...decided.decisions);
      counts = sumOf(counts, decided.counts);
    }
  }
  return { counts, conflicts, decisions };
}

/** Units whose rows are read by one statement. */
const unitsAtOnce = 200;

const noCounts: PeopleCounts = {
  tenantsMade: 0,
  tenantsRetired: 0,
  tenantsConverted: 0,
  members: 0,
  membersJoined: 0,
  keys: 0,
  keysRevoked: 0,
  counters: 0,
  aliases: 0,
};

function sumOf(one: PeopleCounts, other: PeopleCounts): PeopleCounts {
  return {
    tenantsMade: one.tenantsMade + other.tenantsMade,
    tenantsRetired: one.tenantsRetired + other.tenantsRetired,
    tenantsConverted: one.tenantsConverted + other.tenantsConverted,
    members: one.members + other.members,
    membersJoined: one.membersJoined + other.membersJoined,
    keys: one.keys + other.keys,
    keysRevoked: one.keysRevoked + other.keysRevoked,
    counters: one.counters + other.counters,
    aliases: one.aliases + other.aliases,
  };
}
