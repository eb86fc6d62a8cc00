import type { InspectedColumn } from './inspection.ts';
import { textLiteral } from './source-text.ts';

const types: Readonly<Record<string, string>> = {
  smallint: 'number',
  integer: 'number',
  oid: 'number',
  real: 'number',
  'double precision': 'number',
  boolean: 'boolean',
  date: 'Date',
  'timestamp without time zone': 'Date',
  'timestamp with time zone': 'Date',
  bytea: 'Uint8Array',
  json: 'unknown',
  jsonb: 'unknown',
  interval: 'unknown',
  point: 'unknown',
  circle: 'unknown',
};

/** Types that the driver reads as their text. */
const texts = new Set(
  `bigint numeric money text citext name xml uuid inet cidr macaddr macaddr8 tsvector tsquery ltree hstore
int4range int8range numrange tsrange tstzrange daterange line lseg box path polygon bit`.split(/\s+/),
);
const longTexts = /^("char"|character|character varying|bit varying|time with(out)? time zone)$/;

/** The TypeScript type of a column as node-postgres reads it: `bigint` and `numeric` are texts, times are dates. */
export function typescriptType({ base, labels, notNull }: InspectedColumn): string {
  const array = base.endsWith('[]');
  const element = elementType(array ? base.slice(0, -2) : base, labels);
  const type = !array ? element : element.includes(' ') ? `(${element})[]` : `${element}[]`;
  return notNull || type === 'unknown' ? type : `${type} | null`;
}

function elementType(base: string, labels: readonly string[] | null): string {
  if (labels !== null) return labels.length === 0 ? 'never' : labels.map(textLiteral).join(' | ');
  return types[base] ?? (texts.has(base) || longTexts.test(base) ? 'string' : 'unknown');
}
