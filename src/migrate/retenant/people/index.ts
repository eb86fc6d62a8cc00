/**
 * The people side of a re-tenanting: what happens in the library's own tables when tenants are merged, split or
 * converted.
 */

export { existingTargets } from './existing-targets.ts';
export type { KeptRow, UnitName } from './journal.ts';
export type { MovedPeople } from './move-people.ts';
export { movePeople } from './move-people.ts';
export type {
  PeopleConflict,
  PeopleCounts,
  PeopleDecision,
  PeoplePolicies,
  PeopleTarget,
  PeopleUnit,
  PeopleUser,
} from './people-unit.ts';
export type { PlannedPeople } from './plan-people.ts';
export { planPeople } from './plan-people.ts';
export type { ReturnedPeople } from './return-people.ts';
export { returnPeople } from './return-people.ts';
export { verifyPeople } from './verify-people.ts';
