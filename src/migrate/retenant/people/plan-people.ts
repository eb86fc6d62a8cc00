import type { SecretBox } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { rolledBack } from '../../rolled-back.ts';
import { execute } from '../../sql-text.ts';
import { writeMemberPlaces } from '../rows/decide-library.ts';
import { decideUnits } from '../rows/decide-units.ts';
import { filledTables } from '../rows/filled-tables.ts';
import { planLedger } from '../rows/plan-ledger.ts';
import { storeUnits } from '../store-units.ts';
import { decideAllPeople } from './decide-all.ts';
import type { Decided } from './decide-people.ts';
import { libraryConflicts, libraryModel, rowUnitOf } from './library-rows.ts';
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
 * same function as the run does, over everything that the library keeps for the tenants.
 *
 * @throws TenantryError `tenant_not_found` when an old tenant is not there or has moved already; `migration_right_missing`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type PeopleUnit, planPeople } from 'tenantry/migrate';
 *
 * async function look(db: Kysely<Record<string, never>>, units: readonly PeopleUnit[]): Promise<void> {
 *   console.log(await planPeople(db, units)); // writes nothing
 * }
 * ```
 */
export async function planPeople(
  db: AnyDatabase,
  units: readonly PeopleUnit[],
  { secrets }: { readonly secrets?: SecretBox } = {},
): Promise<PlannedPeople> {
  const [first] = units;
  if (first === undefined) return { counts: noCounts, conflicts: [], decisions: [] };
  const model = await libraryModel(db, first);
  return planned(db, async (tx) => {
    const { people, decided } = await decidePeopleOn(tx, units);
    const at = await planLedger(tx);
    await writeMemberPlaces(
      tx,
      first.retenanting,
      at,
      decided.flatMap(({ places }) => places),
    );
    const rows = units.map(rowUnitOf);
    await storeUnits(tx, first.retenanting, rows, at);
    const shifts = decided.flatMap((one) => one.shifts);
    const found = await decideUnits(tx, await filledTables(tx, model, rows), at, rows, {
      now: first.now,
      shifts,
      secrets,
    });
    return {
      counts: people.counts,
      conflicts: [...people.conflicts, ...libraryConflicts(found)],
      decisions: [...people.decisions, ...found.notes],
    };
  });
}

/** The people side of a plan without the library's other tables, with what those are decided by. */
export async function decidePeopleOn(
  tx: AnyDatabase,
  units: readonly PeopleUnit[],
): Promise<{ readonly people: PlannedPeople; readonly decided: readonly Decided[] }> {
  await execute(tx, `select set_config('TimeZone', 'UTC', true)`);
  const decided = await decideAllPeople(tx, units);
  return {
    decided,
    people: {
      counts: decided.reduce((sum, { counts }) => sumOf(sum, counts), noCounts),
      conflicts: decided.flatMap(({ conflicts }) => conflicts),
      decisions: decided.flatMap(({ decisions }) => decisions),
    },
  };
}

/** Runs on one snapshot and takes back what was written; within the caller's transaction by a savepoint. */
async function planned<Result>(db: AnyDatabase, work: (tx: AnyDatabase) => Promise<Result>): Promise<Result> {
  if (!db.isTransaction) return rolledBack(db, work);
  await execute(db, 'savepoint tenantry_plan');
  try {
    return await work(db);
  } finally {
    await execute(db, 'rollback to savepoint tenantry_plan');
  }
}

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
