import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { createSecretBox } from 'tenantry/core';
import { reencrypt } from 'tenantry/database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pgliteDatabase, postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Shops {
  shops: { tenant_id: string; id: number; token: string | null };
}
const tenants = ['0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90', '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a91'];
const old = { id: 'old', key: randomBytes(32) };
const next = { id: 'next', key: randomBytes(32) };
const place = (tenantId: string, id: number) => ({ tenantId, column: 'shops.token', rowId: String(id) });

for (const make of [pgliteDatabase, postgresDatabase]) {
  let database: TestDatabase<Shops>;
  beforeAll(async () => {
    database = await make<Shops>({ install: false });
    await sql`create table shops (tenant_id uuid, id bigint, token text, primary key (tenant_id, id))`.execute(
      database.owner,
    );
  });
  afterAll(() => database.destroy());

  it(`seals a table anew in batches, and opens all of it under either key (${make.name})`, async () => {
    const db = database.owner;
    const before = createSecretBox([old]);
    const rows = tenants.flatMap((tenant_id) =>
      Array.from({ length: 130 }, (_, id) => ({
        tenant_id,
        id,
        token: id % 13 === 0 ? null : before.seal(`token ${id}`, place(tenant_id, id)),
      })),
    );
    await db.insertInto('shops').values(rows).execute();
    const turning = createSecretBox([next, old]);
    const result = await reencrypt(db, { secrets: turning, table: 'shops', column: 'token', batch: 17 });
    expect(result).toEqual({ found: 240, sealed: 240, skipped: 0 });
    expect(await reencrypt(db, { secrets: turning, table: 'shops', column: 'token' })).toEqual({
      found: 0,
      sealed: 0,
      skipped: 0,
    });
    const after = createSecretBox([next]);
    for (const row of await db.selectFrom('shops').selectAll().execute()) {
      const id = Number(row.id);
      if (row.token === null) expect(id % 13).toBe(0);
      else expect(after.open(row.token, place(row.tenant_id, id))).toBe(`token ${id}`);
    }
  });

  it(`stops at a row that no key opens, and names the column alone (${make.name})`, async () => {
    const stranger = createSecretBox([{ id: 'old', key: randomBytes(32) }, next]);
    await database.owner
      .updateTable('shops')
      .set({ token: createSecretBox([old]).seal('c', place(tenants[0] ?? '', 1)) })
      .where('id', '=', 1)
      .execute();
    const turned = { ...stranger, currentPrefix: 'ts1.other.' };
    await expect(reencrypt(database.owner, { secrets: turned, table: 'shops', column: 'token' })).rejects.toMatchObject(
      {
        code: 'secret_unreadable',
        details: { column: 'shops.token', reason: 'not_authentic' },
      },
    );
  });
}

it('leaves a row alone that changed between reading and writing', async () => {
  const database = await postgresDatabase<Shops>({ install: false });
  try {
    const db = database.owner;
    const tenant = tenants[0] ?? '';
    const before = createSecretBox([old]);
    const newer = before.seal('b', place(tenant, 2));
    await sql`create table shops (tenant_id uuid, id bigint, token text, primary key (tenant_id, id))`.execute(db);
    const rows = [1, 2].map((id) => ({ tenant_id: tenant, id, token: before.seal('a', place(tenant, id)) }));
    await db.insertInto('shops').values(rows).execute();
    const turning = createSecretBox([next, old]);
    const running = await db.transaction().execute(async (tx) => {
      await tx.updateTable('shops').set({ token: newer }).where('id', '=', 2).execute();
      const started = reencrypt(db, { secrets: turning, table: 'shops', column: 'token' });
      // It has read the old token and waits for the row by now.
      for (let waits = false; !waits; ) {
        const { rows: waiting } = await sql`select 1 from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
        waits = waiting.length > 0;
      }
      return { started };
    });
    expect(await running.started).toEqual({ found: 2, sealed: 1, skipped: 1 });
    const kept = await db.selectFrom('shops').select('token').where('id', '=', 2).executeTakeFirstOrThrow();
    expect(kept.token).toBe(newer);
    const again = await reencrypt(db, { secrets: turning, table: 'shops', column: 'token' });
    expect(again).toEqual({ found: 1, sealed: 1, skipped: 0 });
  } finally {
    await database.destroy();
  }
});
