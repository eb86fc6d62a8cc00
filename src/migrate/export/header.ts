import type { StageName, Step } from '../plan.ts';
import type { Export } from './piece.ts';
import { comment } from './plpgsql.ts';

/** What a stage does, for people. */
export const purposes: Readonly<Record<StageName, string>> = {
  expand:
    'Adds the tenant column to each table, with triggers that keep it right while the old application writes. Changes no row.',
  backfill:
    'Makes tenants and what belongs to them from the legacy rows, and gives every row its tenant, batch by batch.',
  enforce:
    'Verifies the backfill; then sets rows without a tenant aside and adds NOT NULL, keys and foreign keys with the tenant, and row-level security.',
  switch:
    'Lets the new application write while the old one still does: what it writes is carried back into the legacy columns.',
  contract: 'Ends the writes in both directions and moves what is out of use into the archive.',
};

/** The same words on every file: whose it is, what it does, how it is run, and what it locks. */
export function header(x: Export, purpose: string, notes: readonly string[], steps: readonly Step[]): string {
  const locks = steps.filter((step) => step.lock !== 'none').map((step) => `  ${step.id}: ${step.lock}`);
  const patient = steps.some((step) => step.kind !== 'concurrently');
  const waits = `Locks. Each transaction waits ${x.lockTimeout} ms for a lock, then lets go and is tried again, ${x.lockRetries} times:`;
  const lines = [
    `Migration ${x.plan.migration}, from ${x.model.definition.from.name} to ${x.model.definition.to.name}. Exported by tenantry.`,
    `Plan ${x.plan.hash}`,
    '',
    purpose,
    ...notes,
    '',
    ...(locks.length === 0 ? ['Locks: none on tables of the application.'] : [patient ? waits : 'Locks:', ...locks]),
  ];
  return `${lines.map(comment).join('\n')}\n`;
}
