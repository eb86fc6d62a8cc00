import type { MigrationBlocker, MigrationStatus } from '../../migrate/index.ts';
import { columns, counted, duration, indented } from './words.ts';

/** Where a migration stands, for people. */
export function statusText(status: MigrationStatus): string {
  const { migration, stage, stepsDone, stepsTotal, next, tables, holder, failure, paused, blockers } = status;
  if (stage === 'none') return `${migration}: nothing was done yet`;
  const filled = tables.map(({ table, rows, finished }) => [
    table,
    counted(rows, 'row'),
    finished ? 'done' : 'under way',
  ]);
  return [
    `${migration}: ${stage}, ${stepsDone} of ${counted(stepsTotal, 'step')} done`,
    ...(next === null ? [] : [`next        ${next.step} (${next.stage})`]),
    `runner      ${holder ?? 'nobody works on it'}`,
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
