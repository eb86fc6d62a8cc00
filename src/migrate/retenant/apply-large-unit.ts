import { type Clock, isTenantryError, type SecretBox } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import type { Session } from '../run/session.ts';
import { execute } from '../sql-text.ts';
import { beginUnit, decideUnit } from './apply-unit.ts';
import type { AnyRetenanting } from './definition.ts';
import { holdTenants, releaseTenants, tenantsOfUnit, waitForWriters } from './hold-tenants.ts';
import type { PeopleDecision } from './people/index.ts';
import { readJournal } from './people/journal.ts';
import { outcomeOf, writeGone } from './people/write-changes.ts';
import { returnUnit } from './return-unit.ts';
import { proveUnits } from './rows/prove-unit.ts';
import { partOf, type RowModel } from './rows/table.ts';
import { moveBatch, prepareUnit, settleUnit, writeRows } from './rows/write-rows.ts';
import { inPiece } from './run-session.ts';
import { readUnits, type StoredUnit, setUnit } from './store.ts';
import type { RetenantingUnit } from './units.ts';

/** How units are done. */
export interface UnitSettings {
  readonly batchSize: number;
  readonly clock: Clock;
  readonly secrets: SecretBox | undefined;
}

/** How many rows of the application each old tenant has, as far as one more than the limit. */
export async function rowsUpTo(
  db: AnyDatabase,
  { tables }: RowModel,
  units: readonly RetenantingUnit[],
  limit: number,
): Promise<ReadonlyMap<string, number>> {
  const counts = tables.flatMap(({ library, sql, column }) =>
    library === null
      ? [`(select count(*) from (select from ${sql} where ${column} = t.tenant_id limit ${limit + 1}) as found)`]
      : [],
  );
  if (counts.length === 0 || units.length === 0) return new Map();
  const found = await execute<{ tenant_id: string; rows: number }>(
    db,
    `select t.tenant_id, (${counts.join(' + ')})::float8 as rows from unnest($1::uuid[]) as t (tenant_id)`,
    [units.map(({ oldTenantId }) => oldTenantId)],
  );
  return new Map(found.rows.map(({ tenant_id, rows }) => [tenant_id, rows]));
}

/**
 * Does a unit of many rows with its tenants in maintenance: its people first, then what becomes of each row is written down,
 * then the rows move in batches, each with the place up to which it came. Where the role may not keep foreign keys from being
 * checked on the way, all rows move in one transaction: parents and children cannot stand at two tenants.
 */
export async function applyLargeUnit(
  session: Session,
  definition: AnyRetenanting,
  whole: RowModel,
  stored: StoredUnit,
  { batchSize, clock, secrets }: UnitSettings,
): Promise<{ readonly rows: number; readonly decisions: readonly PeopleDecision[] }> {
  const { unit } = stored;
  const { name } = definition;
  const model = partOf(whole, 'application');
  let { stage, progress, rows } = stored;
  let decisions: readonly PeopleDecision[] = [];
  if (stage === 'planned') {
    await inPiece(session, `hold ${unit.unit}`, async (tx) => {
      ({ decisions } = await beginUnit(tx, definition, whole, unit, { now: clock(), secrets }));
      const statuses = await holdTenants(tx, tenantsOfUnit(unit));
      await setUnit(tx, name, unit, { stage: 'held', rows: 0, progress: { statuses } });
    });
    stage = 'held';
  }
  if (stage === 'held') {
    await waitForWriters(session.db, name, 30_000);
    await decideHeld(session, whole, unit, clock);
    stage = 'decided';
    progress = {};
    rows = 0;
  }
  if (stage === 'decided') {
    rows = session.replica
      ? await moveInBatches(session, model, unit, { progress, rows, batchSize })
      : await inPiece(session, `move ${unit.unit}`, async (tx) => {
          const moved = await writeRows(tx, model, [name, [unit.unit]]);
          await setUnit(tx, name, unit, { stage: 'written', rows: moved });
          return moved;
        });
  }
  const held = (await readUnits(session.db, name)).find((one) => one.unit.unit === unit.unit);
  await inPiece(session, `release ${unit.unit}`, async (tx) => {
    const journal = await readJournal(tx, { retenanting: name, unit: unit.unit });
    await writeGone(tx, outcomeOf([journal?.changes ?? []]));
    await proveUnits(tx, model, [unit.unit]);
    await releaseTenants(tx, held?.progress.statuses ?? {});
    await setUnit(tx, name, unit, { stage: 'done', rows });
  });
  return { rows, decisions };
}

/** What meets its like only now is refused as in a plan, and the tenants are opened again as they were. */
async function decideHeld(session: Session, model: RowModel, unit: RetenantingUnit, clock: Clock): Promise<void> {
  try {
    await inPiece(session, `decide ${unit.unit}`, async (tx) => {
      await decideUnit(tx, model, unit, clock());
      await setUnit(tx, model.name, unit, { stage: 'decided', rows: 0, progress: { table: 0, last: '' } });
    });
  } catch (error) {
    if (!isTenantryError(error, 'migration_conflict')) throw error;
    await inPiece(session, `return ${unit.unit}`, (tx) => returnUnit(tx, model, unit, clock()), { free: true });
    await inPiece(session, `plan ${unit.unit}`, (tx) => setUnit(tx, model.name, unit, { stage: 'planned' }));
    throw error;
  }
}

/** Rows move table by table in the order of their keys. What stands at two tenants meanwhile is seen by nobody. */
async function moveInBatches(
  session: Session,
  model: RowModel,
  unit: RetenantingUnit,
  {
    progress,
    rows: before,
    batchSize,
  }: { readonly progress: StoredUnit['progress']; readonly rows: number; readonly batchSize: number },
): Promise<number> {
  const params = [model.name, [unit.unit]] as const;
  let place = progress.table ?? 0;
  let last = progress.last ?? '';
  let rows = before;
  if (place === 0 && last === '') {
    await inPiece(session, `copy ${unit.unit}`, async (tx) => {
      await prepareUnit(tx, model, params);
      await setUnit(tx, model.name, unit, { stage: 'decided', progress: { table: 0, last: ' ' } });
    });
  }
  for (; place < model.tables.length; place += 1) {
    const table = model.tables[place];
    for (let more = table !== undefined; more && table !== undefined; ) {
      const from = last;
      const batch = await inPiece(
        session,
        `move ${table.name} ${from}`,
        async (tx) => {
          const moved = await moveBatch(tx, table, params, from.trim() === '' ? '' : from, batchSize);
          const next = moved.last === null ? { table: place + 1, last: ' ' } : { table: place, last: moved.last };
          await setUnit(tx, model.name, unit, { stage: 'decided', rows: rows + moved.rows, progress: next });
          return moved;
        },
        { free: true },
      );
      rows += batch.rows;
      more = batch.last !== null;
      last = batch.last ?? ' ';
    }
  }
  await inPiece(
    session,
    `settle ${unit.unit}`,
    async (tx) => {
      await settleUnit(tx, model, params);
      await setUnit(tx, model.name, unit, { stage: 'written', rows });
    },
    { free: true },
  );
  return rows;
}
