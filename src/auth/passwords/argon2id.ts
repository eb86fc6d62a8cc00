import nodeCrypto, { randomBytes, timingSafeEqual } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';
import type { PasswordHasher } from './password-hasher.ts';

/** The cost of a hash by argon2id (RFC 9106). */
export interface Argon2idOptions {
  /** KiB; 19,456 when absent. */
  readonly memory?: number;
  /** 2 when absent. */
  readonly passes?: number;
  /** 1 when absent. */
  readonly parallelism?: number;
}

const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/**
 * Tells whether this Node has argon2id: 24.7 and later.
 *
 * @example
 * ```ts
 * import { argon2id, hasArgon2id, scrypt } from 'tenantry/auth';
 *
 * const hasher = hasArgon2id() ? argon2id() : scrypt();
 * ```
 */
export function hasArgon2id(): boolean {
  return typeof nodeCrypto.argon2 === 'function';
}

/**
 * Hashes passwords by Node's own argon2id, on the threads of libuv. The costs are those of OWASP when absent, and hashes
 * are in the usual PHC form, so those of other libraries open too.
 *
 * @throws TenantryError `config_invalid` where Node is older than 24.7, and for a cost that cannot be.
 *
 * @example
 * ```ts
 * import { argon2id, hasArgon2id, scrypt } from 'tenantry/auth';
 *
 * const hasher = hasArgon2id() ? argon2id() : scrypt();
 * ```
 */
export function argon2id({ memory = 19_456, passes = 2, parallelism = 1 }: Argon2idOptions = {}): PasswordHasher {
  if (!hasArgon2id()) {
    const problem = 'this Node has no crypto.argon2 (24.7 has); use scrypt() or bcrypt()';
    throw new TenantryError('config_invalid', { path: 'argon2id()', problem });
  }
  const cost = { memory, passes, parallelism };
  if (!fits(cost)) {
    const problem = 'memory must be 8 × parallelism to 1048576 KiB, passes 1 to 100, parallelism 1 to 16';
    throw new TenantryError('config_invalid', { path: 'argon2id()', problem });
  }
  const costs = `m=${memory},t=${passes},p=${parallelism}`;

  return {
    name: 'argon2id',
    maxBytes: 1024,
    recognises: (hash) => read(hash) !== null,
    isCurrent: (hash) => hash.startsWith(`$argon2id$v=19$${costs}$`) && read(hash) !== null,

    async hash(password) {
      const salt = randomBytes(16);
      const tag = await derive(password, salt, 32, cost);
      return `$argon2id$v=19$${costs}$${plain(salt)}$${plain(tag)}`;
    },

    async verify(password, hash) {
      const stored = read(hash);
      if (stored === null) return false;
      const { salt, tag, ...its } = stored;
      return timingSafeEqual(await derive(password, salt, tag.length, its), tag);
    },
  };
}

function read(hash: string) {
  const [, m, t, p, salt = '', tag = ''] = form.exec(hash) ?? [];
  const cost = { memory: Number(m), passes: Number(t), parallelism: Number(p) };
  if (tag === '' || !fits(cost)) return null;
  return { ...cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
}

/** What a hash may cost that somebody stored: enough for all in use, too little to stop a server. */
function fits({ memory, passes, parallelism }: Required<Argon2idOptions>): boolean {
  const whole = [memory, passes, parallelism].every((number) => Number.isInteger(number) && number >= 1);
  return whole && memory >= 8 * parallelism && memory <= 1_048_576 && passes <= 100 && parallelism <= 16;
}

function derive(
  password: string,
  nonce: Uint8Array,
  tagLength: number,
  { memory, passes, parallelism }: Required<Argon2idOptions>,
): Promise<Uint8Array> {
  const parameters = { message: Buffer.from(password), nonce, parallelism, tagLength, memory, passes };
  return new Promise((resolve, reject) => {
    nodeCrypto.argon2('argon2id', parameters, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** Base64 as PHC has it: without the signs at the end. */
function plain(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
