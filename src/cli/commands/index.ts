import type { Command } from '../command.ts';
import type { CommandName } from '../help.ts';

/** Every command by its name, loaded when it is called: help and wrong use answer at once. */
export const commands: Readonly<Record<CommandName, () => Promise<Command>>> = {
  install: async () => (await import('./install.ts')).install,
  inspect: async () => (await import('./inspect.ts')).inspect,
  plan: async () => (await import('./plan.ts')).plan,
  apply: async () => (await import('./apply.ts')).apply,
  status: async () => (await import('./status.ts')).status,
  verify: async () => (await import('./verify.ts')).verify,
  rollback: async () => (await import('./rollback.ts')).rollback,
  pause: async () => (await import('./pause.ts')).pause,
  resume: async () => (await import('./pause.ts')).resume,
  sql: async () => (await import('./sql.ts')).sql,
};
