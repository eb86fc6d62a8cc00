import { type Kysely, type RawBuilder, sql } from 'kysely';
import { arrayLiteral } from './generator/array-literal.ts';
import { generateNotes, generateProjects } from './generator/belongings.ts';
import { generateCalls } from './generator/calls.ts';
import { generateCustomers, type LegacyCustomer } from './generator/customers.ts';
import { type GenerateOptions, sizeOf } from './generator/options.ts';
import { type CustomerDirt, countDirt } from './generator/summary.ts';
import { endpoints } from './generator/words.ts';
import { createLegacyKeys, createLegacyTables, type LegacyDatabase } from './legacy-schema.ts';

export type { GenerateOptions } from './generator/options.ts';
export { legacySecretOf } from './generator/secret.ts';

/** What was generated: rows by table, and how dirty they are. */
export interface LegacySummary {
  readonly rows: { readonly [Table in keyof LegacyDatabase]: number };
  readonly dirt: CustomerDirt;
  /** Calls of customers who are gone. */
  readonly callsOfGoneCustomers: number;
}

/**
 * Makes the legacy tables in an empty schema and fills them: 5,000 customers and 200,000 calls, dirty as real data is.
 * The same options give the same rows on every machine. It runs in one transaction.
 *
 * @example
 * ```ts
 * const summary = await generateLegacy(db, { customers: 500 });
 * console.log(summary.dirt.withoutStripeCustomer);
 * ```
 */
export async function generateLegacy(
  db: Kysely<LegacyDatabase>,
  options: GenerateOptions = {},
  onRows: (rows: number) => void = () => undefined,
): Promise<LegacySummary> {
  const size = sizeOf(options);
  const customers = generateCustomers(size);
  const projects = generateProjects(customers, size);
  const notes = generateNotes(projects, size);
  let callsOfGoneCustomers = 0;
  await db.transaction().execute(async (tx) => {
    await createLegacyTables(tx);
    await tx
      .insertInto('endpoints')
      .values(endpoints.map(({ weight: _, ...row }) => row))
      .execute();
    for (const batch of batches(customers)) await insertCustomers(tx, batch);
    for (const batch of batches(projects)) {
      await sql`insert into projects (id, customer_id, name, settings, archived_at, created_at)
        select id, customer, name, settings, ${time('archived')}, ${time('created')}
        from unnest(${column(batch, (row) => row.id)}::bigint[], ${column(batch, (row) => row.customerId)}::uuid[],
          ${column(batch, (row) => row.name)}::text[], ${column(batch, (row) => row.settings)}::jsonb[],
          ${column(batch, (row) => row.archivedAt)}::float8[], ${column(batch, (row) => row.createdAt)}::float8[])
          as row (id, customer, name, settings, archived, created)`.execute(tx);
    }
    for (const batch of batches(notes)) {
      await sql`insert into notes (id, project_id, body, pinned, created_at)
        select id, project, body, pinned, ${time('created')}
        from unnest(${column(batch, (row) => row.id)}::bigint[], ${column(batch, (row) => row.projectId)}::bigint[],
          ${column(batch, (row) => row.body)}::text[], ${column(batch, (row) => row.pinned)}::boolean[],
          ${column(batch, (row) => row.createdAt)}::float8[])
          as row (id, project, body, pinned, created)`.execute(tx);
    }
    onRows(customers.length + projects.length + notes.length);
    for (const calls of generateCalls(customers, size)) {
      await sql`insert into api_calls (id, customer_id, endpoint, status_code, duration_ms, called_at)
        select id, customer, endpoint, status, duration, ${time('called')}
        from unnest(${array(calls.ids)}::bigint[], ${array(calls.customerIds)}::uuid[],
          ${array(calls.endpoints)}::text[], ${array(calls.statusCodes)}::smallint[],
          ${array(calls.durations)}::integer[], ${array(calls.calledAts)}::float8[])
          as row (id, customer, endpoint, status, duration, called)`.execute(tx);
      callsOfGoneCustomers += calls.gone;
      onRows(calls.ids.length);
    }
    await createLegacyKeys(tx);
    for (const table of ['projects', 'notes', 'api_calls']) {
      await sql`select setval(pg_get_serial_sequence(${table}, 'id'), coalesce(max(id), 1)) from ${sql.table(table)}`.execute(
        tx,
      );
    }
  });
  await sql`analyze customers, projects, notes, api_calls, endpoints`.execute(db);
  return {
    rows: {
      endpoints: endpoints.length,
      customers: customers.length,
      projects: projects.length,
      notes: notes.length,
      api_calls: size.calls,
    },
    dirt: countDirt(customers),
    callsOfGoneCustomers,
  };
}

async function insertCustomers(tx: Kysely<LegacyDatabase>, batch: readonly LegacyCustomer[]): Promise<void> {
  await sql`insert into customers (id, email, first_name, last_name, company, stripe_customer_id, subscription_status,
      api_key_hash, api_key_prefix, api_key_created_at, api_key_revoked_at, api_key_last_used_at, created_at, updated_at)
    select id, email, first, last, company, stripe, status, hash, prefix,
      ${time('issued')}, ${time('revoked')}, ${time('used')}, ${time('created')}, ${time('updated')}
    from unnest(${column(batch, (row) => row.id)}::uuid[], ${column(batch, (row) => row.email)}::text[],
      ${column(batch, (row) => row.firstName)}::text[], ${column(batch, (row) => row.lastName)}::text[],
      ${column(batch, (row) => row.company)}::text[], ${column(batch, (row) => row.stripeCustomerId)}::text[],
      ${column(batch, (row) => row.subscriptionStatus)}::text[], ${column(batch, (row) => row.key?.hash ?? null)}::text[],
      ${column(batch, (row) => row.key?.prefix ?? null)}::text[],
      ${column(batch, (row) => row.key?.createdAt ?? null)}::float8[],
      ${column(batch, (row) => row.key?.revokedAt ?? null)}::float8[],
      ${column(batch, (row) => row.key?.lastUsedAt ?? null)}::float8[],
      ${column(batch, (row) => row.createdAt)}::float8[], ${column(batch, (row) => row.updatedAt)}::float8[])
      as row (id, email, first, last, company, stripe, status, hash, prefix, issued, revoked, used, created, updated)`.execute(
    tx,
  );
}

/** A list as the text of an array; the statement casts it to the type of its column. */
const array = (list: readonly (string | number | boolean | null)[]): RawBuilder<unknown> =>
  sql`${arrayLiteral(list)}::text`;

function column<Row>(rows: readonly Row[], of: (row: Row) => string | number | boolean | null): RawBuilder<unknown> {
  return array(rows.map(of));
}

/** Milliseconds since 1970 as a time. */
const time = (name: string): RawBuilder<unknown> => sql`to_timestamp(${sql.ref(name)} / 1000)`;

function* batches<Row>(rows: readonly Row[], size = 10_000): Generator<readonly Row[]> {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}
