import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { TenantryError } from './errors.ts';

/** A key under which secrets are stored. */
export interface SecretKey {
  /** Names the key in what is stored: 1 to 32 letters, digits, `_` and `-`. Never give one name to two keys. */
  readonly id: string;
  /** 32 bytes, as they are or in base64. Keep them out of the database. */
  readonly key: Uint8Array | string;
}

/** Where a secret is stored. What was sealed for one place opens at no other. */
export interface SecretPlace {
  /** Null for what belongs to no tenant. */
  readonly tenantId: string | null;
  /** Table and column: `webhook_endpoints.secret`. */
  readonly column: string;
  /** The row, by what identifies it within the tenant. */
  readonly rowId: string;
}

/** Seals secrets for the database, and opens them. */
export interface SecretBox {
  /** Encrypts a secret under the first key. Sealing it again gives another text. */
  seal(secret: string, place: SecretPlace): string;
  /**
   * Decrypts what was sealed for the same place, under any of the keys.
   *
   * @throws TenantryError `secret_unreadable`.
   */
  open(sealed: string, place: SecretPlace): string;
  /** Tells whether a text was sealed under the first key; it may still be damaged. */
  isCurrent(sealed: string): boolean;
  /** What every text begins with that is sealed under the first key. */
  readonly currentPrefix: string;
}

const form = /^ts1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{38,})$/;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Makes what seals secrets: AES-256-GCM with a random nonce of 96 bits, bound to key, tenant, column and row. Keys
 * rotate without a pause: put the new key behind the old one in every process, then in front, then seal anew what is
 * stored (`reencrypt`), then leave the old one out.
 *
 * @throws TenantryError `config_invalid` for keys that are none, and for two of one name.
 *
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto';
 * import { createSecretBox } from 'tenantry/core';
 *
 * const box = createSecretBox([{ id: '2026-07', key: randomBytes(32) }]);
 * const place = { tenantId: '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90', column: 'shops.token', rowId: '42' };
 * const sealed = box.seal('shpat_1234', place); // 'ts1.2026-07.…'
 * box.open(sealed, place); // 'shpat_1234'
 * ```
 */
export function createSecretBox(keys: readonly SecretKey[]): SecretBox {
  const known = new Map<string, Buffer>();
  for (const [index, { id, key }] of keys.entries()) {
    const path = `createSecretBox([${index}])`;
    if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{1,32}$/.test(id)) {
      throw new TenantryError('config_invalid', { path, problem: 'id must be 1 to 32 letters, digits, "_" and "-"' });
    }
    if (known.has(id)) throw new TenantryError('config_invalid', { path, problem: `the id "${id}" stands twice` });
    known.set(id, keyBytes(path, key));
  }
  const [first] = known;
  if (first === undefined) {
    throw new TenantryError('config_invalid', { path: 'createSecretBox', problem: 'at least one key is needed' });
  }
  const [currentId, currentKey] = first;
  const currentPrefix = `ts1.${currentId}.`;

  return {
    currentPrefix,
    isCurrent: (sealed) => sealed.startsWith(currentPrefix) && form.test(sealed),

    seal(secret, place) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', currentKey, nonce, { authTagLength: tagBytes });
      cipher.setAAD(boundTo(currentId, place));
      const body = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${currentPrefix}${body.toString('base64url')}`;
    },

    open(sealed, place) {
      const unreadable = (reason: 'malformed' | 'key_unknown' | 'not_authentic'): TenantryError =>
        new TenantryError('secret_unreadable', { column: String(place.column), reason });
      const [, id = '', text = ''] = form.exec(typeof sealed === 'string' ? sealed : '') ?? [];
      const body = Buffer.from(text, 'base64url');
      // A text of which the last letter has spare bits would open in several spellings.
      if (id === '' || body.toString('base64url') !== text) throw unreadable('malformed');
      const key = known.get(id);
      if (key === undefined) throw unreadable('key_unknown');
      const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAAD(boundTo(id, place));
      decipher.setAuthTag(body.subarray(-tagBytes));
      try {
        const start = decipher.update(body.subarray(nonceBytes, -tagBytes));
        return Buffer.concat([start, decipher.final()]).toString('utf8');
      } catch {
        // The error of the cipher says no more than this, and is not handed on.
        throw unreadable('not_authentic');
      }
    },
  };
}

function keyBytes(path: string, key: unknown): Buffer {
  const bytes =
    typeof key === 'string' ? Buffer.from(key, 'base64') : key instanceof Uint8Array ? Buffer.from(key) : null;
  if (bytes?.length === 32) return bytes;
  throw new TenantryError('config_invalid', { path, problem: 'key must be 32 bytes, as they are or in base64' });
}

/** JSON parts the values, so that no two places give the same bytes. UUIDs are the same in either case. */
function boundTo(keyId: string, { tenantId, column, rowId }: SecretPlace): Buffer {
  const tenant = tenantId === null ? null : String(tenantId).toLowerCase();
  return Buffer.from(JSON.stringify(['tenantry.secret.1', keyId, tenant, String(column), String(rowId)]), 'utf8');
}
