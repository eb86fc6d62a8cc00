import { describe, stepConfidence } from './describe-reference.ts';
import type { InspectedReference, OtherPath, SchemaTable, TableGuess, ViaGuess } from './inspection.ts';
import { chainOf, type Lead, pathText } from './lead-tables.ts';
import { bookkeeperOf, isArchiveName } from './names.ts';

/** What the guesses are made from. */
export interface Evidence {
  readonly tables: readonly SchemaTable[];
  readonly references: readonly InspectedReference[];
  readonly source: string;
  readonly sourceReason: string;
  readonly sourceConfidence: number;
  readonly led: ReadonlyMap<string, Lead>;
  /** Tables that could be led and are shared, as the data shows. */
  readonly common: ReadonlySet<string>;
  /** Rows of each led table that lead to no source row. */
  readonly unresolved: ReadonlyMap<string, number>;
  readonly others: ReadonlyMap<string, readonly OtherPath[]>;
}

/** Tables whose name says that they are a copy of what was, and that no foreign key ties to the rest. */
export function archives(tables: readonly SchemaTable[]): Set<string> {
  const referred = new Set(tables.flatMap((table) => table.foreignKeys.map((key) => key.target)));
  return new Set(
    tables
      .filter(
        ({ name, foreignKeys }) => bookkeeperOf(name) !== null || (isArchiveName(name) && foreignKeys.length === 0),
      )
      .map((table) => table.name)
      .filter((name) => !referred.has(name)),
  );
}

/** Whose each table seems to be, with the reason in one sentence. */
export function classify(evidence: Evidence): Map<string, TableGuess> {
  const { tables, source, sourceReason, sourceConfidence, led, others } = evidence;
  const apart = archives(tables);
  const guesses = new Map<string, TableGuess>();
  for (const table of tables) {
    const { name } = table;
    const lead = led.get(name);
    if (name === source) {
      const reason = sourceReason;
      guesses.set(name, { kind: 'source', reason, confidence: sourceConfidence, others: others.get(name) ?? [] });
    } else if (apart.has(name)) guesses.set(name, setAside(name, evidence));
    else if (lead !== undefined && hasNoWayThrough(table)) {
      const reason = `${describe(lead.reference)}, but the table is partitioned and has no key, by which rows are told apart.`;
      guesses.set(name, { kind: 'untouched', why: 'no-key', led: lead.reference, reason, confidence: 0.5 });
    } else if (lead !== undefined) guesses.set(name, viaGuess(name, lead, evidence));
  }
  const own = new Set([...guesses].filter(([, guess]) => ['source', 'via'].includes(guess.kind)).map(([name]) => name));
  const readers = commonReaders(evidence, own);
  for (const table of tables) {
    if (!guesses.has(table.name)) guesses.set(table.name, sharedOrNot(table, readers.get(table.name) ?? [], evidence));
  }
  return guesses;
}

/** A table without a key is gone through by where its rows lie, unless they lie in several partitions. */
function hasNoWayThrough({ kind, primaryKey, uniques, columns }: SchemaTable): boolean {
  const present = (name: string): boolean => columns.some((column) => column.name === name && column.notNull);
  const unique = uniques.some((each) => each.plain && each.columns.every(present));
  return kind === 'partitioned' && primaryKey.length === 0 && !unique;
}

function setAside(name: string, { references }: Evidence): TableGuess {
  const tool = bookkeeperOf(name);
  if (tool !== null) {
    const reason = `${tool} keeps it for itself.`;
    return { kind: 'untouched', why: 'bookkeeping', led: null, reason, confidence: 0.95 };
  }
  const led = references.find((reference) => reference.table === name) ?? null;
  const reason = 'Its name says that it is a copy of what was, and no foreign key ties it to other tables.';
  return { kind: 'untouched', why: 'archive', led, reason, confidence: led === null ? 0.9 : 0.7 };
}

function viaGuess(name: string, { reference }: Lead, evidence: Evidence): ViaGuess {
  const chain = chainOf(evidence.led, name);
  const rows = evidence.tables.find((table) => table.name === name)?.rows ?? 0;
  const others = evidence.others.get(name) ?? [];
  const unresolved = evidence.unresolved.get(name) ?? 0;
  const further = pathText(chain.slice(1));
  const agreeing = others.filter((other) => other.disagree === 0).map((other) => `"${other.columns.join(', ')}"`);
  const notes = [
    further === '' ? '' : `, from there by ${further} to "${evidence.source}"`,
    agreeing.length === 0
      ? ''
      : `; ${agreeing.join(' and ')} lead${agreeing.length === 1 ? 's' : ''} to the same on all rows`,
  ];
  return {
    kind: 'via',
    columns: reference.columns,
    to: reference.target,
    key: reference.targetColumns,
    path: pathText(chain),
    unresolved,
    others,
    reason: `${describe(reference)}${notes.join('')}.`,
    confidence: round(
      (1 - unresolved / Math.max(1, unresolved, rows)) *
        chain.reduce((product, step) => product * stepConfidence(step), 1) *
        (others.some((other) => other.disagree > 0) ? 0.7 : 1),
    ),
  };
}

/** For each table, the tables of tenants and other shared tables that refer to it. */
function commonReaders({ references }: Evidence, own: ReadonlySet<string>): Map<string, string[]> {
  const readers = new Map<string, string[]>();
  const open = [...own];
  const seen = new Set(open);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { table, target } of references) {
      if (table !== at || own.has(target)) continue;
      readers.set(target, [...new Set([...(readers.get(target) ?? []), at])].sort());
      if (!seen.has(target)) open.push(target);
      seen.add(target);
    }
  }
  return readers;
}

function sharedOrNot(table: SchemaTable, readers: readonly string[], evidence: Evidence): TableGuess {
  const { references, source, common } = evidence;
  if (readers.length > 0) {
    const names = readers
      .slice(0, 3)
      .map((name) => `"${name}"`)
      .join(', ');
    const more = readers.length > 3 ? ` and ${readers.length - 3} more` : '';
    const why = common.has(table.name)
      ? 'rows of many tenants refer to the same row of it'
      : `no column leads from it to "${source}"`;
    const reason = `${table.rows} rows, ${names}${more} ${readers.length === 1 ? 'refers' : 'refer'} to it, and ${why}.`;
    return { kind: 'shared', reason, confidence: table.rows <= 1000 ? 0.85 : 0.6 };
  }
  const mine = references.filter((reference) => reference.table === table.name && reference.target !== table.name);
  const blank = mine.filter(({ empty }) => table.rows > 0 && empty >= table.rows).flatMap(({ columns }) => columns);
  const leads = mine.filter(({ empty }) => table.rows === 0 || empty < table.rows);
  const elsewhere =
    leads.length === 0
      ? 'nothing leads anywhere'
      : `it leads to ${leads.map(({ target }) => `"${target}"`).join(', ')} and not to "${source}"`;
  const unused = blank.length === 0 ? '' : `, and ${blank.map((name) => `"${name}"`).join(', ')} is empty on all rows`;
  const reason = `No column leads to a tenant and no table of tenants refers to it: ${elsewhere}${unused}.`;
  return { kind: 'untouched', why: 'no-path', led: null, reason, confidence: table.rows === 0 ? 0.6 : 0.4 };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
