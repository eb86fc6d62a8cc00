import { isolateTable, quoteIdentifier, quoteLiteral, unisolateTable } from '../../database/isolation-sql.ts';
import { additionSteps, madeIsolationSteps } from '../additions.ts';
import { hasKey, keptKey, type Model, type OwnTable } from '../model.ts';
import type { Step, StepLock } from '../plan.ts';
import { refuseReferredSql } from '../referrers.ts';
import { returnRowsSql } from '../reverse/rows.ts';
import { qualified } from '../sql-text.ts';
import { objectName } from '../trigger-sql.ts';

/**
 * Makes the database hold what the backfill did. Rows without a tenant leave first, children before parents; then, for
 * each table, presence, a key that begins with the tenant, foreign keys that cannot cross tenants, row-level security.
 */
export function enforceSteps(model: Model): Step[] {
  const childrenFirst = [...model.own].reverse();
  return [
    ...additionSteps(model, 'enforce'),
    ...childrenFirst
      .filter((table) => table.unresolved.kind === 'quarantine' || hasQuarantineAbove(table))
      .map((table) => quarantineStep(model, table)),
    ...model.own.flatMap((table) => presenceSteps(model, table)),
    ...model.own.flatMap((table) => keySteps(model, table)),
    ...model.own.flatMap((table) => referenceSteps(model, table)),
    ...model.own.map((table) =>
      step(`enforce:${table.name}:isolation`, table, 'access exclusive', {
        sql: isolateTable({ schema: model.schema, table: table.name, column: model.column }),
        undo: unisolateTable({ schema: model.schema, table: table.name }),
      }),
    ),
    ...madeIsolationSteps(model),
  ];
}

/** Rows below a quarantined row have no tenant either; they go with it. */
export function hasQuarantineAbove(table: OwnTable): boolean {
  const parent = table.via?.parent;
  return parent !== undefined && (parent.unresolved.kind === 'quarantine' || hasQuarantineAbove(parent));
}

function step(
  id: string,
  table: OwnTable,
  lock: StepLock,
  { sql, undo, kind = 'transaction' }: { sql: readonly string[]; undo: readonly string[]; kind?: Step['kind'] },
): Step {
  return { id, stage: 'enforce', table: table.name, kind, sql, undo, lock };
}

/** The row is kept as JSON text with its key and reason, and comes back from there column by column. */
function quarantineStep(model: Model, table: OwnTable): Step {
  const reason = `${table.path.split(' → ')[0]} leads to no tenant`;
  return step(`enforce:${table.name}:quarantine`, table, 'row', {
    sql: [
      refuseReferredSql(model, table),
      `with gone as (delete from ${table.sql} as t where t.${quoteIdentifier(model.column)} is null returning t.*)
  insert into tenantry.migration_quarantine (migration, table_name, row_key, row_data, reason, aside)
  select ${quoteLiteral(model.name)}, ${quoteLiteral(table.name)}, ${keptKey(table, 'gone')}, row_to_json(gone), ${quoteLiteral(reason)}, true from gone`,
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

/** A unique key that begins with the tenant: what foreign keys refer to, and the index of every scoped query. */
function keySteps(model: Model, table: OwnTable): Step[] {
  const name = objectName(model, table.name, 'tenantry_key');
  const columns = [model.column, ...table.key.map((column) => column.name)].map(quoteIdentifier).join(', ');
  const index = qualified(model.schema, name);
  if (!hasKey(table)) {
    const sql = [
      `drop index concurrently if exists ${index}`,
      `create index concurrently ${quoteIdentifier(name)} on ${table.sql} (${quoteIdentifier(model.column)})`,
    ];
    const undo = [`drop index if exists ${index}`];
    return [step(`enforce:${table.name}:index`, table, 'share update exclusive', { kind: 'concurrently', sql, undo })];
  }
  const undo = [`alter table ${table.sql} drop constraint if exists ${quoteIdentifier(name)}`];
  if (table.table.partitioned) {
    // PostgreSQL builds no index of a partitioned table concurrently, nor takes one as its constraint.
    const sql = [`alter table ${table.sql} add constraint ${quoteIdentifier(name)} unique (${columns})`];
    return [step(`enforce:${table.name}:key`, table, 'access exclusive', { sql, undo })];
  }
  return [
    step(`enforce:${table.name}:index`, table, 'share update exclusive', {
      kind: 'concurrently',
      sql: [
        `drop index concurrently if exists ${index}`,
        `create unique index concurrently ${quoteIdentifier(name)} on ${table.sql} (${columns})`,
      ],
      undo: [`drop index if exists ${index}`],
    }),
    step(`enforce:${table.name}:key`, table, 'access exclusive', {
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
      const toKey = parent?.key.map((part) => part.name) ?? [];
      if (
        parent === undefined ||
        toKey.length !== key.targetColumns.length ||
        !toKey.every((part) => key.targetColumns.includes(part))
      )
        return [];
      const own = toKey.map((part) => quoteIdentifier(key.columns[key.targetColumns.indexOf(part)] ?? '')).join(', ');
      return [
        {
          name: objectName(model, `${table.name}.${key.name}`, 'tenantry_fk'),
          sql: `foreign key (${column}, ${own}) references ${parent.sql} (${column}, ${toKey.map(quoteIdentifier).join(', ')})`,
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
