import type { Estimate, MigrationPlan, Step } from '../../migrate/index.ts';
import { columns, count, counted, duration } from './words.ts';

/** What a plan would do, for people. */
export function planText(plan: MigrationPlan): string {
  const made = [
    counted(plan.members, 'member'),
    counted(plan.keys, 'key'),
    ...(plan.subscriptions > 0 ? [counted(plan.subscriptions, 'subscription')] : []),
    ...(plan.grants > 0 ? [counted(plan.grants, 'grant')] : []),
    ...(plan.auditEntries > 0 ? [`${count(plan.auditEntries)} audit entries`] : []),
  ];
  const unresolved = plan.tables.filter((table) => table.unresolved.rows > 0);
  return [
    plan.migration,
    `${counted(plan.tenants, 'tenant')} from ${counted(plan.source.rows, 'row')} of ${plan.source.table}; ${made.join(', ')}`,
    '',
    ...columns(
      [
        ['table', 'rows', 'tenant by', 'unresolved', 'strongest lock', 'estimate'],
        ...plan.tables.map((table) => [
          table.table,
          count(table.rows),
          table.path,
          table.unresolved.rows === 0 ? '0' : `${count(table.unresolved.rows)} (${table.unresolved.policy})`,
          table.lock,
          `~ ${duration(table.estimate.seconds)}`,
        ]),
      ],
      [1],
    ),
    ...(plan.shared.length > 0 ? ['', `shared by all: ${plan.shared.join(', ')}`] : []),
    ...(unresolved.length === 0
      ? []
      : [
          '',
          'Rows that lead to no tenant',
          ...unresolved.map(
            ({ table, unresolved: { rows, policy, samples } }) =>
              `  ${table}: ${counted(rows, 'row')}, ${policy}; such as ${samples.join(', ')}`,
          ),
        ]),
    ...(plan.decisions.length === 0
      ? []
      : [
          '',
          `${counted(plan.decisions.length, 'decision')} for your eye`,
          ...plan.decisions.map(
            ({ topic, count: many, detail, samples }) =>
              `  ${topic}: ${count(many)} ${detail}${samples.length > 0 ? `; such as ${samples.join(', ')}` : ''}`,
          ),
        ]),
    '',
    ...stageLines(plan),
    '',
    `plan ${plan.hash}`,
  ].join('\n');
}

/** What each stage takes; estimates, in which no wait for a lock is counted. */
function stageLines({ steps }: MigrationPlan): string[] {
  const stages = [...new Set(steps.map(({ stage }) => stage))];
  return columns(
    [
      ['stage', 'steps', 'estimate'],
      ...stages.map((stage) => {
        const own = steps.filter((step) => step.stage === stage);
        const seconds = own.reduce((sum, { estimate }) => sum + estimate.seconds, 0);
        return [stage, count(own.length), `~ ${duration(seconds)}`];
      }),
    ],
    [1],
  );
}

/** Every statement of a plan, with the lock that its step takes, and how many rows and how long it is expected to take. */
export function planSql({ steps }: MigrationPlan): string {
  return steps
    .map((step) =>
      [
        `-- ${titleOf(step)}`,
        ...step.sql.map((sql, place) => `${sql}; -- ~ ${estimateText(step.statements[place] ?? step.estimate)}`),
      ].join('\n'),
    )
    .join('\n\n');
}

function estimateText({ rows, seconds }: Estimate): string {
  return rows === 0 ? duration(seconds) : `${counted(rows, 'row')}, ${duration(seconds)}`;
}

function titleOf({ id, lock, kind }: Step): string {
  const how = { transaction: 'one transaction', concurrently: 'outside of a transaction', batches: 'in batches' }[kind];
  return `${id}: ${lock === 'none' ? 'no lock on a table of the application' : `${lock} lock`}, ${how}`;
}
