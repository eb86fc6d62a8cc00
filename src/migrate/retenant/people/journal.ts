import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { Change } from './draft.ts';
import type { PeopleUnit } from './people-unit.ts';

/** What is remembered of a unit as a whole. */
export interface JournalledUnit {
  readonly oldTenantId: string;
  /** The default target. */
  readonly mainTenantId: string;
  readonly tenantIds: readonly string[];
}

/** Names one unit of one re-tenanting. */
export interface UnitName {
  readonly retenanting: string;
  readonly unit: string;
}

/** The place of the row that tells of the unit as a whole. */
const unitPosition = -1;

/** What a unit changed. */
export interface UnitChanges {
  readonly unit: PeopleUnit;
  readonly changes: readonly Change[];
}

/** Writes down what units changed, each row as it was and as it is. */
export async function writeJournals(tx: AnyDatabase, units: readonly UnitChanges[]): Promise<void> {
  const rows = units.flatMap(({ unit, changes }) => {
    const told: JournalledUnit = {
      oldTenantId: unit.oldTenantId,
      mainTenantId: unit.targets[0].tenantId,
      tenantIds: unit.targets.map(({ tenantId }) => tenantId),
    };
    const name = { retenanting: unit.retenanting, unit: unit.unit };
    return [
      { ...name, position: unitPosition, table_name: 'unit', before: null, after: told, joined: false },
      ...changes.map(({ table, ...change }, position) => ({ ...name, position, table_name: table, ...change })),
    ];
  });
  await execute(
    tx,
    `insert into tenantry.retenant_people (retenanting, unit, position, table_name, before, after, joined)
select r.retenanting, r.unit, r.position, r.table_name, nullif(r.before, 'null'), nullif(r.after, 'null'), r.joined
from jsonb_to_recordset($1::jsonb) as r (retenanting text, unit text, position integer, table_name text, before jsonb, after jsonb, joined boolean)`,
    [JSON.stringify(rows)],
  );
}

/** Reads what a unit changed; undefined when nothing is written down of it. */
export async function readJournal(
  tx: AnyDatabase,
  { retenanting, unit }: UnitName,
): Promise<{ readonly unit: JournalledUnit; readonly changes: readonly Change[] } | undefined> {
  const found = await execute<{ unit: string | null; changes: string | null }>(
    tx,
    `select max(after::text) filter (where position = ${unitPosition}) as unit,
  (jsonb_agg(jsonb_build_object('table', table_name, 'before', before, 'after', after, 'joined', joined) order by position)
    filter (where position <> ${unitPosition}))::text as changes
from tenantry.retenant_people where retenanting = $1 and unit = $2`,
    [retenanting, unit],
  );
  const row = found.rows[0];
  if (row === undefined || row.unit === null) return undefined;
  return { unit: JSON.parse(row.unit), changes: JSON.parse(row.changes ?? '[]') };
}

/** Forgets what a unit changed, once it was returned. */
export async function forgetJournal(tx: AnyDatabase, { retenanting, unit }: UnitName): Promise<void> {
  await execute(tx, 'delete from tenantry.retenant_people where retenanting = $1 and unit = $2', [retenanting, unit]);
}

/** A row that had no place when a unit was returned, or that was changed since and now stands elsewhere. */
export interface KeptRow {
  readonly table: string;
  readonly key: string;
  readonly row: unknown;
  readonly reason: string;
}

/** Writes down what was kept. */
export async function writeKept(
  tx: AnyDatabase,
  { retenanting, unit }: UnitName,
  kept: readonly KeptRow[],
): Promise<void> {
  if (kept.length === 0) return;
  await execute(
    tx,
    `insert into tenantry.retenant_kept (retenanting, unit, table_name, row_key, row_data, reason)
select distinct on (r."table", r.key) $1::text, $2::text, r."table", r.key, r.row, r.reason
from jsonb_to_recordset($3::jsonb) as r ("table" text, key text, row jsonb, reason text)
on conflict (retenanting, unit, table_name, row_key) do update set row_data = excluded.row_data, reason = excluded.reason`,
    [retenanting, unit, JSON.stringify(kept)],
  );
}
