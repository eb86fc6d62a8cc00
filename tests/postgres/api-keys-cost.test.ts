import { inspect } from 'node:util';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKeys } from '../../src/api-keys/index.ts';
import { type CountingDatabase, countingDatabase } from '../support/counting.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { organization } from '../support/key-tenant.ts';

type Database = Record<string, never>;

describe('what verifying costs', () => {
  let database: TestDatabase<Database>;
  let counting: CountingDatabase<Database>;
  beforeAll(async () => {
    database = await postgresDatabase<Database>();
    counting = countingDatabase<Database>(database.urls?.app ?? '');
  });
  afterAll(async () => {
    await counting.destroy();
    await database.destroy();
  });

  it('is one statement, a handful for 64 callers, none for what is malformed', async () => {
    const keys = createApiKeys({ db: counting.db, prefix: 'hc' });
    const tenants = await Promise.all([1, 2].map(() => organization(database.app, { bought: null, taken: 1 })));
    const secrets: string[] = [];
    expect(
      await counting.during(async () => {
        for (const tenant of tenants) secrets.push((await keys.issue(tenant)).secret);
      }),
    ).toHaveLength(2);
    expect(await counting.during(() => keys.verify(secrets[0]))).toHaveLength(1);
    const many = await counting.during(async () => {
      const results = await Promise.all(Array.from({ length: 64 }, (_, index) => keys.verify(secrets[index % 2])));
      expect(results.map((result) => result.ok && result.tenant.id)).toEqual(
        results.map((_, index) => tenants[index % 2]?.tenantId),
      );
    });
    expect(many.length).toBeLessThanOrEqual(4);
    const bad = `${(secrets[0] ?? '').slice(0, -1)}_`;
    expect(await counting.during(() => Promise.all([keys.verify(bad), keys.verify('x'), keys.verify(null)]))).toEqual(
      [],
    );
  });

  it('accepts no key that was revoked before the call, whatever statements are under way', async () => {
    const keys = createApiKeys({ db: database.app, prefix: 'hc' });
    const tenant = await organization(database.app, { bought: null, taken: 1 });
    for (let round = 0; round < 30; round += 1) {
      const { key, secret } = await keys.issue(tenant);
      const before = Array.from({ length: 20 }, () => keys.verify(secret));
      const revoked = keys.revoke({ tenantId: tenant.tenantId, keyId: key.id });
      const during = Array.from({ length: 20 }, () => keys.verify(secret));
      await revoked;
      const after = await Promise.all(Array.from({ length: 20 }, () => keys.verify(secret)));
      expect(after).toEqual(after.map(() => ({ ok: false, reason: 'revoked' })));
      await Promise.all([...before, ...during]);
    }
  });

  it('keeps secrets out of errors when the database fails', async () => {
    const broken = countingDatabase<Database>(database.urls?.app ?? '');
    const keys = createApiKeys({ db: broken.db, prefix: 'hc' });
    const { secret } = await keys.issue(await organization(database.app, { bought: null, taken: 1 }));
    await broken.destroy();
    const error = await keys.verify(secret).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}`).not.toContain(secret.slice(13));
  });

  it('sees through its own rights only: a tenant transaction finds no key of another tenant', async () => {
    const keys = createApiKeys({ db: database.app, prefix: 'hc' });
    const [mine, theirs] = [
      await organization(database.app, { bought: null, taken: 1 }),
      await organization(database.app, { bought: null, taken: 1 }),
    ];
    const { secret } = await keys.issue(theirs);
    await database.app.transaction().execute(async (tx) => {
      await sql`select set_config('role', 'tenantry_app', true), set_config('tenantry.tenant_id', ${mine.tenantId}, true)`.execute(
        tx,
      );
      expect(await keys.verify(secret, { db: tx })).toEqual({ ok: false, reason: 'not_found' });
      expect((await keys.list(theirs.tenantId, { db: tx })).items).toEqual([]);
    });
  });
});
