import type { ListedMigration, MigrationBlocker, MigrationStatus } from '../../migrate/index.ts';
import { columns, counted, duration, indented } from './words.ts';

/** All migrations and re-tenantings, for people. */
export function listText(listed: readonly ListedMigration[]): string {
  if (listed.length === 0) return 'nothing was done yet';
  return columns(
    listed.map(({ name, kind, stage, done, total, holder }) => [
      name,
      kind === 'retenanting' ? 're-tenanting' : kind,
      stage,
      `${done} of ${counted(total, kind === 'retenanting' ? 'tenant' : 'step')} done`,
      holder ?? '',
    ]),
    [],
  ).join('\n');
}

/** Where a migration stands, for people. */
export function statusText(status: MigrationStatus): string {
  const { migration, stage, stepsDone, stepsTotal, next, tables, holder, failure, paused, blockers, retenanting } =
    status;
  if (stage === 'none') return `${migration}: nothing was done yet`;
  const filled = tables.map(({ table, rows, finished }) => [
    table,
    counted(rows, 'row'),
    finished ? 'done' : 'under way',
  ]);
  return [
    `${migration}: ${stage}, ${stepsDone} of ${counted(stepsTotal, retenanting === null ? 'step' : 'tenant')} done`,
    ...(next === null ? [] : [`next        ${next.step} (${next.stage})`]),
    `runner      ${holder ?? 'nobody works on it'}`,
    ...(retenanting === null || retenanting.next === null ? [] : [`next        tenant ${retenanting.next}`]),
    ...(retenanting === null || retenanting.held.length === 0 ? [] : [`maintenance ${retenanting.held.join(', ')}`]),
    ...(paused === null ? [] : [`paused      by ${paused.by} since ${paused.since.toISOString()}`]),
    ...(blockers.length === 0 ? [] : ['waits for', ...indented(blockerLines(blockers))]),
    ...(failure === null
      ? []
      : [
          `stopped     ${failure.at.toISOString()} in ${failure.step ?? failure.stage} (${failure.code}${failure.sqlstate === null ? '' : `, ${failure.sqlstate}`})`,
          `            ${failure.message}`,
          `            ${failure.remedy}`,
        ]),
    ...(filled.length === 0 ? [] : ['tables', ...indented(columns(filled, [1]))]),
  ].join('\n');
}

/** Who is in the way, a line each. */
export function blockerLines(blockers: readonly MigrationBlocker[]): string[] {
  return blockers.map(({ pid, login, application, state, seconds, query }) => {
    const who = [login, application].filter((part) => part !== null).join(', ');
    const since = seconds === null ? '' : ` for ${duration(seconds)}`;
    return `pid ${pid} (${who})${state === null ? '' : `, ${state}`}${since}${query === null ? '' : `: ${query}`}`;
  });
}
