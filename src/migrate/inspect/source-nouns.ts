import { nounOf } from './names.ts';

/** What the last word of a table's name says of its rows: that they are groups of people, payers, or people. */
const groups: readonly (readonly [kind: SourceKind, score: number, words: string])[] = [
  [
    'organization',
    6,
    'organization organisation company tenant workspace firm agency merchant clinic school business shop store club',
  ],
  ['organization', 4, 'team institution hospital practice partner vendor franchise'],
  ['customer', 5, 'customer client account subscriber buyer licensee'],
  ['person', 4, 'user member developer'],
  ['person', 2, 'person profile patient student employee'],
];

/** What the rows of a source are. */
export type SourceKind = 'organization' | 'customer' | 'person' | 'other';

/** What a table's name says of its rows, and how much that speaks for tenants. */
export function sourceKindOf(table: string): { readonly kind: SourceKind; readonly score: number } {
  const noun = nounOf(table);
  const last = noun.at(-1) ?? '';
  for (const [kind, score, words] of groups) {
    // `user_profile` and `account_member` are less than `user` and `account`.
    if (words.split(' ').includes(last)) return { kind, score: noun.length === 1 ? score : score - 1.5 };
  }
  return { kind: 'other', score: 0 };
}

/** Whether a table's rows are people or payers, to whom `owner_id` and `created_by` may lead. */
export function isPersonName(table: string): boolean {
  const { kind } = sourceKindOf(table);
  return kind === 'person' || kind === 'customer';
}
