import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { type GenerateOptions, generateHosts } from '../../examples/migrations/host-manager/generate.ts';
import { type HostDatabase, legacyTables } from '../../examples/migrations/host-manager/legacy-schema.ts';
import { numberOf } from '../support/conversion.ts';
import { pgliteDatabase, type TestDatabase } from '../support/databases.ts';
import { rowHashes } from '../support/row-hashes.ts';

async function generated<Result>(
  options: GenerateOptions,
  work: (database: TestDatabase<HostDatabase>) => Promise<Result>,
): Promise<Result> {
  const database = await pgliteDatabase<HostDatabase>({ install: false });
  try {
    await generateHosts(database.owner, options);
    return await work(database);
  } finally {
    await database.destroy();
  }
}

const hashes = (options: GenerateOptions) =>
  generated(options, async ({ owner }) => {
    await sql`set timezone = 'UTC'`.execute(owner);
    return (await rowHashes(owner, legacyTables)).hashes;
  });

it('makes the same rows from the same seed, and others from another', async () => {
  const first = await hashes({ users: 60 });
  expect(await hashes({ users: 60 })).toEqual(first);
  expect((await hashes({ users: 60, seed: 2 })).User).not.toEqual(first.User);
});

it('sows a tenth of dirt, or none', async () => {
  const dirty = `select (select count(*) from "Host" where "userId" is null or btrim(name) = '' or name ~ '[[:cntrl:]]'
      or hostname <> lower(hostname) or port < 1)::float8 / (select count(*) from "Host")`;
  expect(await generated({ users: 1000 }, ({ owner }) => numberOf(owner, dirty))).toBeCloseTo(0.1, 1);
  expect(await generated({ users: 200, dirt: 0 }, ({ owner }) => numberOf(owner, dirty))).toBe(0);
});

it('holds every kind of dirt that the conversion has to stand', async () => {
  await generated({ users: 800 }, async ({ owner }) => {
    const kinds = {
      'hosts without a user': `select count(*) from "Host" where "userId" is null`,
      'persons twice': `select count(*) from "User" a join "User" b on lower(btrim(a.email)) = lower(btrim(b.email)) and a.id < b.id`,
      'control characters': `select count(*) from "User" where name ~ '[[:cntrl:]]'`,
      'blank names': `select count(*) from "Host" where btrim(name) = ''`,
      'people who left': `select count(*) from "User" where not "isActive"`,
      'entries of users who are gone': `select count(*) from "AuditLog" where "userId" not in (select id from "User")`,
      'entries of nobody': `select count(*) from "AuditLog" where "userId" is null`,
      'one address twice': `select count(*) from (select 1 from "Host" group by "ipAddress" having count(*) > 1) as x`,
    };
    for (const [kind, query] of Object.entries(kinds)) {
      expect([kind, (await numberOf(owner, query)) > 0]).toEqual([kind, true]);
    }
  });
});

it('lets new rows in after the generated ones', async () => {
  await generated({ users: 20 }, async ({ owner }) => {
    const { id } = await owner
      .insertInto('AuditLog')
      .values({ userId: null, action: 'LOGIN', details: null })
      .returning('id')
      .executeTakeFirstOrThrow();
    expect(id).toBe(401);
  });
});

it('refuses sizes and shares that are none', async () => {
  await generated({ users: 20 }, async ({ owner }) => {
    for (const options of [{ users: 0 }, { users: 1.5 }, { dirt: 2 }, { seed: -1 }]) {
      await expect(generateHosts(owner, options)).rejects.toThrow(TypeError);
    }
  });
});
