import { styleText } from 'node:util';

/** Where text goes: a terminal, a pipe, or a list in a test. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

type Style = Parameters<typeof styleText>[0];
type Cell = string | number | null;

/** Prints the demonstration: headings, sentences, tables and what became of promises. */
export interface Printer {
  readonly output: Output;
  heading(text: string): void;
  say(text: string): void;
  /** Something beside the story. */
  remark(text: string): void;
  /** A table; columns that hold numbers are set to the right. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): void;
  outcome(holds: boolean, text: string): void;
}

/** Makes a printer. It colours on a terminal only, and never where NO_COLOR is set. */
export function createPrinter(output: Output): Printer {
  const colours = output.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  const style = (format: Style, text: string): string =>
    colours ? styleText(format, text, { validateStream: false }) : text;
  const line = (text: string): void => void output.write(`${text}\n`);
  let chapter = 0;

  return {
    output,
    heading(text) {
      chapter += 1;
      line(`\n${style('bold', `${chapter}. ${text}`)}`);
    },
    say: (text) => line(`   ${text}`),
    remark: (text) => line(style('dim', `   ${text}`)),
    table(head, rows) {
      const texts = rows.map((row) => row.map(cellText));
      const right = head.map((_, index) => rows.length > 0 && rows.every((row) => typeof row[index] !== 'string'));
      const widths = head.map((name, index) => Math.max(width(name), ...texts.map((row) => width(row[index] ?? ''))));
      const laid = (row: readonly string[]): string =>
        row
          .map((text, index) => pad(text, widths[index] ?? 0, right[index] === true))
          .join('  ')
          .trimEnd();
      line(style('dim', `   ${laid(head)}`));
      for (const row of texts) line(`   ${laid(row)}`);
    },
    outcome(holds, text) {
      line(`   ${holds ? style('green', '✓') : style(['red', 'bold'], '✗')} ${holds ? text : style('red', text)}`);
    },
  };
}

/** Writes a whole number with a comma after each thousand. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function cellText(cell: Cell): string {
  if (cell === null) return '–';
  return typeof cell === 'number' ? grouped(cell) : cell;
}

function pad(text: string, to: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return right ? space + text : text + space;
}

const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u;

/** How many places of a terminal a text takes: East Asian letters and emoji take two. */
function width(text: string): number {
  let places = 0;
  for (const character of text) places += wide.test(character) ? 2 : 1;
  return places;
}
