import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { examples, pathOf } from './examples.ts';
import { createProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

const none = (): void => undefined;
const terminal: Terminal = {
  interactive: false,
  width: () => 80,
  out: none,
  note: none,
  passing: none,
  confirm: async () => false,
  hide: none,
};
const program = createProgram({
  terminal,
  version: '0',
  perform: async () => undefined,
  doctor: async () => undefined,
  write: none,
});
const leaves = program.commands.flatMap((one): readonly Command[] => (one.commands.length > 0 ? one.commands : [one]));

it('shows for each command how it is written', () => {
  const shown = leaves.map((command) => {
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
    return [pathOf(command), /^ {2}tenantry (.*)$/m.exec(text)?.[1] ?? ''];
  });
  for (const [path = '', line = ''] of shown) expect(`${line} `, path).toMatch(new RegExp(`^${path} `));
});

it('shows nothing that a command does not take', async () => {
  for (const line of examples) {
    const words = (line.replace(/ > .*$/, '').match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
    await expect(program.parseAsync(words, { from: 'user' }), line).resolves.toBeDefined();
  }
  expect(examples).toHaveLength(leaves.length);
});
