import { isolateTable, quoteIdentifier, quoteLiteral, unisolateTable } from '../../database/isolation-sql.ts';
import { additionSteps, madeIsolationSteps } from '../additions.ts';
import type { CatalogueForeignKey } from '../catalogue.ts';
import { checksumSettings } from '../checksum.ts';
import { hasKey, keptKey, type Model, type OwnTable, setsAside } from '../model.ts';
import type { Step, StepLock } from '../plan.ts';
import { rowJson } from '../quarantine-sql.ts';
import { refuseReferredSql } from '../referrers.ts';
import { returnRowsSql } from '../reverse/rows.ts';
import { qualified } from '../sql-text.ts';
import { objectName } from '../trigger-sql.ts';
import { quietSql } from './place-batches.ts';

/**
 * Makes the database hold what the backfill did. Rows without a tenant leave first, children before parents; then, for
 * each table, presence, a key that begins with the tenant, foreign keys that cannot cross tenants, row-level security.
 */
export function enforceSteps(model: Model): Step[] {
  const childrenFirst = [...model.own].reverse();
  return [
    ...additionSteps(model, 'enforce'),
    ...childrenFirst.filter(setsAside).map((table) => quarantineStep(model, table)),
    ...model.own.flatMap((table) => presenceSteps(model, table)),
    ...model.own.flatMap((table) => keySteps(model, table)),
    ...model.own.flatMap((table) => referenceSteps(model, table)),
    ...model.own.map((table) =>
      step(`enforce:${table.name}:isolation`, table, 'access exclusive', {
        sql: isolateTable({ schema: model.schema, table: table.name, column: model.column }),
        undo: [...unisolateTable({ schema: model.schema, table: table.name }), ...rowSecurityAsItWas(table)],
      }),
    ),
    ...madeIsolationSteps(model),
  ];
}

/** Row-level security that the application had put on a table itself is on again after the way back. */
function rowSecurityAsItWas({ sql, table }: OwnTable): string[] {
  return [
    ...(table.rowSecurity ? [`alter table ${sql} enable row level security`] : []),
    ...(table.forcedRowSecurity ? [`alter table ${sql} force row level security`] : []),
  ];
}

function step(
  id: string,
  table: OwnTable,
  lock: StepLock,
  { sql, undo, kind = 'transaction' }: { sql: readonly string[]; undo: readonly string[]; kind?: Step['kind'] },
): Step {
  return { id, stage: 'enforce', table: table.name, kind, sql, undo, lock };
}

/**
 * The row is kept as JSON text with its key and reason, and comes back from there column by column. The application's
 * triggers do not fire on it: it leaves no trace of a deletion that never was one. Foreign keys do not act either, so the
 * rows are locked before it is looked for what refers to them.
 */
function quarantineStep(model: Model, table: OwnTable): Step {
  const reason = `${table.path.split(' → ')[0]} leads to no tenant`;
  return step(`enforce:${table.name}:quarantine`, table, 'row', {
    sql: [
      refuseReferredSql(model, table),
      quietSql,
      ...checksumSettings,
      `with gone as (delete from ${table.sql} as t where t.${quoteIdentifier(model.column)} is null returning t.*)
  insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason, aside)
  select ${quoteLiteral(model.name)}, ${quoteLiteral(table.name)}, ${keptKey(table, 'gone')}, ${rowJson(model, table, 'gone')}, ${quoteLiteral(reason)}, true from gone`,
    ],
    undo: [returnRowsSql(model, table)],
  });
}

function presenceSteps(model: Model, table: OwnTable): Step[] {
  const column = quoteIdentifier(model.column);
  const name = 'tenantry_present';
  return [
    step(`enforce:${table.name}:present`, table, 'access exclusive', {
      sql: [`alter table ${table.sql} add constraint ${name} check (${column} is not null) not valid`],
      undo: [`alter table ${table.sql} drop constraint if exists ${name}`],
    }),
    step(`enforce:${table.name}:present-valid`, table, 'share update exclusive', {
      sql: [`alter table ${table.sql} validate constraint ${name}`],
      undo: [],
    }),
    step(`enforce:${table.name}:not-null`, table, 'access exclusive', {
      sql: [
        `alter table ${table.sql} alter column ${column} set not null`,
        `alter table ${table.sql} drop constraint ${name}`,
      ],
      undo: [`alter table ${table.sql} alter column ${column} drop not null`],
    }),
  ];
}

/** Unique keys that begin with the tenant: what foreign keys refer to, and the index of every scoped query. */
function keySteps(model: Model, table: OwnTable): Step[] {
  if (!hasKey(table)) {
    const name = objectName(model, table.name, 'tenantry_key');
    const index = qualified(model.schema, name);
    const sql = [
      `drop index concurrently if exists ${index}`,
      `create index concurrently ${quoteIdentifier(name)} on ${table.sql} (${quoteIdentifier(model.column)})`,
    ];
    const undo = [`drop index if exists ${index}`];
    return [step(`enforce:${table.name}:index`, table, 'share update exclusive', { kind: 'concurrently', sql, undo })];
  }
  const key = table.key.map(({ name }) => name);
  return [key, ...otherKeys(model, table, key)].flatMap((columns, place) => keyStep(model, table, columns, place));
}

