import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createTerminal } from './terminal.ts';

const hostile = 'a\u001b]0;b\u0007\u009b2J\u202ec\r\td\n';
const shown = 'a ]0;b  2J c \td\n';

/** A terminal, and what was written to it. */
function openTerminal(isTTY: boolean) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()].map((stream) =>
    Object.assign(stream, { isTTY }),
  );
  const told = { stdin: { value: stdin }, stdout: { value: stdout }, stderr: { value: stderr } };
  const terminal = createTerminal(Object.create(process, told));
  return { terminal, written: () => [stdout, stderr].map((stream) => String(stream?.read() ?? '')) };
}

it('lets nothing that others wrote move over the terminal', () => {
  const { terminal, written } = openTerminal(true);
  terminal.out(hostile);
  terminal.note(hostile);
  expect(written()).toEqual([`${shown}\n`, `${shown}\n`]);
});

it('hands results on as they are where no terminal is', () => {
  const { terminal, written } = openTerminal(false);
  terminal.out(hostile);
  terminal.note(hostile);
  expect(written()).toEqual([`${hostile}\n`, `${shown}\n`]);
});
