import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** What a run of the command said. */
export interface CommandRun {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface RunningCommand {
  readonly pid: number;
  readonly done: Promise<CommandRun>;
  /** Waits until the standard error says something. */
  says(pattern: RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** Starts the command as a process of its own, from the sources, where no terminal is. */
export function startCommand(args: readonly string[], env: Record<string, string> = {}): RunningCommand {
  const { DATABASE_URL: _none, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/cli/main.ts', ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  const heard = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      said[name] += String(chunk);
      for (const hear of heard) hear();
    });
  }
  const done = new Promise<CommandRun>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, ...said }));
  });
  return {
    pid: child.pid ?? 0,
    done,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const hear = (): void => {
          if (pattern.test(said.stderr)) resolve();
        };
        heard.add(hear);
        hear();
        void done.then(() => reject(new Error(`it never said ${pattern}: ${said.stderr}${said.stdout}`)));
      }),
    signal: (name) => void child.kill(name),
  };
}

/** Runs the command to its end. */
export async function runCommand(args: readonly string[], env: Record<string, string> = {}): Promise<CommandRun> {
  return startCommand(args, env).done;
}
