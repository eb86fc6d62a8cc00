import { createHash, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * Tells whether a scrypt hash is a secret's; made for {@link HashForm.verify}. It reads the form of PHC
 * (`$scrypt$ln=15,r=8,p=1$<salt>$<key>`, base64 without padding) and `<salt>:<key>` in hexadecimal, whose costs are then
 * those given. The latter is salted with the salt's text, as better-auth does it, unless `saltAs` says `bytes`.
 *
 * @example
 * ```ts
 * import { scryptMatches } from 'tenantry/api-keys';
 *
 * const form = {
 *   pattern: /^tk_[0-9a-z]{8}_[0-9a-z]{32}$/,
 *   lookupOf: (secret: string) => secret.slice(3, 11),
 *   verify: (secret: string, hash: string) => scryptMatches(secret, hash, { N: 16_384, r: 16, p: 1 }),
 * };
 * ```
 */
export async function scryptMatches(
  secret: string,
  hash: string,
  { saltAs = 'text', ...costs }: ScryptOptions & { readonly saltAs?: 'text' | 'bytes' } = {},
): Promise<boolean> {
  const phc = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)=*\$([A-Za-z0-9+/]+)=*$/.exec(hash);
  if (phc !== null) {
    const [, ln, r, p, salt = '', key = ''] = phc;
    const options = { N: 2 ** Number(ln), r: Number(r), p: Number(p) };
    return derives(secret, Buffer.from(salt, 'base64'), Buffer.from(key, 'base64'), options);
  }
  const pair = /^([0-9a-f]+):((?:[0-9a-f]{2})+)$/i.exec(hash);
  if (pair === null) return false;
  const [, salt = '', key = ''] = pair;
  return derives(secret, saltAs === 'text' ? salt : Buffer.from(salt, 'hex'), Buffer.from(key, 'hex'), costs);
}

/**
 * Tells whether a SHA-256 with a salt is a secret's; made for {@link HashForm.verify}. It reads `<salt>:<digest>` and
 * `<salt>$<digest>`, the digest in hexadecimal; the salt's text stands before the secret, or `after` it.
 *
 * @example
 * ```ts
 * import { createHash } from 'node:crypto';
 * import { saltedMatches } from 'tenantry/api-keys';
 *
 * const digest = createHash('sha256').update('pepper').update('the secret').digest('hex');
 * saltedMatches('the secret', `pepper:${digest}`); // true
 * ```
 */
export function saltedMatches(secret: string, hash: string, place: 'before' | 'after' = 'before'): boolean {
  const parts = /^(.*)[:$]([0-9a-f]{64})$/i.exec(hash);
  if (parts === null) return false;
  const [, salt = '', digest = ''] = parts;
  const found = createHash('sha256')
    .update(place === 'before' ? salt + secret : secret + salt)
    .digest();
  return timingSafeEqual(found, Buffer.from(digest, 'hex'));
}

function derives(secret: string, salt: string | Buffer, key: Buffer, costs: ScryptOptions): Promise<boolean> {
  const { N = 16_384, r = 8 } = costs;
  return new Promise((resolve, reject) => {
    // Node refuses what needs more than 32 MiB unless it is told.
    scrypt(secret.normalize('NFKC'), salt, key.length, { ...costs, maxmem: 256 * N * r }, (error, derived) => {
      if (error !== null) reject(error);
      else resolve(timingSafeEqual(derived, key));
    });
  });
}
