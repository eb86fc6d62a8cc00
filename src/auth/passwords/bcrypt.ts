import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { TenantryError } from '../../core/index.ts';
import type { PasswordHasher } from './password-hasher.ts';

/** The cost of a hash by bcrypt. */
export interface BcryptOptions {
  /** The logarithm of the rounds to base 2; 12 when absent. */
  readonly cost?: number;
}

const form = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const mostBytes = 72;

/** It stands here as a text, so that a bundler needs no second entry for it. */
const worker = `
const { parentPort, workerData } = require('node:worker_threads');
const loading = import(workerData).then((module) => module.default ?? module);
parentPort.on('message', async ({ id, password, cost, hash }) => {
  try {
    const bcrypt = await loading;
    const value = hash === undefined ? bcrypt.hashSync(password, cost) : bcrypt.compareSync(password, hash);
    parentPort.postMessage({ id, value });
  } catch (error) {
    parentPort.postMessage({ id, problem: String(error && error.message) });
  }
});`;

type Job = { readonly password: string } & ({ readonly cost: number } | { readonly hash: string });

interface Answer {
  readonly id: number;
  readonly value?: string | boolean;
  readonly problem?: string;
}

/**
 * Hashes passwords by the package `bcryptjs`, which is loaded at the first use, in a thread of its own: in the main one
 * it would hold the event loop for 100 ms at a time. A password of more than 72 bytes is refused, since bcrypt would drop
 * the rest without a word.
 *
 * @throws TenantryError `config_invalid` for a cost that cannot be.
 *
 * @example
 * ```ts
 * import { bcrypt } from 'tenantry/auth';
 *
 * const hasher = bcrypt({ cost: 12 }); // opens hashes of another program, and makes such
 * ```
 */
export function bcrypt({ cost = 12 }: BcryptOptions = {}): PasswordHasher {
  if (!isRounds(cost)) {
    throw new TenantryError('config_invalid', { path: 'bcrypt({ cost })', problem: 'must be a whole number, 4 to 20' });
  }
  const run = createRunner();

  return {
    name: 'bcrypt',
    maxBytes: mostBytes,
    recognises: (hash) => isRounds(Number(form.exec(hash)?.[1])),
    isCurrent: (hash) => Number(form.exec(hash)?.[1]) === cost,

    async hash(password) {
      if (Buffer.byteLength(password) > mostBytes) {
        throw new TenantryError('password_refused', { problem: `must have at most ${mostBytes} bytes` });
      }
      return String(await run({ password, cost }));
    },

    async verify(password, hash) {
      if (Buffer.byteLength(password) > mostBytes || !isRounds(Number(form.exec(hash)?.[1]))) return false;
      return (await run({ password, hash })) === true;
    },
  };
}

function isRounds(cost: number): boolean {
  return Number.isInteger(cost) && cost >= 4 && cost <= 20;
}

/** Starts the thread at the first job. It keeps a process alive only while there is work. */
function createRunner(): (job: Job) => Promise<string | boolean> {
  let thread: Worker | undefined;
  let count = 0;
  const waiting = new Map<number, { resolve(value: string | boolean): void; reject(error: unknown): void }>();

  function fail(error: unknown): void {
    thread = undefined;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function start(): Worker {
    const started = new Worker(worker, { eval: true, workerData: locate(), stdin: false });
    started.on('message', ({ id, value, problem }: Answer) => {
      const job = waiting.get(id);
      waiting.delete(id);
      if (waiting.size === 0) started.unref();
      if (value === undefined) job?.reject(new Error(`bcryptjs failed: ${problem}`));
      else job?.resolve(value);
    });
    started.on('error', fail);
    started.on('exit', () => fail(new Error('the thread of bcryptjs ended')));
    return started;
  }

  return (job) =>
    new Promise((resolve, reject) => {
      thread ??= start();
      count += 1;
      waiting.set(count, { resolve, reject });
      thread.ref();
      thread.postMessage({ id: count, ...job });
    });
}

function locate(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('bcryptjs')).href;
  } catch (cause) {
    const details = { path: 'bcrypt()', problem: 'install the package bcryptjs (version 3)' };
    throw new TenantryError('config_invalid', details, { cause });
  }
}
