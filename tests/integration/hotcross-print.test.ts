import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPrinter, grouped } from '../../examples/migrations/hotcross/print.ts';
import { createProgressView } from '../../examples/migrations/hotcross/progress.ts';

function record(options: { isTTY?: boolean; columns?: number } = {}) {
  const parts: string[] = [];
  return { ...options, write: (text: string) => void parts.push(text), text: () => parts.join('') };
}

const step = {
  stage: 'backfill',
  step: 'backfill:notes',
  table: 'notes',
  rows: 50,
  total: 200,
  rowsPerSecond: 25,
  secondsLeft: 6,
  stepsDone: 1,
  stepsTotal: 4,
  finished: false,
};

afterEach(() => vi.unstubAllEnvs());

describe('the printer', () => {
  it('sets numbers to the right, texts to the left, and counts wide letters twice', () => {
    const output = record();
    createPrinter(output).table(
      ['name', 'rows'],
      [
        ['株式会社', 5],
        ['Acme Corp', 12_345],
      ],
    );
    expect(output.text()).toBe('   name         rows\n   株式会社        5\n   Acme Corp  12,345\n');
  });

  it('colours on a terminal only, and not where NO_COLOR is set', () => {
    const print = (isTTY: boolean): string => {
      const output = record({ isTTY });
      createPrinter(output).outcome(true, 'holds');
      return output.text();
    };
    vi.stubEnv('NO_COLOR', '');
    expect(print(true)).toContain('\u001b[');
    expect(print(false)).toBe('   ✓ holds\n');
    vi.stubEnv('NO_COLOR', '1');
    expect(print(true)).toBe('   ✓ holds\n');
  });

  it('groups thousands', () => {
    expect(grouped(1_234_567)).toBe('1,234,567');
  });
});

describe('the progress view', () => {
  it('writes one plain line for each table where there is no terminal', () => {
    const output = record();
    const view = createProgressView(output);
    for (const rows of [0, 50, 100]) view.show({ ...step, rows });
    view.show({ ...step, rows: 200, secondsLeft: 0, finished: true });
    view.show({ ...step, stage: 'enforce', table: null, rows: 0, total: 0, stepsDone: 4, finished: true });
    view.end();
    expect(output.text()).toBe(
      '   backfill  notes     100 %  200 of 200 rows  25/s\n   enforce   steps     100 %  4 of 4 steps\n',
    );
  });

  it('moves within one line of the terminal, with a bar and the time left', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const output = record({ isTTY: true, columns: 80 });
    const view = createProgressView(output);
    vi.advanceTimersByTime(100);
    view.show(step);
    view.end();
    vi.useRealTimers();
    const [line = ''] = output.text().split('\r\u001b[2K').slice(1);
    expect(line).toMatch(/█+░+.* 25 % {2}50 of 200 rows {2}25\/s {2}6 s left\n$/);
    expect(line.trimEnd().length).toBeLessThan(80);
  });
});
