import type { DryRunReport } from '../../migrate/index.ts';
import { verifyText } from './verify-text.ts';
import { columns, count, counted, duration, indented } from './words.ts';

/** What a dry run found, for people. */
export function dryRunText({ migration, steps, failure, verification, seconds }: DryRunReport): string {
  const rows = steps.map((step) => [
    step.step,
    step.rows > 0 ? count(step.rows) : '',
    step.how === 'skipped' ? '' : duration(step.seconds),
    step.how === 'as it is' ? '' : step.how,
  ]);
  return [
    `${migration}: ${counted(steps.length, 'step')} tried in ${duration(seconds)}, and rolled back`,
    ...indented(columns([['step', 'rows', 'took', ''], ...rows], [1, 2])),
    ...(failure === null ? [] : [`failed at ${failure.step} with SQLSTATE ${failure.sqlstate}: ${failure.message}`]),
    ...(verification === null ? [] : [verifyText(verification)]),
  ].join('\n');
}
