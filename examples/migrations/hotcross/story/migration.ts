import { applyMigration, type MigrationPlan, planMigration, verifyMigration } from 'tenantry/migrate';
import { customersToOrganizations } from '../definition.ts';
import { grouped } from '../print.ts';
import { createProgressView } from '../progress.ts';
import { type Census, takeCensus } from './census.ts';
import type { Story } from './story.ts';

/** Makes a plan. Nothing is written by it. */
export const makePlan = ({ owner }: Story): Promise<MigrationPlan> => planMigration(owner, customersToOrganizations);

/** Makes a plan and shows it. */
export async function tellPlan(story: Story): Promise<MigrationPlan> {
  const { printer } = story;
  const plan = await makePlan(story);
  printer.say(
    `${grouped(plan.source.rows)} ${plan.source.table} → ${grouped(plan.tenants)} organizations, ` +
      `${grouped(plan.members)} members, ${grouped(plan.keys)} keys`,
  );
  printer.table(
    ['table', 'rows', 'tenant by', 'without tenant', 'then', 'strongest lock'],
    [
      ...plan.tables.map(({ table, rows, path, unresolved, lock }) => {
        const policy = unresolved.rows === 0 ? '' : unresolved.policy;
        return [table, rows, path, unresolved.rows, policy, lock];
      }),
      ...plan.shared.map((table) => [table, null, 'shared by all', null, '', 'none']),
    ],
  );
  for (const { topic, count, detail } of plan.decisions) printer.remark(`look: ${topic}: ${grouped(count)} ${detail}`);
  printer.remark(`${plan.steps.length} steps, plan ${plan.hash.slice(0, 12)}…`);
  return plan;
}

/** Applies the plan up to the stage in which the database itself holds the new shape. */
export async function apply({ owner, printer }: Story, plan: MigrationPlan): Promise<void> {
  const view = createProgressView(printer.output);
  const result = await applyMigration(owner, customersToOrganizations, {
    plan,
    to: 'enforce',
    actor: 'hotcross demonstration',
    onProgress: view.show,
  }).finally(view.end);
  printer.say(`${grouped(result.rows)} rows got their tenant in ${result.seconds.toFixed(1)} s; stage ${result.stage}`);
}

/** How the migration verified. */
export interface VerifyOutcome {
  readonly checks: number;
  readonly failed: number;
}

/** Verifies with the library's own checks, and shows them: all of them, or those that do not hold. */
export async function verify(
  { owner, printer, promise }: Story,
  { show }: { readonly show: 'all' | 'failures' },
): Promise<VerifyOutcome> {
  const { checks, failed } = await verifyMigration(owner, customersToOrganizations);
  const shown = checks.filter((check) => show === 'all' || check.status === 'fail');
  const rows = shown.map(({ name, table, status, detail }) => [name, table ?? '', status, detail]);
  if (rows.length > 0) printer.table(['check', 'table', 'verdict', 'found'], rows);
  promise(failed === 0 && checks.length > 0, `${checks.length - failed} of ${checks.length} checks hold`);
  return { checks: checks.length, failed };
}

/** Counts by SQL of the demonstration's own who was lost and who was doubled. */
export async function census({ owner, printer, promise }: Story, customers: number): Promise<Census> {
  const counted = await takeCensus(owner);
  printer.table(
    ['customers', 'organizations', 'members', 'keys', 'customers lost', 'customers doubled'],
    [[customers, counted.organizations, counted.members, counted.keys, counted.lost, counted.doubled]],
  );
  promise(
    counted.lost === 0 && counted.doubled === 0,
    'no customer is lost and none is doubled, counted without tenantry',
  );
  return counted;
}
