import type { MigrationAuditEntry } from './audit-trail.ts';
import type { KeptRows, MigrationReport } from './migration-report.ts';
import type { VerifyCheck } from './verify/check.ts';

/**
 * Writes a report as Markdown. Values of rows stand in it only as keys and as the samples of the plan.
 *
 * @example
 * ```ts
 * import { type MigrationReport, reportMarkdown } from 'tenantry/migrate';
 *
 * function firstLine(report: MigrationReport): string {
 *   return reportMarkdown(report).split('\n')[0] ?? ''; // '# Migration customers-to-organizations'
 * }
 * ```
 */
export function reportMarkdown(report: MigrationReport): string {
  const { migration, from, to, stage, madeAt, plan, failure } = report;
  return `${[
    `# Migration ${migration}`,
    '',
    `From \`${from}\` to \`${to}\`. It stands at **${stage}** (${madeAt.toISOString()}).`,
    ...(plan === null ? [] : ['', `Plan \`${plan.hash}\`.`]),
    ...(failure === null
      ? []
      : [
          '',
          `The last run stopped at ${failure.at.toISOString()} in \`${failure.step ?? failure.stage}\` (\`${failure.code}\`): ${cell(failure.message)}. ${failure.remedy}`,
        ]),
    ...madeLines(report),
    ...tableLines(report),
    ...keptLines(report.kept),
    ...decisionLines(report),
    ...verificationLines(report),
    ...trailLines(report.trail),
    ...stepLines(report),
  ].join('\n')}\n`;
}

function madeLines({ plan, made }: MigrationReport): string[] {
  if (plan === null) return [];
  const planned = [
    ['tenants', plan.tenants],
    ['members', plan.members],
    ['keys', plan.keys],
    ['subscriptions', plan.subscriptions],
    ['grants', plan.grants],
  ] as const;
  return section(`From ${number(plan.source.rows)} rows of ${plan.source.table}`, [
    ['', 'planned', 'made'],
    ...planned.map(([what, count]) => [what, number(count), number(made?.[what])]),
    ['audit entries', number(plan.auditEntries), ''],
  ]);
}

function tableLines({ plan }: MigrationReport): string[] {
  if (plan === null) return [];
  return section('Tables', [
    ['table', 'rows', 'tenant by', 'led to a tenant', 'led to none', 'which then'],
    ...plan.tables.map(({ table, rows, path, unresolved }) => [
      table,
      number(rows),
      path,
      number(rows - unresolved.rows),
      number(unresolved.rows),
      unresolved.rows === 0 ? '' : unresolved.policy,
    ]),
  ]);
}

function keptLines(kept: readonly KeptRows[]): string[] {
  if (kept.length === 0) return [];
  return section('Rows without a place, kept as JSON', [
    ['table', 'rows', 'reason', 'such as', 'kept by'],
    ...kept.map(({ table, rows, reason, keys, rollback }) => [
      table,
      number(rows),
      reason,
      keys.join(', '),
      rollback === null ? '`tenantry.migration_quarantine`' : `rollback ${rollback}: \`tenantry.migration_kept\``,
    ]),
  ]);
}

function decisionLines({ plan }: MigrationReport): string[] {
  if (plan === null || plan.decisions.length === 0) return [];
  return section('Decisions and conflicts', [
    ['about', 'how many', 'what', 'such as'],
    ...plan.decisions.map(({ topic, count, detail, samples }) => [topic, number(count), detail, samples.join('; ')]),
  ]);
}

const verdicts: readonly VerifyCheck['status'][] = ['fail', 'skip', 'pass'];

function verificationLines({ verification }: MigrationReport): string[] {
  if (verification === null) return [];
  const { checks, failed, at } = verification;
  const told = verdicts.flatMap((verdict) => checks.filter(({ status }) => status === verdict));
  return section(`Verified at ${at.toISOString()}: ${checks.length} checks, ${failed} failed`, [
    ['check', 'table', 'verdict', 'detail'],
    ...told.map(({ name, table, status, detail }) => [name, table, status, detail]),
  ]);
}

function trailLines(trail: readonly MigrationAuditEntry[]): string[] {
  if (trail.length === 0) return [];
  const said = {
    stage: 'reached',
    verified: 'verified after',
    'rollback-begun': 'rollback begun at',
    'rolled-back': 'rolled back from',
  };
  return section('Who did what', [
    ['when', 'what', 'who', 'database role', 'application', 'machine', 'steps', 'rows', 'took'],
    ...trail.map((entry) => [
      entry.endedAt.toISOString(),
      `${said[entry.event]} ${entry.stage}`,
      entry.actor,
      entry.role,
      entry.application ?? '',
      entry.host === null ? '' : `${entry.osUser ?? '?'}@${entry.host}`,
      number(entry.steps.length),
      number(entry.rows),
      seconds((entry.endedAt.getTime() - entry.beganAt.getTime()) / 1000),
    ]),
  ]).concat(...trail.map(rollbackLines));
}

function rollbackLines({ event, endedAt, returned = [], kept = [] }: MigrationAuditEntry): string[] {
  if (event !== 'rolled-back') return [];
  const lines = [
    ...returned.map(({ table, rows }) => `- ${number(rows)} rows of ${table} came back`),
    ...kept.map(({ table, rows, reason }) => `- ${number(rows)} rows of ${table} were kept: ${cell(reason)}`),
  ];
  return [
    '',
    `The rollback of ${endedAt.toISOString()}:`,
    '',
    ...(lines.length === 0 ? ['- nothing was left over'] : lines),
  ];
}

function stepLines({ trail, underWay }: MigrationReport): string[] {
  const stages = trail.filter(({ event }) => event === 'stage');
  return [
    ...stages.flatMap(({ stage, steps, endedAt }) => stepTable(`Steps of ${stage} (${endedAt.toISOString()})`, steps)),
    ...(underWay.length === 0 ? [] : stepTable('Steps of the stage under way', underWay)),
  ];
}

function stepTable(title: string, steps: MigrationReport['underWay']): string[] {
  return section(title, [
    ['step', 'rows', 'took'],
    ...steps.map((step) => [step.step, number(step.rows), seconds(step.seconds)]),
  ]);
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
  return ['', `## ${title}`, '', String(head), `|${' --- |'.repeat(rows[0]?.length ?? 0)}`, ...body];
}

/** A text that stays within its cell. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
}

function number(value: number | undefined): string {
  return value === undefined ? '' : value.toLocaleString('en-US');
}

function seconds(value: number): string {
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
}
