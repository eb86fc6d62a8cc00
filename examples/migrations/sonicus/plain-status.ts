import { type RawBuilder, sql } from 'kysely';

/** The state of a subscription in the provider's own spelling: the legacy application wrote it in several. */
export function plainStatus(column: string): RawBuilder<unknown> {
  const word = sql`lower(btrim(${sql.ref(column)}))`;
  return sql`case when ${word} = 'cancelled' then 'canceled' else coalesce(nullif(${word}, ''), 'incomplete') end`;
}
