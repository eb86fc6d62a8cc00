#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { runCommand } from './run-command.ts';
import { createTerminal } from './terminal.ts';

const manifest: { version: string } = JSON.parse(
  await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
);
process.exitCode = await runCommand(process.argv.slice(2), createTerminal(), manifest.version);
