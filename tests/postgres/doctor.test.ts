import { CamelCasePlugin, Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isolateTable } from '../../src/database/index.ts';
import {
  type DoctorOptions,
  doctor,
  doctorReport,
  type Finding,
  findingCodes,
  own,
  shared,
} from '../../src/tenancy/index.ts';
import { pgliteDatabase } from '../support/databases.ts';
import { citusHoles } from '../support/doctor-citus-holes.ts';
import { type Hole, holes } from '../support/doctor-holes.ts';
import { connect, type Sample, type SampleServer, startSample } from '../support/doctor-sample.ts';

let server: SampleServer;
beforeAll(async () => {
  server = await startSample();
});
afterAll(() => server.stop());

const options = { shared: ['countries'], level: 'info' } as const;

async function withSample(work: (sample: Sample) => Promise<void>): Promise<void> {
  const sample = await server.copy();
  try {
    await work(sample);
  } finally {
    await sample.destroy();
  }
}

describe('a clean database', () => {
  it('gives nothing, whoever looks', () =>
    withSample(async ({ app, owner, superuser }) => {
      expect(await doctor(app, options)).toEqual([]);
      expect(await doctor(owner, options)).toEqual([]);
      expect(await doctor(superuser, { ...options, role: 'sample_app' })).toEqual([]);
      const tables = { projects: { kind: 'own', column: 'tenant_id' }, countries: shared() } as const;
      expect(await doctor(app, { tables, level: 'info' })).toEqual([]);
    }));
});

/** Plants the hole in a transaction that is taken back, so that every hole stands alone in the same clean database. */
async function inTransaction(sample: Sample, work: (asApp: Connection) => Promise<void>): Promise<void> {
  const tx = await sample.superuser.startTransaction().execute();
  try {
    await work({
      run: (statement) => sql.raw(statement).execute(tx),
      examine: async (asked) => {
        await sql`set local role sample_app`.execute(tx);
        const found = await doctor(tx, asked);
        await sql`reset role`.execute(tx);
        return found;
      },
    });
  } finally {
    await tx.rollback().execute();
  }
}

interface Connection {
  run(statement: string): Promise<unknown>;
  examine(asked: DoctorOptions): Promise<readonly Finding[]>;
}

async function prove({ code, plant, options: more }: Hole, asked: DoctorOptions, { run, examine }: Connection) {
  for (const statement of plant) await run(statement);
  const found = await examine({ ...asked, ...more });
  expect(found.map((finding) => finding.code)).toEqual([code]);
  expect(found[0]).toMatchObject({ severity: findingCodes[code].severity, why: findingCodes[code].why });
  for (const { mend } of found) for (const statement of mend) await run(statement);
  if (found.some(({ mend }) => mend.length > 0)) expect(await examine({ ...asked, ...more })).toEqual([]);
}

describe('a hole planted alone', () => {
  let sample: Sample;
  beforeAll(async () => {
    sample = await server.copy();
  });
  afterAll(() => sample.destroy());

  it.each(holes)('$code: $title is found, and mended by the SQL that is told', async (hole) => {
    if (hole.alone !== true) return inTransaction(sample, (connection) => prove(hole, options, connection));
    // An index is not built concurrently in a transaction.
    await withSample(({ app, superuser }) =>
      prove(hole, options, {
        run: (statement) => sql.raw(statement).execute(superuser),
        examine: (asked) => doctor(app, asked),
      }),
    );
  });

  it.each(citusHoles)('$code: $title keeps the schema from Citus', (hole) =>
    inTransaction(sample, async (connection) => {
      const asked = { ...options, level: 'warning', citus: true } as const;
      await connection.run('drop trigger tasks_touch on tasks');
      expect(await connection.examine(asked)).toEqual([]);
      await prove(hole, asked, connection);
    }),
  );

  it('tells every code there is', () => {
    const elsewhere = [
      'citus_inheritance',
      'library_outdated',
      'pooler_transaction_mode',
      'session_tenant',
      'setting_default',
    ];
    const planted = [...holes, ...citusHoles].map(({ code }) => code);
    expect([...new Set([...planted, ...elsewhere])].sort()).toEqual(Object.keys(findingCodes).sort());
  });
});

describe('who is checked', () => {
  it('is the application’s role for the owner of the library’s schema, and whoever is named', () =>
    withSample(async ({ owner, superuser }) => {
      expect(await doctorReport(owner, options)).toMatchObject({ role: 'tenantry_app', findings: [] });
      const named = await doctor(superuser, { ...options, role: 'sample_owner' });
      expect(named.map(({ code }) => code).sort()).toEqual(['role_createrole', 'role_owner']);
      await expect(doctor(superuser, { role: 'nobody; --' })).rejects.toMatchObject({ code: 'config_invalid' });
      await expect(doctor(owner, { schemas: ['nowhere'] })).rejects.toMatchObject({ code: 'config_invalid' });
    }));

  it('is the superuser when an application runs as one', () =>
    withSample(async ({ superuser }) => {
      expect((await doctor(superuser, options)).map(({ code }) => code)).toContain('role_superuser');
    }));

  it('is the application’s role on an embedded database', async () => {
    const { owner: db, destroy } = await pgliteDatabase<Record<string, never>>();
    await sql`create table notes (tenant_id uuid primary key)`.execute(db);
    expect((await doctor(db)).map(({ code }) => code)).toEqual(['rls_disabled']);
    for (const { mend } of await doctor(db)) for (const statement of mend) await sql.raw(statement).execute(db);
    expect(await doctor(db, { level: 'info' })).toEqual([]);
    await destroy();
  });
});

