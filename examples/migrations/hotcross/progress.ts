import type { MigrationProgress } from 'tenantry/migrate';
import { grouped, type Output } from './print.ts';

/** Shows the progress of a migration. */
export interface ProgressView {
  show(progress: MigrationProgress): void;
  /** Ends the last line. */
  end(): void;
}

const widestBar = 24;

/**
 * Makes a view with one line for each table that is filled with rows, and one for the small steps of each stage. On a
 * terminal the line moves; elsewhere a plain line is written when it is done, and every two seconds before.
 */
export function createProgressView(output: Output): ProgressView {
  const terminal = output.isTTY === true;
  let last: MigrationProgress | undefined;
  let written: MigrationProgress | undefined;
  let writtenAt = performance.now();

  function write(progress: MigrationProgress): void {
    if (terminal) output.write(`\r\u001b[2K${lineOf(progress, (output.columns ?? 80) - 1)}`);
    else output.write(`${lineOf(progress, 0)}\n`);
    written = progress;
    writtenAt = performance.now();
  }

  function finish(): void {
    if (last === undefined) return;
    if (written !== last) write(last);
    if (terminal) output.write('\n');
    last = undefined;
  }

  return {
    show(progress) {
      if (last !== undefined && nameOf(last) !== nameOf(progress)) finish();
      last = progress;
      if (performance.now() - writtenAt > (terminal ? 60 : 2000)) write(progress);
    },
    end: finish,
  };
}

const nameOf = ({ stage, table, total }: MigrationProgress): string => (total > 0 ? `${stage} ${table}` : stage);

/** One line, with a bar as wide as the terminal has room for; `columns` is 0 where there is none. */
function lineOf(progress: MigrationProgress, columns: number): string {
  const { stage, table, rows, total, rowsPerSecond, secondsLeft, stepsDone, stepsTotal, finished } = progress;
  const share = total > 0 ? Math.min(1, finished ? 1 : rows / total) : stepsDone / stepsTotal;
  const name = `   ${stage.padEnd(9)} ${(total > 0 ? (table ?? '') : 'steps').padEnd(9)} `;
  const words = [`${Math.floor(share * 100)} %`.padStart(5)];
  if (total === 0) words.push(`${stepsDone} of ${stepsTotal} steps`);
  else words.push(`${grouped(rows)} of ${grouped(total)} rows`, `${grouped(rowsPerSecond)}/s`);
  if (total > 0 && !finished && secondsLeft !== null) words.push(`${Math.ceil(secondsLeft)} s left`);
  const rest = words.join('  ');
  const bar = Math.min(widestBar, columns - name.length - rest.length - 1);
  if (bar < 4) return columns === 0 ? name + rest : (name + rest).slice(0, columns);
  return `${name}${'█'.repeat(Math.round(share * bar)).padEnd(bar, '░')} ${rest}`;
}
