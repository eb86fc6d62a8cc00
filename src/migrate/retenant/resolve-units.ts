import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { execute, expressionText } from '../sql-text.ts';
import type { AnyRetenanting, Destination, MergeTenants, MoveRows, SplitTenant } from './definition.ts';
import { everyUnit } from './every-unit.ts';
import { tenantsOfUnit } from './hold-tenants.ts';
import { madeId } from './made-id.ts';
import type { PeopleTarget } from './people/index.ts';
import { keyOfRow } from './rows/row-sql.ts';
import { type RowModel, tableOf } from './rows/table.ts';
import { type RetenantingUnit, type Way, waysOf } from './units.ts';

/** Works out which tenants change and where each goes; `known` units of tenants that all change are left out. */
export async function resolveUnits(
  db: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  known: readonly RetenantingUnit[] = [],
): Promise<RetenantingUnit[]> {
  const units: RetenantingUnit[] = [];
  for (const change of definition.changes) {
    if (change.kind === 'merge') units.push(...mergeUnits(definition, change));
    if (change.kind === 'split') units.push(splitUnit(definition, change));
    if (change.kind === 'move') units.push(await moveUnit(db, definition, model, change));
    if (change.kind === 'every') units.push(...(await everyUnit(db, definition, change, known)));
  }
  return inWaves(units);
}

/**
 * Units that share a tenant stand apart from each other and in their order, so that those that stand side by side share
 * none and can be done together.
 */
function inWaves(units: readonly RetenantingUnit[]): RetenantingUnit[] {
  const waveOf = new Map<string, number>();
  const waves = units.map((unit) => {
    const tenants = tenantsOfUnit(unit);
    const wave = Math.max(...tenants.map((tenantId) => waveOf.get(tenantId) ?? -1)) + 1;
    for (const tenantId of tenants) waveOf.set(tenantId, wave);
    return { unit, wave };
  });
  return waves.toSorted((one, other) => one.wave - other.wave).map(({ unit }) => unit);
}

function targetOf({ name: retenanting }: AnyRetenanting, { key, tenantId, ...told }: Destination): PeopleTarget {
  return { ...told, tenantId: tenantId ?? madeId(retenanting, key ?? told.name ?? told.slug ?? '') };
}

function mergeUnits(definition: AnyRetenanting, { from, into }: MergeTenants): RetenantingUnit[] {
  const { users, ...target } = targetOf(definition, into);
  return from.map((oldTenantId, place) => ({
    unit: oldTenantId,
    oldTenantId,
    targets: [place === 0 && users !== undefined ? { ...target, users } : target],
    chosen: false,
    ways: [],
  }));
}

function splitUnit(definition: AnyRetenanting, { from, into }: SplitTenant): RetenantingUnit {
  const [main, ...others] = into.map((one) => targetOf(definition, one));
  if (main === undefined) throw new TypeError('a split names at least one target');
  const targets: readonly [PeopleTarget, ...PeopleTarget[]] = [main, ...others];
  const keys = into.flatMap(({ key }, place): Way[] => {
    const tenantId = targets[place]?.tenantId;
    return key === undefined || tenantId === undefined ? [] : [{ kind: 'key', value: key, tenantId }];
  });
  return { unit: from, oldTenantId: from, targets, chosen: false, ways: [...keys, ...waysOf(targets)] };
}

async function moveUnit(
  db: AnyDatabase,
  definition: AnyRetenanting,
  model: RowModel,
  { from, to, rows }: MoveRows,
): Promise<RetenantingUnit> {
  const target = targetOf(definition, to);
  const ways: Way[] = [{ kind: 'place', value: target.tenantId, tenantId: target.tenantId }];
  for (const [name, chosen] of Object.entries(rows)) {
    if (!model.tables.some((table) => table.name === name)) {
      const problem = 'is no table of tenants';
      throw new TenantryError('migration_definition_invalid', {
        migration: definition.name,
        path: `rows.${name}`,
        problem,
      });
    }
    const table = tableOf(model, name);
    const wanted =
      'compile' in chosen
        ? { sql: expressionText(db, chosen, 'x'), keys: null }
        : { sql: 'true', keys: chosen.map(String) };
    const found = await execute<{ key: string }>(
      db,
      `select ${keyOfRow(table, 'x')} as key from (select * from ${table.sql} where ${table.column} = $1::uuid) as x
where ($2::text[] is null or ${keyOfRow(table, 'x')} = any($2::text[])) and ${wanted.sql}`,
      [from, wanted.keys],
    );
    const keys = found.rows.map(({ key }) => key);
    const missing = wanted.keys?.filter((key) => !keys.includes(key)) ?? [];
    if (missing.length > 0) {
      throw new TenantryError('migration_rows_unresolved', {
        migration: definition.name,
        table: name,
        rows: missing.length,
        keys: missing.slice(0, 10),
        remedy: `Tenant ${from} has no such rows: choose others.`,
      });
    }
    for (const value of keys) ways.push({ kind: `row:${name}`, value, tenantId: target.tenantId });
  }
  const targets: readonly [PeopleTarget, ...PeopleTarget[]] = [{ tenantId: from }, target];
  return { unit: from, oldTenantId: from, targets, chosen: true, ways };
}
