import { scrypt as nodeScrypt, randomBytes, timingSafeEqual } from 'node:crypto';
import { TenantryError } from '../../core/index.ts';
import type { PasswordHasher } from './password-hasher.ts';

/** The cost of a hash by scrypt (RFC 7914). */
export interface ScryptOptions {
  /** The logarithm of N to base 2; 15 when absent. */
  readonly logN?: number;
  /** 8 when absent. */
  readonly blockSize?: number;
  /** 3 when absent. */
  readonly parallelism?: number;
}

const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

/**
 * Hashes passwords by Node's own scrypt, on the threads of libuv, for a Node without argon2id. The costs are those of
 * OWASP when absent: 32 MiB.
 *
 * @throws TenantryError `config_invalid` for a cost that cannot be.
 *
 * @example
 * ```ts
 * import { scrypt } from 'tenantry/auth';
 *
 * const hasher = scrypt();
 * const hash = await hasher.hash('correct horse battery');
 * await hasher.verify('correct horse battery', hash); // true
 * ```
 */
export function scrypt({ logN = 15, blockSize = 8, parallelism = 3 }: ScryptOptions = {}): PasswordHasher {
  const cost = { logN, blockSize, parallelism };
  if (!fits(cost)) {
    const problem = 'logN must be 10 to 20, blockSize 1 to 32, parallelism 1 to 16';
    throw new TenantryError('config_invalid', { path: 'scrypt()', problem });
  }
  const costs = `ln=${logN},r=${blockSize},p=${parallelism}`;

  return {
    name: 'scrypt',
    maxBytes: 1024,
    recognises: (hash) => read(hash) !== null,
    isCurrent: (hash) => hash.startsWith(`$scrypt$${costs}$`) && read(hash) !== null,

    async hash(password) {
      const salt = randomBytes(16);
      const key = await derive(password, salt, 32, cost);
      return `$scrypt$${costs}$${plain(salt)}$${plain(key)}`;
    },

    async verify(password, hash) {
      const stored = read(hash);
      if (stored === null) return false;
      const { salt, key, ...its } = stored;
      return timingSafeEqual(await derive(password, salt, key.length, its), key);
    },
  };
}

function read(hash: string) {
  const [, ln, r, p, salt = '', key = ''] = form.exec(hash) ?? [];
  const cost = { logN: Number(ln), blockSize: Number(r), parallelism: Number(p) };
  if (key === '' || !fits(cost)) return null;
  return { ...cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

function fits({ logN, blockSize, parallelism }: Required<ScryptOptions>): boolean {
  const whole = [logN, blockSize, parallelism].every((number) => Number.isInteger(number) && number >= 1);
  return whole && logN >= 10 && logN <= 20 && blockSize <= 32 && parallelism <= 16;
}

function derive(
  password: string,
  salt: Uint8Array,
  length: number,
  { logN, blockSize, parallelism }: Required<ScryptOptions>,
): Promise<Uint8Array> {
  const options = { N: 2 ** logN, r: blockSize, p: parallelism, maxmem: 256 * 2 ** logN * blockSize };
  return new Promise((resolve, reject) => {
    nodeScrypt(Buffer.from(password), salt, length, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/** Base64 as PHC has it: without the signs at the end. */
function plain(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
