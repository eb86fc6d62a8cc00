import { appRole, librarySchema } from '../../database/index.ts';
import { schemaSteps } from '../../database/schema/steps.ts';

/** What the library's schema looks like as it was installed. */
export interface ExpectedLibrary {
  readonly newest: number;
  /** The statements that make each table, by name. */
  readonly tables: ReadonlyMap<string, readonly string[]>;
  /** The tables under row-level security, with the statements that make their policies, by name. */
  readonly isolated: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The statements that make triggers, by `table.trigger`. */
  readonly triggers: ReadonlyMap<string, string>;
  /** What the application's role may do with each table. */
  readonly rights: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads from the library's own statements, up to a version, what its schema should be. */
export function expectedLibrary(version: number): ExpectedLibrary {
  const statements = schemaSteps
    .filter((step) => step.version <= version)
    .flatMap((step) => step.statements)
    .map((sql) => ({ sql, plain: sql.replaceAll('"', '') }));
  const tables = new Map<string, readonly string[]>();
  const isolated = new Map<string, Map<string, string>>();
  const rights = new Map<string, Set<string>>();
  const triggers = new Map<string, string>();
  for (const { sql, plain } of statements) {
    const made = nameIn(plain, /^create table (\S+)/);
    if (made !== undefined)
      tables.set(
        made,
        statements.flatMap((other) => (mentions(other.plain, made) ? [other.sql] : [])),
      );
    const secured = nameIn(plain, /^alter table (\S+) enable row level security/);
    if (secured !== undefined) isolated.set(secured, new Map());
    const [, trigger, on = ''] =
      /^create (?:or replace )?(?:constraint )?trigger (\S+) .*? on (\S+)/s.exec(plain) ?? [];
    if (trigger !== undefined) triggers.set(`${nameIn(on, /^(\S+)$/)}.${trigger}`, sql);
    applyPolicy(sql, plain, isolated);
    applyRight(plain, rights);
  }
  return { newest: schemaSteps.at(-1)?.version ?? 0, tables, isolated, rights, triggers };
}

function nameIn(statement: string, pattern: RegExp): string | undefined {
  const found = pattern.exec(statement)?.[1];
  return found?.startsWith(`${librarySchema}.`) ? found.slice(librarySchema.length + 1) : undefined;
}

/** A statement that makes a table, or stands on it: not one of another table that refers to it. */
function mentions(statement: string, table: string): boolean {
  const on = new RegExp(
    `^(create table|alter table|grant .* on|revoke .* on|create .* on) ${librarySchema}\\.${table}\\b`,
    's',
  );
  return on.test(statement);
}

function applyPolicy(sql: string, plain: string, isolated: ReadonlyMap<string, Map<string, string>>): void {
  const [, verb, policy = '', table = ''] = /^(create|drop) policy (?:if exists )?(\S+) on (\S+)/.exec(plain) ?? [];
  const policies = isolated.get(nameIn(table, /^(\S+)$/) ?? '');
  if (verb === 'create') policies?.set(policy, sql);
  if (verb === 'drop') policies?.delete(policy);
}

function applyRight(statement: string, rights: Map<string, Set<string>>): void {
  const found = /^(grant|revoke) (.+?) on (?:table )?(.+?) (?:to|from) (.+)$/s.exec(statement);
  if (found === null) return;
  const [, verb, list = '', tables = '', roles = ''] = found;
  if (!roles.split(/,\s*/).includes(appRole)) return;
  const named = list.toUpperCase().split(/,\s*/);
  for (const table of tables.split(/,\s*/)) {
    const name = nameIn(table, /^(\S+)$/);
    if (name === undefined) continue;
    const held = rights.get(name) ?? new Set();
    for (const right of named) {
      if (verb === 'grant') held.add(right);
      else held.delete(right);
    }
    rights.set(name, held);
  }
}
