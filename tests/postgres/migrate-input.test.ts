import { sql } from 'kysely';
import { type AnyMigration, applyMigration, bySql, defineMigration, planMigration, via } from 'tenantry/migrate';
import { perOrg, perUser } from 'tenantry/tenancy';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

interface Legacy {
  customers: { id: number; email: string };
  projects: { id: number; customer_id: number; code: string };
  notes: { id: number; project_id: number };
}

const migration = (tables: Partial<AnyMigration['tables']> = {}): AnyMigration =>
  defineMigration<Legacy>()({
    name: 'input',
    from: perUser(),
    to: perOrg({ plan: 'team' }),
    tenants: { source: 'customers', sameTenant: ['id'], name: 'email' },
    tables: { projects: via('customer_id'), notes: via('project_id', { to: 'projects' }), ...tables },
  });

let database: TestDatabase<Legacy>;
beforeEach(async () => {
  database = await postgresDatabase<Legacy>();
  for (const statement of [
    'create table customers (id integer primary key, email text)',
    'create table projects (id integer primary key, customer_id integer, code text unique)',
    'create table notes (id integer primary key, project_id integer)',
    `insert into customers values (1, 'ada@example.com')`,
  ])
    await sql.raw(statement).execute(database.owner);
});
afterEach(() => database.destroy());

describe('before anything is written', () => {
  it('SQL that PostgreSQL does not understand is an invalid definition', async () => {
    const unknown = migration({ projects: bySql(sql`custmer_id`) });
    await expect(planMigration(database.owner, unknown)).rejects.toMatchObject({
      code: 'migration_definition_invalid',
      details: { path: 'sql', problem: expect.stringContaining('"custmer_id" does not exist') },
    });
    const nowhere = { ...migration(), tenants: { source: 'clients', sameTenant: ['id'], name: 'email' } };
    await expect(planMigration(database.owner, nowhere)).rejects.toMatchObject({
      code: 'migration_definition_invalid',
      details: { path: 'tenants.source' },
    });
  });

  it.each([
    { batchSize: 0 },
    { batchSize: Number.NaN },
    { batchMilliseconds: -1 },
    { lockTimeout: 0 },
    { leasePatience: Number.POSITIVE_INFINITY },
    { maxLockWaiters: -1 },
  ])('an option with which a run would do nothing, or wait for ever, is refused: %o', async (options) => {
    const refused = applyMigration(database.owner, migration(), options);
    await expect(refused).rejects.toMatchObject({ code: 'config_invalid', details: { path: Object.keys(options)[0] } });
  });

  it('the plan tells of SQL that reads other tables, of keys over all tenants and of columns that are guessed at', async () => {
    const guessed = migration({
      notes: bySql(sql`(select p.customer_id from projects p where p.id = notes.project_id)`),
    });
    const { decisions } = await planMigration(database.owner, {
      ...guessed,
      tables: { ...guessed.tables, projects: via('customer_id') },
    });
    const told = decisions.map(({ topic, samples }) => [topic, samples]);
    expect(told).toContainEqual(['SQL over other tables', ['notes']]);
    expect(told).toContainEqual(['uniques', ['projects.projects_code_key']]);
    expect(told).toContainEqual(['columns without a foreign key', ['projects']]);
  });
});
