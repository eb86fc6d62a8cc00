import { type Clock, type SecretBox, systemClock, TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { quoteLiteral } from '../../database/isolation-sql.ts';
import { rolledBack } from '../rolled-back.ts';
import { execute } from '../sql-text.ts';
import type { AnyRetenanting } from './definition.ts';
import { hashOf, retenantingFingerprint, shapesOf } from './fingerprint.ts';
import type { PeopleConflict, PeopleUnit } from './people/index.ts';
import { libraryConflicts } from './people/library-rows.ts';
import { decidePeopleOn } from './people/plan-people.ts';
import type { PlannedRows, RetenantingConflict, RetenantingPlan } from './plan.ts';
import { resolveUnits } from './resolve-units.ts';
import { writeMemberPlaces } from './rows/decide-library.ts';
import { valueOfRow } from './rows/decide-rows.ts';
import { type DecidedRows, decideUnits } from './rows/decide-units.ts';
import { filledTables } from './rows/filled-tables.ts';
import { planLedger } from './rows/plan-ledger.ts';
import { readRowModel } from './rows/read-tables.ts';
import { type Ledger, ofTable } from './rows/row-sql.ts';
import { partOf, type RowModel, type RowTable } from './rows/table.ts';
import { readRetenanting, readUnits } from './store.ts';
import { storeUnits } from './store-units.ts';
import type { RetenantingUnit } from './units.ts';

/** Options of {@link planRetenanting}. */
export interface PlanRetenantingOptions {
  readonly clock?: Clock;
  /** What seals the secrets of the tenants' webhooks; they are sealed for their tenant, and must be sealed anew. */
  readonly secrets?: SecretBox | undefined;
}

/**
 * Says what a re-tenanting will do, and writes nothing: which tenants change, how many rows of each table go where, what
 * meets its like at the target, and what becomes of people, keys and usage. It decides by the statements of the run, on
 * tables of its own that are dropped; the application's rows are not locked.
 *
 * @throws TenantryError `schema_missing`, `migration_definition_invalid`, `migration_tables_unclassified`,
 * `migration_right_missing`, `migration_rows_unresolved`, `tenant_not_found`.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { type AnyRetenanting, planRetenanting } from 'tenantry/migrate';
 *
 * async function show(db: Kysely<Record<string, never>>, retenanting: AnyRetenanting): Promise<void> {
 *   const plan = await planRetenanting(db, retenanting);
 *   for (const { table, moved, joined } of plan.tables) console.log(table, moved, joined);
 *   for (const { policy, remedy } of plan.conflicts) console.log(policy, remedy);
 * }
 * ```
 */
export async function planRetenanting(
  db: AnyDatabase,
  definition: AnyRetenanting,
  { clock = systemClock, secrets }: PlanRetenantingOptions = {},
): Promise<RetenantingPlan> {
  const stored = await readRetenanting(db, definition.name);
  const begun = stored?.stage === 'moving' || stored?.stage === 'moved';
  const model = await readRowModel(db, definition);
  const units = begun
    ? (await readUnits(db, definition.name)).flatMap(({ unit, stage }) => (stage === 'planned' ? [unit] : []))
    : await resolveUnits(db, definition, model);
  return planUnits(db, definition, model, units, { clock, secrets });
}

/** Plans units that are known. */
async function planUnits(
  db: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  units: readonly RetenantingUnit[],
  { clock, secrets }: { readonly clock: Clock; readonly secrets: SecretBox | undefined },
): Promise<RetenantingPlan> {
  const { decided, tables, people } = await rolledBack(db, async (tx) => {
    const at = await planLedger(tx);
    const now = clock();
    const side = await decidePeopleOn(tx, peopleUnits(definition, units, now));
    await storeUnits(tx, definition.name, units, at);
    await writeMemberPlaces(
      tx,
      definition.name,
      at,
      side.decided.flatMap(({ places }) => places),
    );
    for (const table of [at.units, at.ways]) await execute(tx, `analyze ${table}`);
    const shifts = side.decided.flatMap((one) => one.shifts);
    const filled = await filledTables(tx, model, units);
    return {
      decided: await decideUnits(tx, filled, at, units, { now, shifts, secrets }),
      tables: await countRows(tx, partOf(model, 'application'), at),
      people: side.people,
    };
  });
  const definitionHash = retenantingFingerprint(db, definition);
  const catalogue = shapesOf(model);
  return {
    retenanting: definition.name,
    units,
    tables,
    people: people.counts,
    conflicts: [...rowConflicts(decided), ...people.conflicts.map(peopleConflict)],
    decisions: [...people.decisions, ...decided.notes],
    definitionHash,
    catalogue,
    hash: hashOf([definitionHash, catalogue, units]),
  };
}

/** What the people side is told of units. */
export function peopleUnits(
  { name: retenanting, to, people: policies }: AnyRetenanting,
  units: readonly RetenantingUnit[],
  now: Date,
): PeopleUnit[] {
  return units.map(({ unit, oldTenantId, targets }) => ({
    retenanting,
    unit,
    oldTenantId,
    targets,
    to,
    now,
    ...(policies && { policies }),
  }));
}

async function countRows(tx: AnyDatabase, model: RowModel, at: Ledger): Promise<PlannedRows[]> {
  const planned: PlannedRows[] = [];
  for (const table of model.tables) {
    const found = await execute<Record<keyof Omit<PlannedRows, 'table'>, string>>(
      tx,
      `select (select count(*) from ${at.units} u join ${table.sql} x on x.${table.column} = u.old_tenant_id)::text as rows,
  count(*) filter (where j.action = 'move')::text as moved, count(*) filter (where j.action = 'copy')::text as copied,
  count(*) filter (where j.action in ('join', 'use'))::text as joined, (${unclaimedSql(tx, table, at)})::text as unclaimed
from ${at.rows} j where ${ofTable('j', table)}`,
    );
    const [row] = found.rows;
    planned.push({
      table: table.name,
      rows: Number(row?.rows ?? 0),
      moved: Number(row?.moved ?? 0),
      copied: Number(row?.copied ?? 0),
      joined: Number(row?.joined ?? 0),
      unclaimed: Number(row?.unclaimed ?? 0),
    });
  }
  return planned;
}

function unclaimedSql(db: AnyDatabase, table: RowTable, at: Ledger): string {
  const { rule } = table;
  if (rule.kind !== 'user' && rule.kind !== 'target') return '0';
  const [kind, expression] = rule.kind === 'user' ? ['user', rule.user] : ['key', rule.target];
  return `select count(*) from ${at.units} u join ${table.sql} x on x.${table.column} = u.old_tenant_id
    where u.targets > 1 and not u.chosen and not exists (select from ${at.ways} w where w.unit = u.unit and w.kind = ${quoteLiteral(kind)}
      and w.value = ${valueOfRow(db, table, expression)})`;
}

/** What was found of rows as conflicts, those that a policy answers too. */
export function rowConflicts({ uniques, crossings, unknown }: DecidedRows): RetenantingConflict[] {
  const own = uniques.filter(({ table }) => !table.startsWith('tenantry.'));
  return [
    ...libraryConflicts({ unknown, uniques }).map(peopleConflict),
    ...own.map(
      ({ table, unique, policy, rows, samples }): RetenantingConflict => ({
        topic: 'unique',
        table,
        rows,
        samples,
        policy,
        remedy: `Rows have the same "${unique}" as rows of the target: choose a policy for it in uniques of "${table}".`,
      }),
    ),
    ...crossings.map(
      ({ table, columns, parent, policy, rows, samples }): RetenantingConflict => ({
        topic: 'reference',
        table,
        rows,
        samples,
        policy,
        remedy: `(${columns}) would lead to rows of "${parent}" of another tenant: let one follow the other, copy the parents with copied(), or clear the reference.`,
      }),
    ),
  ];
}

function peopleConflict(conflict: PeopleConflict): RetenantingConflict {
  const { topic, between, remedy } = conflict;
  const { table = topic === 'seats' ? 'tenantry.organizations' : 'tenantry.tenants' } = conflict;
  return { topic, table, rows: between.length, samples: between.slice(0, 10), policy: 'fail', remedy };
}

/**
 * Ends what needs an answer.
 *
 * @throws TenantryError `migration_conflict` with the first of what is refused.
 */
export function refuseConflicts(migration: string, conflicts: readonly RetenantingConflict[]): void {
  const first = conflicts.find(({ policy }) => policy === 'fail');
  if (first === undefined) return;
  const { table, rows, samples: keys, remedy } = first;
  throw new TenantryError('migration_conflict', { migration, table, rows, keys, remedy });
}
