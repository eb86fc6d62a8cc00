import type { Strategy } from '../../tenancy/index.ts';
import { keyLines, memberLines, questionsOf, tenantLines } from './draft-source.ts';
import type { InspectedTable, Inspection } from './inspection.ts';
import { sourceKindOf } from './source-nouns.ts';
import { comment, namesLiteral, property, propertyName, textLiteral } from './source-text.ts';
import { strategyText } from './strategy-text.ts';
import { typescriptType } from './typescript-type.ts';

/** Options of {@link draftDefinition}. */
export interface DraftOptions {
  /** The name of the migration: 1 to 63 characters of a-z, 0-9, - and _. */
  readonly name: string;
  /** The strategy that the migration leads to. */
  readonly to: Strategy;
  /** The strategy that it comes from; guessed from the source when absent. */
  readonly from?: Strategy;
}

/**
 * Writes the text of a TypeScript file with a definition: the legacy database as a type, and whose each table is, with
 * the reason on the line above and the questions where they concern. It compiles as it stands.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { perOrg } from 'tenantry';
 * import { draftDefinition, type Inspection } from 'tenantry/migrate';
 *
 * async function save(inspection: Inspection): Promise<void> {
 *   await writeFile('migration.ts', draftDefinition(inspection, { name: 'to-organizations', to: perOrg() }));
 * }
 * ```
 */
export function draftDefinition(inspection: Inspection, { name, to, from }: DraftOptions): string {
  const origin = from === undefined ? guessedOrigin(inspection) : strategyText(from);
  const body = [
    ...questionsOf(inspection, '', ({ topic }) => topic === 'source'),
    'export default defineMigration<Legacy>()({',
    `  name: ${textLiteral(name)},`,
    `  from: ${origin},`,
    `  to: ${strategyText(to)},`,
    ...(inspection.schema === 'public' ? [] : [`  schema: ${textLiteral(inspection.schema)},`]),
    ...(inspection.column === 'tenant_id' ? [] : [`  column: ${textLiteral(inspection.column)},`]),
    ...tenantLines(inspection, to),
    ...memberLines(inspection, to),
    ...keyLines(inspection),
    '  tables: {',
    ...inspection.tables.flatMap((table) => tableLines(inspection, table)),
    '  },',
    ...questionsOf(inspection, '  ', ({ table }) => table === null),
    '});',
    '',
  ];
  return [...header(inspection, body, origin, strategyText(to)), '', ...legacyType(inspection), '', ...body].join('\n');
}

function header({ schema, questions }: Inspection, body: readonly string[], ...strategies: string[]): string[] {
  const code = body.filter((line) => !line.trimStart().startsWith('//')).join('\n');
  const used = ['firstIsOwner', 'quarantine', 'shared', 'untouched', 'via'].filter((word) => code.includes(`${word}(`));
  const kinds = [...new Set(strategies.map((text) => text.slice(0, text.indexOf('('))))].sort();
  const open = questions.filter((question) => question.blocking).length;
  const asked =
    questions.length === 0
      ? 'It left no question open.'
      : `It left ${questions.length} questions open; ${open === 0 ? 'none' : open} of them must be answered before the migration can run.`;
  const first = `Drafted from the schema ${textLiteral(schema)}. Whose each table is was guessed, with the reason above it. ${asked}`;
  return [
    ...comment(first, ''),
    ...(code.includes('sql`') ? ["import { sql } from 'kysely';"] : []),
    `import { ${kinds.join(', ')} } from 'tenantry';`,
    `import { ${['defineMigration', ...used].join(', ')} } from 'tenantry/migrate';`,
  ];
}

function legacyType({ tables }: Inspection): string[] {
  return [
    '/** The legacy database, as node-postgres reads it. */',
    'interface Legacy {',
    ...tables.flatMap(({ name, columns }) =>
      columns.length === 0
        ? [`  ${propertyName(name)}: Record<never, never>;`]
        : [
            `  ${propertyName(name)}: {`,
            ...columns.map((column) => `    ${propertyName(column.name)}: ${typescriptType(column)};`),
            '  };',
          ],
    ),
    '}',
  ];
}

function guessedOrigin({ source }: Inspection): string {
  return sourceKindOf(source).kind === 'organization' ? 'perOrg()' : 'perUser()';
}

function tableLines(inspection: Inspection, table: InspectedTable): string[] {
  const { guess, name } = table;
  if (guess.kind === 'source') return [];
  const rule =
    guess.kind === 'via'
      ? property('    ', propertyName(name), 'via', viaOptions(inspection, table), namesLiteral(guess.columns))
      : property('    ', propertyName(name), guess.kind, []);
  return [
    ...questionsOf(inspection, '    ', (asked) => asked.table === name),
    ...comment(guess.reason, '    '),
    ...rule,
  ];
}

/** Only what the engine would not find by itself: the first foreign key over the columns, and the primary key it leads to. */
function viaOptions({ tables, source, schema }: Inspection, { guess, foreignKeys }: InspectedTable): string[] {
  if (guess.kind !== 'via') return [];
  const same = (a: readonly string[], b: readonly string[]): boolean => JSON.stringify(a) === JSON.stringify(b);
  const first = foreignKeys.find((key) => same(key.columns, guess.columns));
  const implied = first === undefined ? source : first.targetSchema === schema ? first.target : null;
  const primaryKey = tables.find((each) => each.name === guess.to)?.primaryKey ?? [];
  return [
    ...(implied === guess.to ? [] : [`to: ${textLiteral(guess.to)}`]),
    ...(same(primaryKey, guess.key) ? [] : [`key: ${namesLiteral(guess.key)}`]),
    ...(guess.unresolved > 0 ? ['unresolved: quarantine()'] : []),
  ];
}
