import { type Ids, TenantryError, uuidv7 } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { type Decided, decidePeople } from './decide-people.ts';
import { writeJournal } from './journal.ts';
import { loadPeople, lockPeople } from './load-people.ts';
import type { PeopleCounts, PeopleDecision, PeopleUnit } from './people-unit.ts';
import { writeChanges } from './write-changes.ts';

/** What a unit did. */
export interface MovedPeople {
  readonly counts: PeopleCounts;
  /** What a person should look at: who was demoted, which subscription is to be ended at the provider. */
  readonly decisions: readonly PeopleDecision[];
}

/**
 * Does all of a unit that concerns the library's own tables: makes and converts tenants, brings members, API keys, usage
 * and names to where they go, and retires the old tenant. Everything that it changed is in the journal.
 *
 * Run it in the transaction that moves the unit's rows. It locks the tenants until that ends.
 *
 * @throws TenantryError `migration_conflict` when something needs an answer; `tenant_not_found` when the old tenant is not
 * there or has moved already.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { hybridSeats } from 'tenantry';
 * import { installSchema } from 'tenantry/database';
 * import { movePeople } from 'tenantry/migrate';
 * import { createOrganizations } from 'tenantry/organizations';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const organizations = createOrganizations({ db });
 * const acme = await organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
 * const beta = await organizations.create({ name: 'Beta', owner: { userId: 'eve' } });
 *
 * const { counts } = await db.transaction().execute((tx) =>
 *   movePeople(tx, {
 *     retenanting: 'acme-buys-beta',
 *     unit: 'beta',
 *     oldTenantId: beta.tenantId,
 *     targets: [{ tenantId: acme.tenantId }],
 *     to: hybridSeats(),
 *     now: new Date(),
 *   }),
 * );
 * console.log(counts.tenantsRetired); // 1
 * ```
 */
export async function movePeople(
  tx: AnyDatabase,
  unit: PeopleUnit,
  { ids: newId = uuidv7 }: { readonly ids?: Ids } = {},
): Promise<MovedPeople> {
  const ids = [unit.oldTenantId, ...unit.targets.map(({ tenantId }) => tenantId)];
  await lockPeople(tx, ids, [unit.oldTenantId]);
  const decided = decidePeople(await loadPeople(tx, unit), unit, newId);
  refuseConflicts(unit, decided);
  await writeChanges(tx, decided.changes);
  await writeJournal(tx, unit, decided.changes);
  return { counts: decided.counts, decisions: decided.decisions };
}

/**
 * Ends a unit that needs an answer.
 *
 * @throws TenantryError `migration_conflict`.
 */
function refuseConflicts({ retenanting }: PeopleUnit, { conflicts }: Decided): void {
  const [first] = conflicts;
  if (first === undefined) return;
  throw new TenantryError('migration_conflict', {
    migration: retenanting,
    table: tableOf[first.topic],
    rows: conflicts.length,
    keys: first.between.slice(0, 10),
    remedy: first.remedy,
  });
}

const tableOf = {
  subscriptions: 'tenantry.tenants',
  target: 'tenantry.tenants',
  seats: 'tenantry.organizations',
} as const;
