import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { InspectedColumn, KeyDigests, SchemaTable } from './inspection.ts';
import { wordsOf } from './names.ts';
import { namesLiteral, sqlTemplate, textLiteral } from './source-text.ts';

const textual = /^(text|character varying|character|citext)$/;

/** The column with one of these names, the first name first. */
function named(table: SchemaTable, names: readonly string[], type = textual): InspectedColumn | undefined {
  for (const name of names) {
    const found = table.columns.find((column) => wordsOf(column.name).join('_') === name && type.test(column.base));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The key of a source row as one value: its column, or SQL where it has several. */
export function keyPart({ primaryKey }: SchemaTable): string {
  return primaryKey.length === 1
    ? namesLiteral(primaryKey)
    : sqlTemplate(`jsonb_build_array(${primaryKey.map(quoteIdentifier).join(', ')})::text`);
}

/** The column with an e-mail address. */
export function emailColumn(table: SchemaTable): string | null {
  const exact = named(table, ['email', 'email_address', 'e_mail', 'mail', 'primary_email', 'login_email']);
  const other = table.columns.find(({ name, base }) => textual.test(base) && wordsOf(name).at(-1) === 'email');
  return (exact ?? other)?.name ?? null;
}

/** What names a tenant: the first of company, name and e-mail that is there. */
export function tenantName(table: SchemaTable): string {
  const names = [
    ['company', 'company_name', 'organization', 'organization_name', 'business_name', 'legal_name'],
    ['name', 'display_name', 'full_name', 'title', 'label'],
    ['username', 'login', 'handle'],
  ];
  const email = table.columns.find((column) => column.name === emailColumn(table));
  const columns = [...names.map((list) => named(table, list)), email].flatMap((column) => column ?? []);
  const last = columns.findIndex((column) => column.notNull);
  const used = last < 0 ? columns : columns.slice(0, last + 1);
  if (used.length === 0) return keyPart(table);
  if (used.length === 1 && used[0]?.notNull === true) return textLiteral(used[0].name);
  const parts = used.map((column) =>
    column.notNull ? quoteIdentifier(column.name) : `nullif(btrim(${quoteIdentifier(column.name)}), '')`,
  );
  return sqlTemplate(parts.length === 1 ? `${parts[0]}` : `coalesce(${parts.join(', ')})`);
}

/** What names a person. */
export function personName(table: SchemaTable): string | null {
  const whole = named(table, ['name', 'full_name', 'display_name', 'contact_name']);
  if (whole !== undefined) return textLiteral(whole.name);
  const parts = [
    named(table, ['first_name', 'firstname', 'given_name']),
    named(table, ['last_name', 'lastname', 'family_name', 'surname']),
  ];
  const found = parts.flatMap((column) => column ?? []).map((column) => quoteIdentifier(column.name));
  return found.length === 0 ? null : sqlTemplate(`nullif(btrim(concat_ws(' ', ${found.join(', ')})), '')`);
}

/** The column by which the oldest row is found. */
export function ageColumn(table: SchemaTable): string {
  const times = table.columns.filter((column) => /^(timestamp|date)/.test(column.base));
  const born = times.find(({ name }) => /created|joined|registered|inserted|sign(ed)?_?up|since/i.test(name));
  return born?.name ?? table.primaryKey[0] ?? '';
}

/** The columns of the customer at a payment provider. */
export function providerParts(
  table: SchemaTable,
): { readonly customerId: string; readonly status: string | null } | null {
  const provider = '(stripe|paddle|chargebee|braintree|billing|recurly)';
  const id = new RegExp(`^${provider}_(customer_id|customer|id)$`);
  const customer = table.columns.find(({ name, base }) => textual.test(base) && id.test(wordsOf(name).join('_')));
  if (customer === undefined) return null;
  const state = new RegExp(`^(${provider}_)?(subscription_(status|state)|status)$`);
  const found = table.columns.filter(({ name }) => state.test(wordsOf(name).join('_')));
  const status =
    found.find(({ name }) => /subscription/i.test(name)) ?? found.find(({ name }) => !/^status$/i.test(name));
  return { customerId: textLiteral(customer.name), status: status === undefined ? null : textLiteral(status.name) };
}

/** The parts of the API keys of a source, as properties. */
export function keyParts(table: SchemaTable, { column, scheme }: KeyDigests): string[] {
  const keyed = (pattern: RegExp, type: RegExp): string | undefined =>
    table.columns.find(({ name, base }) => /key|token/i.test(name) && pattern.test(name) && type.test(base))?.name;
  const start = keyed(/prefix|start|hint/i, textual);
  const optional = { createdAt: /created|issued/i, revokedAt: /revoked|disabled/i, lastUsedAt: /last_?used/i };
  return [
    `digest: ${textLiteral(column)}`,
    `scheme: ${textLiteral(scheme ?? '')}`,
    `start: ${start === undefined ? sqlTemplate("''") : textLiteral(start)}`,
    ...Object.entries(optional).flatMap(([part, pattern]) => {
      const name = keyed(pattern, /^timestamp/);
      return name === undefined ? [] : [`${part}: ${textLiteral(name)}`];
    }),
  ];
}