/** Keys beside the first one to which foreign keys of tables that tenants own refer. */
function otherKeys(model: Model, table: OwnTable, first: readonly string[]): (readonly string[])[] {
  const found = new Map<string, readonly string[]>();
  for (const { key, parent } of model.own.flatMap(({ references }) => references)) {
    if (parent === table.name && !sameSet(key.targetColumns, first)) {
      const columns = [...key.targetColumns].sort();
      found.set(JSON.stringify(columns), columns);
    }
  }
  return [...found.keys()].sort().map((name) => found.get(name) ?? []);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((column) => b.includes(column));
}

function keyStep(model: Model, table: OwnTable, key: readonly string[], place: number): Step[] {
  const id = place === 0 ? '' : `:${key.join(',')}`;
  const name = objectName(model, `${table.name}${id}`, 'tenantry_key');
  const columns = [model.column, ...key].map(quoteIdentifier).join(', ');
  const index = qualified(model.schema, name);
  const undo = [`alter table ${table.sql} drop constraint if exists ${quoteIdentifier(name)}`];
  if (table.table.partitioned) {
    // PostgreSQL builds no index of a partitioned table concurrently, nor takes one as its constraint.
    const sql = [`alter table ${table.sql} add constraint ${quoteIdentifier(name)} unique (${columns})`];
    return [step(`enforce:${table.name}:key${id}`, table, 'access exclusive', { sql, undo })];
  }
  return [
    step(`enforce:${table.name}:index${id}`, table, 'share update exclusive', {
      kind: 'concurrently',
      sql: [
        `drop index concurrently if exists ${index}`,
        `create unique index concurrently ${quoteIdentifier(name)} on ${table.sql} (${columns})`,
      ],
      undo: [`drop index if exists ${index}`],
    }),
    step(`enforce:${table.name}:key${id}`, table, 'access exclusive', {
      sql: [
        `alter table ${table.sql} add constraint ${quoteIdentifier(name)} unique using index ${quoteIdentifier(name)}`,
      ],
      undo,
    }),
  ];
}

/** Foreign keys to the tenant and, with the tenant in them, to the parents: a row cannot refer across tenants. */
function referenceSteps(model: Model, table: OwnTable): Step[] {
  const column = quoteIdentifier(model.column);
  const wanted = [
    {
      name: 'tenantry_tenant_fk',
      sql: `foreign key (${column}) references tenantry.tenants (tenant_id)`,
    },
    ...table.references.flatMap(({ key, parent: parentName }) => {
      const parent = model.own.find((candidate) => candidate.name === parentName);
      if (parent === undefined || !hasKey(parent)) return [];
      const toKey = [...key.targetColumns].sort();
      const own = toKey.map((part) => quoteIdentifier(key.columns[key.targetColumns.indexOf(part)] ?? '')).join(', ');
      return [
        {
          name: objectName(model, `${table.name}.${key.name}`, 'tenantry_fk'),
          sql: `foreign key (${column}, ${own}) references ${parent.sql} (${column}, ${toKey.map(quoteIdentifier).join(', ')})${actionsSql(key)}`,
        },
      ];
    }),
  ];
  // PostgreSQL before 18 checks a foreign key of a partitioned table when it is added.
  const later = table.table.partitioned ? '' : ' not valid';
  return wanted.flatMap(({ name, sql }) => [
    step(`enforce:${table.name}:${name}`, table, 'share row exclusive', {
      sql: [`alter table ${table.sql} add constraint ${quoteIdentifier(name)} ${sql}${later}`],
      undo: [`alter table ${table.sql} drop constraint if exists ${quoteIdentifier(name)}`],
    }),
    step(`enforce:${table.name}:${name}-valid`, table, 'share update exclusive', {
      sql: [`alter table ${table.sql} validate constraint ${quoteIdentifier(name)}`],
      undo: [],
    }),
  ]);
}

/**
 * What the application's own foreign key does. PostgreSQL acts on the two in the order of numbers that grow with the
 * database, so ours does the same, or waits for the end of the transaction where it cannot: a new key that both wrote down
 * would take rows of other ways along to another tenant.
 */
function actionsSql({ onDelete, onDeleteColumns, followsUpdates, deferrable, deferred }: CatalogueForeignKey): string {
  const columns = onDelete.startsWith('set ') ? ` (${onDeleteColumns.map(quoteIdentifier).join(', ')})` : '';
  const deletes = onDelete === 'no action' ? '' : ` on delete ${onDelete}${columns}`;
  if (followsUpdates) return `${deletes} deferrable initially deferred`;
  return deferrable ? `${deletes} deferrable initially ${deferred ? 'deferred' : 'immediate'}` : deletes;
}
