import type { Clock } from '../core/index.ts';
import type { MigrationHold, MigrationProgress, OnProgress } from '../migrate/index.ts';
import type { Terminal } from './terminal.ts';
import { bar } from './text/bar.ts';
import { blockerLines } from './text/status-text.ts';
import { count, counted, duration } from './text/words.ts';

/** How often a log hears of a step that is under way, in milliseconds. */
const everyMilliseconds = 5000;

/**
 * Shows progress: where a person sits a bar that moves, and a line for each stage and each table; in a log a line for each
 * step, and one every five seconds while rows are filled.
 */
export function progressView(terminal: Terminal, clock: Clock): OnProgress {
  let step = '';
  let stage = '';
  let began = 0;
  let said = 0;
  let held = '';
  let drawn = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = clock().getTime();
    if (progress.stage !== stage) {
      stage = progress.stage;
      if (terminal.interactive) terminal.note(stage);
    }
    if (progress.step !== step) {
      step = progress.step;
      began = now;
      said = now;
      held = '';
    }
    if (progress.hold !== undefined) {
      const why = reasonOf(progress.hold);
      if (why === held && now - said < 2 * everyMilliseconds) return;
      held = why;
      said = now;
      const [first, ...more] = holdLines(progress.hold);
      terminal.note([`  ${step} waits: ${first}`, ...more].join('\n'));
      return;
    }
    if (progress.finished) {
      const rows = progress.total > 0 ? `  ${counted(progress.rows, 'row')}` : '';
      const line = `  ${step}${rows}  ${duration((now - began) / 1000)}`;
      if (!terminal.interactive || progress.total > 0) {
        terminal.note(
          `${line}${terminal.interactive ? '' : `  (step ${progress.stepsDone} of ${progress.stepsTotal})`}`,
        );
      }
      return;
    }
    if (terminal.interactive) {
      if (now - drawn < 100 && progress.rows > 0) return;
      drawn = now;
      terminal.passing(barLine(progress, terminal.width()));
    } else if (now - said >= everyMilliseconds && progress.rows > 0) {
      said = now;
      terminal.note(`  ${step}  ${paceText(progress)}`);
    }
  };
}

function barLine(progress: MigrationProgress, width: number): string {
  const { rows, total, stepsDone, stepsTotal, step } = progress;
  const part = total > 0 ? Math.min(1, rows / total) : stepsTotal > 0 ? stepsDone / stepsTotal : 0;
  const pace = total > 0 ? `  ${paceText(progress)}` : '';
  const line = `  ${bar(part)}  ${stepsDone + 1}/${stepsTotal}  ${step}${pace}`;
  return line.length < width ? line : `${line.slice(0, Math.max(0, width - 2))}…`;
}

function paceText({ rows, total, rowsPerSecond, secondsLeft }: MigrationProgress): string {
  const part = total > 0 ? `${Math.min(100, Math.floor((rows / total) * 100))} %, ` : '';
  const left = secondsLeft === null ? '' : `, ${duration(Math.ceil(secondsLeft))} left`;
  return `${part}${count(rows)} of ${count(total)} rows, ${count(rowsPerSecond)}/s${left}`;
}

/** What is the same while nothing new is to be told. */
function reasonOf(hold: MigrationHold): string {
  if (hold.why !== 'lock') return hold.why;
  return `lock ${hold.blockers.map(({ pid, state, query }) => [pid, state, query].join()).join()}`;
}

function holdLines(hold: MigrationHold): string[] {
  switch (hold.why) {
    case 'lock':
      return [
        `no lock yet (try ${hold.attempt} of ${hold.attempts})`,
        ...blockerLines(hold.blockers).map((line) => `    ${line}`),
      ];
    case 'paused':
      return [`paused by ${hold.by} since ${hold.since.toISOString()}; tenantry migrate resume lets it go on`];
    case 'throttled':
      return [hold.reason];
  }
}
