/** The words of a name: `billingCustomerId` and `billing_customer_id` are billing, customer, id. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '');
}

const irregular: Readonly<Record<string, string>> = {
  people: 'person',
  children: 'child',
  statuses: 'status',
  men: 'man',
  women: 'woman',
};

/** The singular of an English word, as far as table names need it. */
export function singular(word: string): string {
  const known = irregular[word];
  if (known !== undefined) return known;
  if (/(ss|us|is)$/.test(word) || word.length < 4) return word;
  if (/ies$/.test(word)) return `${word.slice(0, -3)}y`;
  if (/(ss|sh|ch|x|z)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/** The words of a table's name in the singular. */
export function nounOf(table: string): string[] {
  return wordsOf(table).map(singular);
}

/** The words of a table's name in each singular that it may have: `canvass` may stand for several of `canvas`. */
export function nounsOf(table: string): string[][] {
  const noun = nounOf(table);
  const words = wordsOf(table);
  const last = words.at(-1) ?? '';
  return last.endsWith('s') && singular(last) !== last.slice(0, -1)
    ? [noun, [...noun.slice(0, -1), last.slice(0, -1)]]
    : [noun];
}

const pointers = ['id', 'uuid', 'guid', 'key', 'code', 'ref', 'no', 'nr', 'number', 'fk'];

/** What a column speaks of: the words of its name without `id` and the like. */
export function stemOf(column: string): string[] {
  const words = wordsOf(column);
  const last = words.at(-1);
  return words.length > 1 && last !== undefined && pointers.includes(last) ? words.slice(0, -1) : words;
}

/** Whether a column is named after a table: `customer_id`, `customers_id` and `customer` after `customers`. */
export function isNamedAfter(column: string, table: string): boolean {
  const stem = stemOf(column);
  const stems = [stem.join(' '), stem.map(singular).join(' ')];
  return nounsOf(table).some((noun) => stems.includes(noun.join(' ')));
}

/** Whether the words of `end` are the last words of `words`. */
export function endsWith(words: readonly string[], end: readonly string[]): boolean {
  return (
    end.length > 0 && end.length <= words.length && end.every((word, place) => word === words.at(place - end.length))
  );
}

const actors = new Set(
  `actor approved approver assigned assignee author by changed closed created creator current default deleted editor favorite favourite
follower invited inviter last latest manager modified opened performed performer primary receiver recipient referred referral referrer
requested requester reviewed reviewer sender signed supervisor updated uploaded uploader verified`.split(/\s+/),
);

/** Whether columns name who did something or a pointer for convenience, rather than whose the row is. */
export function isActor(columns: readonly string[]): boolean {
  return columns.some((column) => wordsOf(column).some((word) => actors.has(word)));
}

/** Whether a table's name says that it holds a copy of what was. */
export function isArchiveName(table: string): boolean {
  const words = wordsOf(table);
  const first = words[0] ?? '';
  return (
    words.length > 1 &&
    (/^(old|bak|backup|tmp|temp|archive|archived|deleted|zz|legacy|deprecated)$/.test(first) ||
      words
        .slice(1)
        .some((word) =>
          /^(old|bak|backup|backups|tmp|temp|archive|archived|copy|legacy|deprecated|deleted|\d{6,8})$/.test(word),
        ))
  );
}

const bookkeepers: readonly (readonly [RegExp, string])[] = [
  [/^_prisma_migrations$/, 'Prisma'],
  [/^knex_migrations(_lock)?$/, 'Knex'],
  [/^kysely_migration(_lock)?$/, 'Kysely'],
  [/^alembic_version$/, 'Alembic'],
  [/^(schema_migrations|ar_internal_metadata)$/, 'Rails and others'],
  [/^flyway_schema_history$/, 'Flyway'],
  [/^databasechangelog(lock)?$/, 'Liquibase'],
  [/^django_migrations$/, 'Django'],
  [/^sequelizemeta$/, 'Sequelize'],
  [/^typeorm_metadata$/, 'TypeORM'],
  [/^(__drizzle_migrations|drizzle_migrations)$/, 'Drizzle'],
  [/^goose_db_version$/, 'goose'],
  [/^pgmigrations$/, 'node-pg-migrate'],
  [/^__efmigrationshistory$/, 'Entity Framework'],
  [/^migrations$/, 'a migration tool'],
  [/^spatial_ref_sys$/, 'PostGIS'],
];

/** The tool that keeps a table for itself; null when it seems to be the application's. */
export function bookkeeperOf(table: string): string | null {
  return bookkeepers.find(([pattern]) => pattern.test(table.toLowerCase()))?.[1] ?? null;
}

/** A number with its noun: `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
