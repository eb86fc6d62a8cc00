import { librarySchema } from '../../../database/index.ts';
import { quoteIdentifier } from '../../../database/isolation-sql.ts';
import { type Examination, mainTables, type OwnRelation } from '../examination.ts';
import { type Finding, findingOf } from '../finding.ts';
import { conditionSql, labelOf, policiesSql, rowSecuritySql, sqlOf } from '../mend-sql.ts';
import { hasTenantPolicy } from './policies.ts';

/** Tables that cannot be isolated, or are not. */
export function checkTables(examination: Examination): Finding[] {
  return [
    ...examination.homeless.map(({ relation, column }) => {
      const type = mainTables(examination)[0]?.column.type ?? 'uuid';
      const quoted = quoteIdentifier(column);
      const references = examination.setup.library ? ` references ${librarySchema}.tenants (tenant_id)` : '';
      const place = { name: column, place: 0, type, nullable: false, default: null };
      return findingOf('table_without_tenant', labelOf(relation), `The table has no column ${column}.`, [
        `alter table ${sqlOf(relation)} add column ${quoted} ${type} not null${references}`,
        `create index on ${sqlOf(relation)} (${quoted})`,
        ...rowSecuritySql(relation),
        ...policiesSql(examination, { relation, column: place, below: 'nothing' }),
      ]);
    }),
    ...[...examination.own.values()].flatMap((own) => [
      ...(own.below === 'nothing' ? checkColumn(examination, own) : []),
      ...checkRowSecurity(examination, own),
    ]),
  ];
}

function checkColumn({ setting }: Examination, { relation, column }: OwnRelation): Finding[] {
  const alter = `alter table ${sqlOf(relation)} alter column ${quoteIdentifier(column.name)}`;
  const object = `${labelOf(relation)}.${column.name}`;
  const findings: Finding[] = [];
  if (column.nullable) {
    findings.push(
      findingOf('tenant_nullable', object, 'The column of the tenant may be NULL.', [`${alter} set not null`]),
    );
  }
  if (column.default !== null && !column.default.toLowerCase().includes(`'${setting.toLowerCase()}'`)) {
    const what = `The column of the tenant has the default ${column.default}.`;
    findings.push(findingOf('tenant_default', object, what, [`${alter} drop default`]));
  }
  return findings;
}

function checkRowSecurity(examination: Examination, own: OwnRelation): Finding[] {
  const { relation, below } = own;
  if (below === 'partitioned' && relation.grants.length === 0) return [];
  const object = labelOf(relation);
  const missing = !hasTenantPolicy(examination, own);
  if (!relation.rowSecurity) {
    const mend = [...rowSecuritySql(relation), ...(missing ? policiesSql(examination, own) : [])];
    if (below === 'nothing') {
      return [findingOf('rls_disabled', object, 'Row-level security is not enabled on the table.', mend)];
    }
    const above = examination.byOid.get(relation.parent ?? '');
    const parent = above === undefined ? 'another table' : labelOf(above);
    if (below === 'inherited') {
      const what = `The table inherits from ${parent} and has no row-level security of its own.`;
      return [findingOf('inheritance_child', object, what, mend)];
    }
    const who = relation.grants.map(({ role }) => role).join(', ');
    const what = `The partition of ${parent} is open to ${who} and has no row-level security of its own.`;
    return [findingOf('partition_open', object, what, mend)];
  }
  const findings: Finding[] = [];
  if (!relation.forced) {
    const mend = [`alter table ${sqlOf(relation)} force row level security`];
    findings.push(findingOf('rls_not_forced', object, 'Row-level security is not forced on the owner.', mend));
  }
  if (missing) {
    const what = `No policy lets the application at the rows where ${conditionSql(examination, own.column)}.`;
    findings.push(findingOf('policy_missing', object, what, policiesSql(examination, own)));
  }
  return findings;
}
