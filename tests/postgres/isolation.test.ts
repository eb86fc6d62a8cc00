import * as fc from 'fast-check';
import type { Kysely, Transaction } from 'kysely';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createScope, createTransaction } from '../../src/tenancy/index.ts';
import type { TestDatabase } from '../support/databases.ts';
import { buildStatement, type Ground, isExact } from './isolation-build.ts';
import { type StatementSpec, statements } from './isolation-specs.ts';
import { leaksOf, makeWorld, stateOf, tables, tenantA, textOf, type World } from './isolation-world.ts';

let both: TestDatabase<World>;
/** The same world without tenant B: what tenant A should see. */
let alone: TestDatabase<World>;
let stateOfB: string;

beforeAll(async () => {
  [both, alone] = await Promise.all([makeWorld({ withB: true }), makeWorld({ withB: false })]);
  stateOfB = (await stateOf(both.app)).ofB;
});
/** A thousand statements, each looked at in two databases. */
vi.setConfig({ testTimeout: 300_000 });

afterAll(() => Promise.all([both.destroy(), alone.destroy()]));

/** What a statement did. */
type Outcome =
  | { readonly error: string }
  | { readonly rows: readonly string[]; readonly leaks: number; readonly stateOfA: string; readonly harmed: boolean };

type Run = (tx: Transaction<World>) => Promise<readonly unknown[]>;

/** Runs a statement in a transaction that is rolled back, and looks at both tenants' rows in between. */
async function attempt(db: Kysely<World>, run: Run): Promise<Outcome> {
  const tx = await db.startTransaction().execute();
  try {
    const rows = await run(tx);
    const { ofA, ofB } = await stateOf(tx);
    return {
      rows: rows.map(textOf).toSorted(),
      leaks: leaksOf(rows).length,
      stateOfA: ofA,
      harmed: ofB !== stateOfB,
    };
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error) return { error: String(error.code) };
    throw error;
  } finally {
    await tx.rollback().execute();
  }
}

const execute = (spec: StatementSpec, ground: Ground): Promise<readonly unknown[]> =>
  buildStatement(spec, ground).execute();

const unguarded = (spec: StatementSpec): Promise<Outcome> =>
  attempt(both.app, (tx) => execute(spec, { root: tx, naming: 'always' }));
const reference = (spec: StatementSpec): Promise<Outcome> =>
  attempt(alone.app, (tx) => execute(spec, { root: tx, naming: 'never' }));

/** By the predicates of the scope alone: the login sees the rows of all tenants. */
function scoped(spec: StatementSpec): Promise<Outcome> {
  const scope = createScope({ db: both.app, tables });
  return attempt(both.app, (tx) => execute(spec, { root: scope(tenantA, { db: tx }), naming: 'scope' }));
}

/** By row-level security alone. */
function secured(spec: StatementSpec): Promise<Outcome> {
  const transaction = createTransaction({ db: both.app, tables });
  return attempt(both.app, (outer) =>
    transaction(tenantA, (tx) => execute(spec, { root: tx, naming: 'always' }), { db: outer, plugin: false }),
  );
}

/** Too long for a test, which says nothing about who sees what. */
const timedOut = '57014';
const isTimedOut = (outcome: Outcome): boolean => 'error' in outcome && outcome.error === timedOut;
/** Errors of the statements themselves: a key that exists, a row met twice by an upsert, a NULL where none may be. */
const ownErrors = [timedOut, '23505', '21000', '23502'];

/** Runs a thousand statements. What two databases must answer alike is compared with the one that holds A alone. */
async function prove(run: (spec: StatementSpec) => Promise<Outcome>, refusals: readonly string[]): Promise<void> {
  const seen = { done: 0, compared: 0 };
  const property = fc.asyncProperty(statements(), async (spec) => {
    const [outcome, expected] = await Promise.all([run(spec), isExact(spec) ? reference(spec) : undefined]);
    if ('error' in outcome) {
      expect([...ownErrors, ...refusals]).toContain(outcome.error);
    } else {
      expect({ leaks: outcome.leaks, harmed: outcome.harmed }).toEqual({ leaks: 0, harmed: false });
      seen.done += 1;
    }
    if (expected === undefined || isTimedOut(outcome) || isTimedOut(expected)) return;
    expect(visible(outcome)).toEqual(visible(expected));
    seen.compared += 1;
  });
  await fc.assert(property, { numRuns: 1000 });
  expect(seen.done).toBeGreaterThan(700);
  expect(seen.compared).toBeGreaterThan(500);
}

function visible(outcome: Outcome): unknown {
  return 'error' in outcome ? outcome : { rows: outcome.rows, stateOfA: outcome.stateOfA };
}

it('shows and touches no row of another tenant through a scope, and shows all of the own', async () => {
  await prove(scoped, ['tenant_mismatch', 'tenant_column_write']);
});

it('shows and touches no row of another tenant through row-level security alone, and shows all of the own', async () => {
  await prove(secured, ['42501']);
});

it('would be noticed if it failed: without either, the same statements show and change the other’s rows', async () => {
  const specs = fc.sample(statements(), { numRuns: 200, seed: 1 });
  let [shown, changed] = [0, 0];
  for (const spec of specs) {
    const outcome = await unguarded(spec);
    if ('error' in outcome) continue;
    if (outcome.leaks > 0) shown += 1;
    if (outcome.harmed) changed += 1;
  }
  expect(shown).toBeGreaterThan(30);
  expect(changed).toBeGreaterThan(30);
});
