import { expect, it } from 'vitest';
import type { InspectedColumn, SchemaTable } from './inspection.ts';
import { acceptedReferences, referenceCandidates } from './references.ts';

const column = (name: string, base: string): InspectedColumn => ({
  name,
  base,
  type: base,
  labels: null,
  notNull: true,
});

function table(name: string, columns: Readonly<Record<string, string>>, unique: readonly string[] = []): SchemaTable {
  return {
    name,
    kind: 'ordinary',
    partitions: 0,
    rows: 10,
    rowsExact: true,
    bytes: 0,
    columns: Object.entries(columns).map(([each, base]) => column(each, base)),
    primaryKey: ['id'],
    foreignKeys: [],
    uniques: unique.map((each) => ({ name: each, columns: [each], plain: true, definition: '' })),
    triggers: [],
    policies: [],
    rowSecurity: false,
    owned: true,
  };
}

const customers = table('customers', { id: 'integer', email: 'text', stripe_customer_id: 'text' }, [
  'email',
  'stripe_customer_id',
]);
const found = (columns: Readonly<Record<string, string>>): string[] =>
  referenceCandidates([customers, table('calls', { id: 'uuid', ...columns })]).map(
    (candidate) => `${candidate.column.name} → ${candidate.target}.${candidate.targetColumn} ${candidate.strength}`,
  );

it('a column speaks of a table by its name, its role, or a column that both have', () => {
  expect(found({ customer_id: 'bigint', customer: 'integer', billing_customer_id: 'integer' })).toEqual([
    'customer_id → customers.id 3',
    'customer → customers.id 3',
    'billing_customer_id → customers.id 2',
  ]);
  expect(found({ owner_id: 'integer', createdBy: 'integer' })).toEqual([
    'owner_id → customers.id 1',
    'createdBy → customers.id 1',
  ]);
  expect(found({ customer_email: 'text', stripe_customer_id: 'text' })).toEqual([
    'customer_email → customers.email 2',
    'stripe_customer_id → customers.stripe_customer_id 2',
  ]);
});

it('a column of another type, or that says nothing, is no reference', () => {
  expect(found({ customer_id: 'text', count: 'integer', email: 'text', customers: 'jsonb' })).toEqual([]);
});

it('data decides: most values are found, or there are no rows and the name is the table’s own', () => {
  const [candidate] = referenceCandidates([customers, table('calls', { id: 'uuid', customer_id: 'integer' })]);
  if (candidate === undefined) throw new Error('no candidate');
  const judge = (sampled: number, hits: number, rows = 100): string => {
    const { accepted, doubtful } = acceptedReferences([{ ...candidate, sampled, found: hits, rows }]);
    return accepted.length > 0 ? 'accepted' : doubtful.length > 0 ? 'doubtful' : 'rejected';
  };
  expect([judge(100, 97), judge(100, 12), judge(100, 0), judge(0, 0), judge(0, 0, 0)]).toEqual([
    'accepted',
    'doubtful',
    'rejected',
    'rejected',
    'accepted',
  ]);
});
