import type { AnyDatabase } from '../database/index.ts';
import { execute } from './sql-text.ts';

interface Counted {
  readonly count: string;
  readonly samples: string[] | null;
}

/** Counts what a query finds and keeps five samples. The query gives one text column, `sample`. */
export async function countSamples(tx: AnyDatabase, query: string): Promise<{ count: number; samples: string[] }> {
  const found = await execute<Counted>(
    tx,
    `with found as (${query}) select count(*)::text as count,
  (select array_agg(sample order by sample) from (select sample from found order by sample limit 5) as s) as samples from found`,
  );
  return { count: Number(found.rows[0]?.count ?? 0), samples: found.rows[0]?.samples ?? [] };
}
