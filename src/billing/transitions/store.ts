import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import type { TransitionStep } from './transition.ts';

/** A step as it is kept. */
export interface StoredStep {
  readonly step: TransitionStep;
  readonly refusals: number;
  readonly done: boolean;
}

/** Writes down what will be asked under a name, unless something is: one at a time, so that no two plans are mixed. */
export async function storeSteps(
  tx: AnyDatabase,
  transition: string,
  steps: readonly TransitionStep[],
  now: Date,
): Promise<readonly StoredStep[]> {
  const lock = `tenantry transition ${transition}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`.execute(libraryOf(tx));
  const there = await readSteps(tx, transition);
  if (there.length > 0) return there;
  for (const [place, step] of steps.entries()) {
    await sql`
      insert into tenantry.billing_transition_steps (tenant_id, transition, id, place, step, created_at)
      values (${step.tenantId}::uuid, ${transition}, ${step.id}, ${place}, ${JSON.stringify(step)}::jsonb, ${now}::timestamptz)`.execute(
      libraryOf(tx),
    );
  }
  return readSteps(tx, transition);
}

/** Reads what is asked under a name, in order. */
async function readSteps(db: AnyDatabase, transition: string): Promise<readonly StoredStep[]> {
  const { rows } = await sql<{ step: TransitionStep; refusals: number; done: boolean }>`
    select step, refusals, done_at is not null as done from tenantry.billing_transition_steps
    where transition = ${transition} order by place, tenant_id, id`.execute(libraryOf(db));
  return rows;
}

/** Notes what came of a step: done, or why not. */
export async function noteStep(
  db: AnyDatabase,
  transition: string,
  { tenantId, id }: TransitionStep,
  { now, error, refused }: { readonly now: Date; readonly error: string | null; readonly refused: boolean },
): Promise<void> {
  await sql`
    update tenantry.billing_transition_steps set error = ${error}::text, refusals = refusals + ${refused ? 1 : 0}::integer,
      done_at = case when ${error}::text is null then ${now}::timestamptz end
    where tenant_id = ${tenantId}::uuid and transition = ${transition} and id = ${id}`.execute(libraryOf(db));
}
