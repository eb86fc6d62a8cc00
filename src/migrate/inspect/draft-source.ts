import type { Strategy } from '../../tenancy/index.ts';
import type { InspectedTable, Inspection, Question } from './inspection.ts';
import { counted } from './names.ts';
import { sourceKindOf } from './source-nouns.ts';
import { ageColumn, emailColumn, keyPart, keyParts, personName, providerParts, tenantName } from './source-parts.ts';
import { groupingText } from './source-questions.ts';
import { comment, sqlTemplate, textLiteral } from './source-text.ts';

/** Questions as comments, each with its number. */
export function questionsOf(
  { questions }: Inspection,
  indent: string,
  about: (question: Question) => boolean,
): string[] {
  return questions
    .filter(about)
    .flatMap(({ number, blocking, text, sql }) => [
      ...comment(`QUESTION ${number}${blocking ? ' (must be answered)' : ''}: ${text}`, indent),
      ...(sql === null || !blocking ? [] : comment(`The rows: ${sql}`, indent)),
    ]);
}

function sourceOf({ tables, source }: Inspection): InspectedTable | undefined {
  return tables.find((table) => table.name === source);
}

/** From which rows tenants are made. */
export function tenantLines(inspection: Inspection, to: Strategy): string[] {
  const table = sourceOf(inspection);
  if (table === undefined) return [];
  const apart: readonly string[] = ['source', 'grouping', 'members', 'keys'];
  const provider = providerParts(table);
  const status = provider?.status === null || provider === null ? '' : `, status: ${provider.status}`;
  const same = to.tenantKind === 'program' ? sqlTemplate("'program'") : keyPart(table);
  return [
    ...questionsOf(inspection, '  ', (asked) => asked.table === table.name && !apart.includes(asked.topic)),
    '  tenants: {',
    ...comment(table.guess.reason, '    '),
    `    source: ${textLiteral(table.name)},`,
    ...groupingLines(inspection, keyPart(table)),
    `    sameTenant: [${same}],`,
    `    name: ${tenantName(table)},`,
    ...(provider === null ? [] : [`    provider: { customerId: ${provider.customerId}${status} },`]),
    '  },',
  ];
}

/** The question which rows are one tenant, with each answer as it would be written. */
function groupingLines({ questions, groupings, source }: Inspection, key: string): string[] {
  const asked = questions.find(({ topic }) => topic === 'grouping');
  if (asked === undefined) return [];
  const text = `QUESTION ${asked.number}: Which rows of "${source}" are one tenant? As drafted each of the ${counted(asked.rows, 'row')} is one for itself. To join those with the same value, put what they share before ${key}; the first that is present decides:`;
  const choices = groupings.map((grouping) => {
    const { by } = grouping;
    const rule = 'column' in by ? textLiteral(by.column) : sqlTemplate(by.sql);
    return `    //   ${rule.replace(/\s+/g, ' ')}, // ${groupingText(grouping)}`;
  });
  return [...comment(text, '    '), ...choices];
}

/** Rows of organizations are no people; a program has no members of its own. */
export function memberLines(inspection: Inspection, to: Strategy): string[] {
  const table = sourceOf(inspection);
  const asked = questionsOf(inspection, '  ', ({ topic }) => topic === 'members');
  const organizations = sourceKindOf(inspection.source).kind === 'organization' && to.tenantKind !== 'user';
  if (table === undefined || to.tenantKind === 'program' || organizations) return asked;
  const email = emailColumn(table);
  const name = personName(table);
  return [
    ...asked,
    '  members: {',
    `    source: ${textLiteral(table.name)},`,
    `    userId: ${keyPart(table)},`,
    ...(email === null ? [] : [`    email: ${textLiteral(email)},`]),
    ...(name === null ? [] : [`    name: ${name},`]),
    `    role: firstIsOwner({ by: ${textLiteral(ageColumn(table))} }),`,
    '  },',
  ];
}

/** Which column holds digests of API keys. */
export function keyLines(inspection: Inspection): string[] {
  const table = sourceOf(inspection);
  const asked = questionsOf(inspection, '  ', ({ topic, table: at }) => topic === 'keys' && at === inspection.source);
  if (table === undefined || inspection.keys === null || inspection.keys.scheme === null) return asked;
  const parts = [`source: ${textLiteral(table.name)}`, ...keyParts(table, inspection.keys)];
  return [...asked, '  apiKeys: {', ...parts.map((part) => `    ${part},`), '  },'];
}
