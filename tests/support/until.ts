import { type Kysely, sql } from 'kysely';

/** Waits, without a limit of its own, until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Waits until somebody in the database stands at a lock. */
export async function untilSomebodyWaits<DB>({ owner }: { readonly owner: Kysely<DB> }): Promise<void> {
  await until(async () => {
    const { rows } = await sql`select 1 from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and a.datname = current_database()`.execute(owner);
    return rows.length > 0;
  });
}
