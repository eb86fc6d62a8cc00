import { execute } from '../sql-text.ts';
import { type MigrationStage, setStage } from '../state.ts';
import { inStep, type Session } from './session.ts';

/**
 * Records where the migration stands, with its entry in the audit trail, under the lease: a runner that lost it does not
 * say so any more.
 */
export async function markStage(session: Session, stage: MigrationStage, entry: string): Promise<void> {
  await inStep(session, { id: `stage:${stage}`, table: null, sql: [] }, async (tx) => {
    await execute(tx, entry);
    await setStage(tx, session.migration, stage);
  });
}
