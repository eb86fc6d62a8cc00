import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { type GenerateOptions, generateSonicus } from '../../examples/migrations/sonicus/generate.ts';
import { legacyTables, type SonicusDatabase } from '../../examples/migrations/sonicus/legacy-schema.ts';
import { numberOf } from '../support/conversion.ts';
import { pgliteDatabase, type TestDatabase } from '../support/databases.ts';
import { rowHashes } from '../support/row-hashes.ts';

async function generated<Result>(
  options: GenerateOptions,
  work: (database: TestDatabase<SonicusDatabase>) => Promise<Result>,
): Promise<Result> {
  const database = await pgliteDatabase<SonicusDatabase>({ install: false });
  try {
    await generateSonicus(database.owner, options);
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
  expect((await hashes({ users: 60, seed: 2 })).users).not.toEqual(first.users);
});

it('sows a tenth of dirt, or none', async () => {
  const dirty = `select (select count(*) from users where organization_id is null or email <> lower(btrim(email)) or role is null
      or role not in ('user', 'org_admin', 'admin', 'super_admin') or btrim(first_name) is distinct from first_name or btrim(first_name) = '' or first_name ~ '[[:cntrl:]]'
      or created_at is null)::float8 / (select count(*) from users)`;
  expect(await generated({ users: 1000 }, ({ owner }) => numberOf(owner, dirty))).toBeCloseTo(0.1, 1);
  expect(await generated({ users: 200, dirt: 0 }, ({ owner }) => numberOf(owner, dirty))).toBe(0);
});

it('holds every kind of dirt that the conversion has to stand', async () => {
  await generated({ users: 800 }, async ({ owner }) => {
    const kinds = {
      'organizations without users':
        'select count(*) from organizations o where not exists (select 1 from users u where u.organization_id = o.id)',
      'users without an organization': 'select count(*) from users where organization_id is null',
      'persons twice': 'select count(*) from users a join users b on lower(a.email) = lower(b.email) and a.id < b.id',
      'control characters': `select count(*) from users where first_name ~ '[[:cntrl:]]'`,
      'assignments twice': `select count(*) from (select 1 from organization_sound_packages group by organization_id, package_id having count(*) > 1) as x`,
      'metrics of users who are gone':
        'select count(*) from wellness_metrics where user_id not in (select id from users)',
      'metrics of organizations who are gone':
        'select count(*) from organization_metrics where organization_id not in (select id from organizations)',
      'states in several spellings': `select count(distinct status) - 4 from subscriptions`,
      'two alive at once': `select count(*) from (select 1 from subscriptions where lower(btrim(status)) = 'active' group by organization_id having count(*) > 1) as x`,
      'endpoints of nobody':
        'select count(*) from webhook_endpoints w where not exists (select 1 from users u where u.organization_id = w.organization_id)',
      'preferences that are no object': `select count(*) from users where jsonb_typeof(preferences) is distinct from 'object'`,
      'shared customers': `select count(*) from organizations where stripe_customer_id = 'cus_shared'`,
    };
    for (const [kind, query] of Object.entries(kinds)) {
      expect([kind, (await numberOf(owner, query)) > 0]).toEqual([kind, true]);
    }
  });
});

it('lets new rows in after the generated ones', async () => {
  await generated({ users: 20 }, async ({ owner }) => {
    const { id } = await owner
      .insertInto('users')
      .values({ email: 'new@mail.example', hashed_password: '' })
      .returning('id')
      .executeTakeFirstOrThrow();
    expect(Number(id)).toBe(21);
  });
});

it('refuses sizes and shares that are none', async () => {
  await generated({ users: 20 }, async ({ owner }) => {
    for (const options of [{ users: 0 }, { users: 1.5 }, { dirt: 2 }, { seed: -1 }]) {
      await expect(generateSonicus(owner, options)).rejects.toThrow(TypeError);
    }
  });
});
