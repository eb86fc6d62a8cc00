import { type Ids, type SecretBox, uuidv7 } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { ledger } from '../rows/row-sql.ts';
import { forgetUnit, setUnits } from '../store.ts';
import { storeUnits } from '../store-units.ts';
import { carryLibrary } from './carry-library.ts';
import { carryPeople } from './carry-people.ts';
import { libraryModel, rowUnitOf } from './library-rows.ts';
import type { PeopleCounts, PeopleDecision, PeopleUnit } from './people-unit.ts';
import { writeGone } from './write-changes.ts';

/** What a unit did. */
export interface MovedPeople {
  readonly counts: PeopleCounts;
  /** What a person should look at: who was demoted, which subscription is to be ended at the provider. */
  readonly decisions: readonly PeopleDecision[];
}

/**
 * Does all of a unit that concerns the library's own tables: makes and converts tenants, brings members, teams, invitations,
 * API keys, usage and names to where they go, and retires the old tenant. Everything that it changed is in the journal.
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
  { ids = uuidv7, secrets }: { readonly ids?: Ids; readonly secrets?: SecretBox } = {},
): Promise<MovedPeople> {
  const model = await libraryModel(tx, unit);
  await rememberUnit(tx, unit);
  const { decided, outcome } = await carryPeople(tx, [unit], { ids });
  const notes = await carryLibrary(tx, model, [rowUnitOf(unit)], {
    now: unit.now,
    shifts: decided.flatMap((one) => one.shifts),
    secrets,
  });
  await writeGone(tx, outcome);
  const [one] = decided;
  if (one === undefined) throw new TypeError('a unit has people');
  return { counts: one.counts, decisions: [...one.decisions, ...notes] };
}

/** What becomes of the library's rows is written down under the unit. */
async function rememberUnit(tx: AnyDatabase, unit: PeopleUnit): Promise<void> {
  await forgetUnit(tx, unit);
  await storeUnits(tx, unit.retenanting, [rowUnitOf(unit)], ledger);
  await setUnits(tx, unit.retenanting, [unit.unit], { stage: 'done' });
}
