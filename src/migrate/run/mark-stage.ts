import { type MigrationStage, setStage } from '../state.ts';
import { inStep, type Session } from './session.ts';

/** Records where the migration stands, under the lease: a runner that lost it does not say so any more. */
export async function markStage(session: Session, stage: MigrationStage): Promise<void> {
  const step = { id: `stage:${stage}`, table: null, sql: [] };
  await inStep(session, step, (tx) => setStage(tx, session.migration, stage));
}
