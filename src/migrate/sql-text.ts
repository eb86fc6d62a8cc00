import { createHash } from 'node:crypto';
import { CompiledQuery, type RawBuilder } from 'kysely';
import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import type { SourceExpression } from './definition.ts';

/** Quotes a name with its schema. */
export function qualified(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/**
 * A UUID made from texts, the same in every run: the first bits of a SHA-256, marked as version 8 (RFC 9562, custom). A
 * migration that is killed and run again, or rehearsed on a copy, so makes the same identifiers.
 */
export function uuidSql(namespace: string, parts: string): string {
  const hash = `encode(sha256(convert_to(${quoteLiteral(`${namespace}:`)} || ${parts}, 'UTF8')), 'hex')`;
  return `(select (substr(h, 1, 12) || '8' || substr(h, 14, 3) || '8' || substr(h, 18, 15))::uuid from (select ${hash} as h) as d)`;
}

/** The same UUID as {@link uuidSql} makes, of a text that is known. */
export function uuidOf(namespace: string, text: string): string {
  const h = createHash('sha256').update(`${namespace}:${text}`).digest('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`;
}

/** Texts as a list of literals. */
export function sqlList(texts: readonly string[]): string {
  return texts.map(quoteLiteral).join(', ');
}

/** A text without control characters and surrounding spaces. */
export function cleanSql(text: string): string {
  return `btrim(regexp_replace(${text}, '[[:cntrl:]]', '', 'g'))`;
}

/** A column or SQL of a definition as text, with its parameters written out; columns are those of `alias`. */
export function expressionText(db: AnyDatabase, expression: SourceExpression, alias: string): string {
  if (typeof expression === 'string') return `${quoteIdentifier(alias)}.${quoteIdentifier(expression)}`;
  return `(${inlined(db, expression)})`;
}

/** A statement of a definition as text, with its parameters written out. */
export function statementText(db: AnyDatabase, statement: string | RawBuilder<unknown>): string {
  return (typeof statement === 'string' ? statement : inlined(db, statement)).trim().replace(/;$/, '');
}

/** A dollar sign within quotes belongs to a text or a name and is no parameter. */
function inlined(db: AnyDatabase, expression: RawBuilder<unknown>): string {
  const { sql, parameters } = expression.compile(db.withoutPlugins());
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\d+)/g, (quoted, place: string | undefined) =>
    place === undefined ? quoted : literal(parameters[Number(place) - 1]),
  );
}

/** Quotes a text between dollar signs, with a tag that does not stand in the text. The text must not end in a tag. */
export function dollarQuoted(text: string, tag = 'tenantry'): string {
  let free = tag;
  for (let n = 1; text.includes(`$${free}$`); n += 1) free = `${tag}_${n}`;
  return `$${free}$${text}$${free}$`;
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoteLiteral(value);
  throw new TypeError('SQL of a migration definition takes texts, numbers, booleans and null as values');
}

/** Runs a statement that stands as text. */
export async function execute<Row = unknown>(
  db: AnyDatabase,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<{ rows: Row[]; affected: number }> {
  const result = await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
  return { rows: result.rows, affected: Number(result.numAffectedRows ?? 0) };
}
