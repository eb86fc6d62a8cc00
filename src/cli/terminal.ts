import { createInterface } from 'node:readline/promises';
import { concealer } from './conceal.ts';
import { harmless } from './text/harmless.ts';

/** Where the command writes. Results go to the standard output, everything else to the standard error. */
export interface Terminal {
  /** Whether a person sits in front of it: both the input and the standard error are a terminal. */
  readonly interactive: boolean;
  /** How wide a line of the standard error may be. */
  width(): number;
  out(text: string): void;
  /** Writes a line to the standard error, over the line that {@link Terminal.passing} shows. */
  note(text: string): void;
  /** Shows a line that the next one replaces; only where a person sits. */
  passing(text: string): void;
  /** Asks for a `yes`. */
  confirm(question: string): Promise<boolean>;
  /** From now on these texts are taken out of all that is written. */
  hide(secrets: readonly string[]): void;
}

/** The terminal of this process. */
export function createTerminal({ stdin, stdout, stderr } = process): Terminal {
  const interactive = stdin.isTTY === true && stderr.isTTY === true;
  let secrets: readonly string[] = [];
  let conceal = concealer([]);
  let passing = false;
  const erase = (): string => {
    const text = passing ? '\r\u001b[2K' : '';
    passing = false;
    return text;
  };
  // Whoever read the output may have gone, as `head` does.
  stdout.on('error', () => undefined);
  stderr.on('error', () => undefined);
  return {
    interactive,
    width: () => stderr.columns ?? 100,
    out(text) {
      const erased = erase();
      if (erased !== '') stderr.write(erased);
      // Where nobody sits in front of it the bytes stay as they are: exports are compared.
      stdout.write(`${conceal(stdout.isTTY ? harmless(text) : text)}\n`);
    },
    note(text) {
      stderr.write(`${erase()}${conceal(harmless(text))}\n`);
    },
    passing(text) {
      if (!interactive) return;
      stderr.write(`${erase()}${conceal(harmless(text))}`);
      passing = true;
    },
    async confirm(question) {
      const lines = createInterface({ input: stdin, output: stderr });
      // Ctrl+C and the end of the input are a no.
      const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
      const answer = lines.question(`${conceal(harmless(question))} [yes/no] `).catch(() => '');
      const said = await Promise.race([answer, closed]);
      lines.close();
      return /^y(es)?$/i.test(said.trim());
    },
    hide(more) {
      secrets = [...secrets, ...more];
      conceal = concealer(secrets);
    },
  };
}
