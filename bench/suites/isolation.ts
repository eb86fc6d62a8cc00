import type { Kysely } from 'kysely';
import { uuidv7 } from '../../src/core/index.ts';
import { isolateTable } from '../../src/database/index.ts';
import { createTenancy, own, perOrg } from '../../src/tenancy/index.ts';
import type { Suite } from '../harness.ts';

interface Tables {
  'bench.notes': { tenant_id: string; id: string; title: string; created_at: Date };
}

const tenantCount = 1000;
const notesEach = 50;

/**
 * A read of one row through `scope` against the same query with its predicate written by hand; and, against that bare
 * statement, the read under row-level security: as a statement of its own, and in a tenant's transaction.
 */
export const suite: Suite = async (bench) => {
  const database = await bench.database();
  const db: Kysely<Tables> = database.db;
  const now = new Date();
  const tenants = Array.from({ length: tenantCount }, () => uuidv7());
  const notes = tenants.flatMap((tenantId) => Array.from({ length: notesEach }, () => ({ tenantId, id: uuidv7() })));
  await database.run(`create table bench.notes (tenant_id uuid not null, id uuid not null, title text not null,
    created_at timestamptz not null, primary key (tenant_id, id))`);
  await database.run(
    `insert into bench.notes select tenant_id, id, 'A note', $3::timestamptz
     from unnest($1::uuid[], $2::uuid[]) as n (tenant_id, id)`,
    [notes.map((note) => note.tenantId), notes.map((note) => note.id), now],
  );
  await database.run('grant usage on schema bench to tenantry_app');
  for (const statement of isolateTable({ schema: 'bench', table: 'notes' })) await database.run(statement);
  await database.run('vacuum analyze');

  const { scope, transaction } = createTenancy({ db, strategy: perOrg(), tables: { 'bench.notes': own() } });
  const pick = (): { tenantId: string; id: string } => {
    const note = notes[Math.floor(Math.random() * notes.length)];
    if (note === undefined) throw new Error('no note');
    return note;
  };
  const byHand = async (): Promise<void> => {
    const { tenantId, id } = pick();
    await db
      .selectFrom('bench.notes')
      .select(['id', 'title', 'created_at'])
      .where('tenant_id', '=', tenantId)
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  };
  const at = [1, 16, 64];
  return [
    ...(await bench.compare({
      name: 'scope-read/handwritten',
      at,
      async ours() {
        const { tenantId, id } = pick();
        await scope(tenantId)
          .selectFrom('bench.notes')
          .select(['id', 'title', 'created_at'])
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
      },
      reference: byHand,
    })),
    ...(await bench.compare({
      name: 'row-security-statement/plain-statement',
      at,
      async ours() {
        const { tenantId, id } = pick();
        await scope(tenantId, { rowSecurity: true })
          .selectFrom('bench.notes')
          .select(['id', 'title', 'created_at'])
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
      },
      reference: byHand,
    })),
    ...(await bench.compare({
      name: 'transaction/plain-statement',
      at,
      async ours() {
        const { tenantId, id } = pick();
        await transaction(tenantId, (tx) =>
          tx
            .selectFrom('bench.notes')
            .select(['id', 'title', 'created_at'])
            .where('id', '=', id)
            .executeTakeFirstOrThrow(),
        );
      },
      reference: byHand,
    })),
  ];
};
