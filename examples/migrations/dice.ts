import { type QueryExecutorProvider, sql } from 'kysely';

/**
 * Loads dice into the session, for generators that are a handful of INSERT … SELECT statements and therefore fast at any
 * size. A roll depends on the seed, on what it is for and on the number of the row alone, so that the same seed makes the
 * same rows on every machine, and a row stays what it is when there are more of them.
 *
 * - `pg_temp.roll(purpose, n)`: a number from 0 up to 1
 * - `pg_temp.below(purpose, n, size)`: a whole number from 0 to size - 1
 * - `pg_temp.pick(purpose, n, list)`: one text of a list
 * - `pg_temp.uid(purpose, n)`: a UUID
 * - `pg_temp.kind_of_dirt(purpose, n, kinds)`: NULL for clean rows, else a number from 0 to kinds - 1
 *
 * Use it in a transaction, which keeps to one connection.
 */
export async function loadDice(
  tx: QueryExecutorProvider,
  { seed, dirt }: { readonly seed: number; readonly dirt: number },
): Promise<void> {
  const functions = [
    `roll(purpose text, n bigint) returns double precision language sql immutable as
      $$ select ('x' || substr(md5('${seed}:' || purpose || ':' || n), 1, 8))::bit(32)::bigint / 4294967296.0::double precision $$`,
    `below(purpose text, n bigint, size bigint) returns bigint language sql immutable as
      $$ select floor(pg_temp.roll(purpose, n) * size)::bigint $$`,
    `pick(purpose text, n bigint, list text[]) returns text language sql immutable as
      $$ select list[1 + pg_temp.below(purpose, n, cardinality(list))] $$`,
    `uid(purpose text, n bigint) returns uuid language sql immutable as
      $$ select md5('${seed}:' || purpose || ':' || n)::uuid $$`,
    `kind_of_dirt(purpose text, n bigint, kinds bigint) returns bigint language sql immutable as
      $$ select case when pg_temp.roll('dirt of ' || purpose, n) < ${dirt} then pg_temp.below('kind of ' || purpose, n, kinds) end $$`,
  ];
  for (const text of functions) await sql.raw(`create or replace function pg_temp.${text}`).execute(tx);
}

/** Lets every sequence of a column go on after the last row. */
export async function setSequences(tx: QueryExecutorProvider): Promise<void> {
  await sql
    .raw(`do $$ declare col record; begin
    for col in select table_name, column_name from information_schema.columns
      where table_schema = current_schema() and column_default like 'nextval(%'
    loop execute format('select setval(pg_get_serial_sequence(%L, %L), coalesce(max(%I), 1)) from %I',
      quote_ident(col.table_name), col.column_name, col.column_name, col.table_name);
    end loop; end $$`)
    .execute(tx);
}

/** A whole number of at least one, or a TypeError: sizes and seeds stand in the text of statements. */
export function wholeNumber(name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`${name} is a whole number of at least ${least}`);
}

/** A share from 0 to 1, or a TypeError. */
export function shareOf(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new TypeError(`${name} is a number from 0 to 1`);
}
