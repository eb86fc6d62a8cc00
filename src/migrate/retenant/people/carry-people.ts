import { type Ids, TenantryError } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import { writeMemberPlaces } from '../rows/decide-library.ts';
import { ledger } from '../rows/row-sql.ts';
import { decideAllPeople } from './decide-all.ts';
import type { Decided } from './decide-people.ts';
import { writeJournals } from './journal.ts';
import { lockPeople } from './load-people.ts';
import type { PeopleConflict, PeopleUnit } from './people-unit.ts';
import { type Outcome, outcomeOf, writeMade } from './write-changes.ts';

/** Units whose people are where they go, while what they leave is still there. */
export interface CarriedPeople {
  readonly decided: readonly Decided[];
  /** What goes once everything that hangs on it has followed. */
  readonly outcome: Outcome;
}

/**
 * Locks the tenants of units, works out what becomes of their people, and writes what is new or other. Everything is in the
 * journal afterwards, and where each member went in the ledger of the rows.
 *
 * @throws TenantryError `migration_conflict`; `tenant_not_found`.
 */
export async function carryPeople(
  tx: AnyDatabase,
  units: readonly PeopleUnit[],
  { ids }: { readonly ids?: Ids | undefined } = {},
): Promise<CarriedPeople> {
  const [first] = units;
  if (first === undefined) return { decided: [], outcome: outcomeOf([]) };
  const old = units.map(({ oldTenantId }) => oldTenantId);
  await lockPeople(tx, [...old, ...units.flatMap(({ targets }) => targets.map(({ tenantId }) => tenantId))], old);
  const decided = await decideAllPeople(tx, units, ids);
  refusePeople(
    first.retenanting,
    decided.flatMap(({ conflicts }) => conflicts),
  );
  const outcome = outcomeOf(decided.map(({ changes }) => changes));
  await writeMade(tx, outcome);
  await writeJournals(
    tx,
    units.map((unit, place) => ({ unit, changes: decided[place]?.changes ?? [] })),
  );
  await execute(tx, 'delete from tenantry.retenant_rows where retenanting = $1 and unit = any($2::text[])', [
    first.retenanting,
    units.map(({ unit }) => unit),
  ]);
  await writeMemberPlaces(
    tx,
    first.retenanting,
    ledger,
    decided.flatMap(({ places }) => places),
  );
  return { decided, outcome };
}

/**
 * Ends what needs an answer.
 *
 * @throws TenantryError `migration_conflict`.
 */
export function refusePeople(migration: string, conflicts: readonly PeopleConflict[]): void {
  const [first] = conflicts;
  if (first === undefined) return;
  const { topic, table = tableOf[topic], between, remedy } = first;
  throw new TenantryError('migration_conflict', {
    migration,
    table,
    rows: topic === 'library' ? between.length : conflicts.length,
    keys: between.slice(0, 10),
    remedy,
  });
}

const tableOf = {
  subscriptions: 'tenantry.tenants',
  target: 'tenantry.tenants',
  seats: 'tenantry.organizations',
  library: 'tenantry.tenants',
} as const;