describe('what is reported', () => {
  it('leaves out what is ignored by code, by object, or by both', () =>
    withSample(async ({ app, owner }) => {
      await sql`alter table tasks no force row level security`.execute(owner);
      await sql`alter table projects no force row level security`.execute(owner);
      const objects = async (ignore: readonly string[]): Promise<string[]> =>
        (await doctor(app, { ...options, ignore })).map(({ object }) => object);
      expect(await objects([])).toEqual(['public.projects', 'public.tasks']);
      expect(await objects(['rls_not_forced'])).toEqual([]);
      expect(await objects(['public.tasks'])).toEqual(['public.projects']);
      expect(await objects(['rls_not_forced:public.projects', 'rls_disabled:public.tasks'])).toEqual(['public.tasks']);
    }));

  it('counts what is below the level, the worst first above it', () =>
    withSample(async ({ app, superuser }) => {
      await sql`create index on tasks (title)`.execute(superuser);
      await sql`grant trigger on tasks to tenantry_app`.execute(superuser);
      await sql`create view all_tasks as select * from tasks`.execute(superuser);
      const { findings, below } = await doctorReport(app, { shared: ['countries'] });
      expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning']);
      expect(below).toBe(1);
    }));

  it('takes tables, columns and shared tables as the application declares them, through its plugins', () =>
    withSample(async ({ app, owner }) => {
      for (const statement of [
        'create table "user_notes" (organization_id uuid primary key)',
        ...isolateTable({ table: 'user_notes', column: 'organization_id' }),
        'create schema geo',
        'grant usage on schema geo to tenantry_app',
        'create table geo.sea_routes (name text primary key)',
      ]) {
        await sql.raw(statement).execute(owner);
      }
      expect((await doctor(app, options)).map(({ object }) => object)).toEqual(['geo.sea_routes', 'public.user_notes']);
      const tables = { userNotes: own({ column: 'organizationId' }), countries: shared(), 'geo.seaRoutes': shared() };
      expect(await doctor(app.withPlugin(new CamelCasePlugin()), { tables, level: 'info' })).toEqual([]);
      expect(await doctor(app, { ...options, shared: ['countries', 'geo.sea_routes', 'user_notes'] })).toEqual([]);
      expect(await doctor(app, { ...options, schemas: ['geo'], shared: ['geo.sea_routes'] })).toEqual([]);
    }));

  it('follows another setting than the library’s, and a schema without the library', () =>
    withSample(async ({ owner }) => {
      await sql`drop schema tenantry cascade`.execute(owner);
      const found = await doctor(owner, { ...options, setting: 'app.tenant', role: 'sample_app' });
      expect([...new Set(found.map(({ code }) => code))]).toEqual(['policy_other_setting']);
      for (const { mend } of found) for (const statement of mend) await sql.raw(statement).execute(owner);
      expect(await doctor(owner, { ...options, setting: 'app.tenant', role: 'sample_app' })).toEqual([]);
    }));

  it('writes names with quotes so that they stay names', () =>
    withSample(async ({ app, owner, superuser }) => {
      const table = `"o'ne""; drop table tasks; --"`;
      await sql.raw(`create table ${table} (tenant_id uuid, "a""b" text unique)`).execute(owner);
      await sql.raw(`create policy "p""'x" on ${table} using (true)`).execute(owner);
      await sql.raw(`grant truncate on ${table} to sample_app`).execute(owner);
      for (let round = 0; round < 4; round += 1) {
        for (const { mend } of await doctor(app, options)) {
          for (const statement of mend) await sql.raw(statement).execute(superuser);
        }
      }
      expect(await doctor(app, options)).toEqual([]);
      await sql`select from tasks`.execute(owner);
    }));
});

describe('sessions and poolers', () => {
  it('finds a tenant that is set for a role, a database, or a session', () =>
    withSample(async ({ app, superuser, urls }) => {
      const database = new URL(urls.app).pathname.slice(1);
      await sql.raw(`alter database ${database} set "tenantry.tenant_id" = 'x'`).execute(superuser);
      await sql.raw(`alter role sample_app in database ${database} set "tenantry.tenant_id" = 'y'`).execute(superuser);
      const late = connect(urls.app);
      const found = await doctor(late, options);
      await late.destroy();
      expect(found.map(({ code, object }) => [code, object])).toEqual([
        ['setting_default', 'role sample_app'],
        ['setting_default', `database ${database}`],
        ['session_tenant', 'session'],
      ]);
      for (const { mend } of found) for (const statement of mend) await sql.raw(statement).execute(superuser);
      expect(await doctor(app, options)).toEqual([]);
    }));

  it('finds a pooler that hands connections on, and none where each connection keeps its own', () =>
    withSample(async ({ app, urls }) => {
      const server = new Pool({ connectionString: urls.app });
      const client = await server.connect();
      const release = client.release.bind(client);
      // What stands behind two connections of a transaction pooler that are not in a transaction: one.
      Object.assign(client, { release: () => undefined });
      const pool = { options: {}, connect: async () => client, end: async () => release() };
      const pooled = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
      expect((await doctor(pooled, options)).map(({ code }) => code)).toEqual(['pooler_transaction_mode']);
      await pooled.destroy();
      await server.end();
      expect(await doctor(app, options)).toEqual([]);
      const single = connect(urls.app, 1);
      expect(await doctor(single, options)).toEqual([]);
      await single.destroy();
    }));
});
