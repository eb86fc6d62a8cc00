import { serviceRole } from '../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { ColumnRow, PolicyRow, RelationRow } from './catalogue.ts';
import type { Examination, OwnRelation } from './examination.ts';

/** The name of an object with its schema, for people. */
export function labelOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${schema}.${name}`;
}

/** The name of an object with its schema, as SQL. */
export function sqlOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** Names of columns as SQL. */
export function columnsSql(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}

/** A role as SQL; PUBLIC is none and is not quoted. */
export function roleSql(role: string): string {
  return role === 'public' ? 'public' : quoteIdentifier(role);
}

/** What a policy of the tenant says of the tenant's column. */
export function conditionSql({ setting }: Examination, { name, type }: Pick<ColumnRow, 'name' | 'type'>): string {
  const read = `nullif(current_setting(${quoteLiteral(setting)}, true), '')`;
  const isText = /^(text|character varying|character|citext|name)\b/.test(type);
  return `${quoteIdentifier(name)} = ${isText ? read : `${read}::${type}`}`;
}

/** The policies of a table of tenants: the tenant's and, where there is one, the service role's. */
export function policiesSql(examination: Examination, { relation, column }: OwnRelation): string[] {
  const condition = conditionSql(examination, column);
  const present = (examination.policies.get(relation.oid) ?? []).map(({ name }) => name);
  const tenant = `create policy tenantry_tenant on ${sqlOf(relation)} using (${condition}) with check (${condition})`;
  const service = `create policy tenantry_service on ${sqlOf(relation)} to ${serviceRole} using (true) with check (true)`;
  return [
    ...(present.includes('tenantry_tenant') ? [] : [tenant]),
    ...(present.includes('tenantry_service') || !examination.setup.service ? [] : [service]),
  ];
}

/** Enables and forces row-level security on a table, as far as it is not. */
export function rowSecuritySql(relation: RelationRow): string[] {
  return [
    ...(relation.rowSecurity ? [] : [`alter table ${sqlOf(relation)} enable row level security`]),
    ...(relation.forced ? [] : [`alter table ${sqlOf(relation)} force row level security`]),
  ];
}

const commands: Readonly<Record<string, string>> = { r: 'select', a: 'insert', w: 'update', d: 'delete' };

/** Replaces a policy by one of the same name, command and roles that says what it should. */
export function replacePolicySql(
  examination: Examination,
  { relation, column }: OwnRelation,
  policy: PolicyRow,
): string[] {
  const condition = conditionSql(examination, column);
  const command = commands[policy.command];
  const parts = [
    `create policy ${quoteIdentifier(policy.name)} on ${sqlOf(relation)}`,
    ...(policy.permissive ? [] : ['as restrictive']),
    ...(command === undefined ? [] : [`for ${command}`]),
    ...(policy.roles.includes('public') ? [] : [`to ${policy.roles.map(roleSql).join(', ')}`]),
    ...(policy.command === 'a' ? [] : [`using (${condition})`]),
    ...(['a', 'w', '*'].includes(policy.command) ? [`with check (${condition})`] : []),
  ];
  return [dropPolicySql(relation, policy), parts.join(' ')];
}

/** Drops a policy. */
export function dropPolicySql(relation: OwnRelation['relation'], { name }: PolicyRow): string {
  return `drop policy ${quoteIdentifier(name)} on ${sqlOf(relation)}`;
}

/** Names a few of a list, and how many more there are. */
export function some(list: readonly string[]): string {
  const named = list.slice(0, 5).join(', ');
  return list.length > 5 ? `${named} and ${list.length - 5} more` : named;
}
