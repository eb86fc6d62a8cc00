import type { Clock, SecretBox } from '../../core/index.ts';
import { TenantryError } from '../../core/index.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import {
  createSigningKey,
  type JsonWebKey,
  type JsonWebKeySet,
  readSigningKey,
  type SigningKey,
} from './json-web-key.ts';
import { addKey, endKey, listKeys, type StoredKey } from './key-store.ts';
import { createPublicKeys, type FindKey } from './public-keys.ts';

/**
 * Where the keys are that sign access tokens: private JSON Web Keys that are handed in (the first signs, all verify), or
 * the database, where they are sealed by a secret box, and rotate.
 */
export type SigningKeysInput =
  | readonly JsonWebKey[]
  | {
      readonly secrets: SecretBox;
      /** For how many minutes a new key is published before it signs; 10 when absent. */
      readonly publishedBefore?: number;
    };

/** The signing keys. */
export interface SigningKeys {
  /** The public keys that verify tokens now or soon, to be served at `/.well-known/jwks.json` for a few minutes. */
  jwks(options?: CallOptions): Promise<JsonWebKeySet>;
  /**
   * Makes a new key. It is published at once and signs after `publishedBefore`, so that every verifier knows it by then;
   * the one before verifies until the last of its tokens is over. Gives the name of the new key. With `at: 'once'` it signs
   * at once.
   *
   * @throws TenantryError `config_invalid` where the keys are handed in.
   */
  rotate(input?: { readonly at?: 'once' }, options?: CallOptions): Promise<{ readonly kid: string }>;
  /**
   * Ends a key at once, as when it leaked: its tokens are refused by whoever reads the keys anew. False when there is none.
   *
   * @throws TenantryError `config_invalid` where the keys are handed in.
   */
  end(input: { readonly kid: string }, options?: CallOptions): Promise<boolean>;
}

/** What signs and verifies within the module. */
export interface KeyRing extends SigningKeys {
  signer(options?: CallOptions): Promise<Pick<SigningKey, 'kid' | 'privateKey'>>;
  readonly findKey: FindKey;
}

const column = 'signing_keys.private_key';
const minute = 60_000;

/** Makes the key ring. `lifetime`: for how many milliseconds a token is good. */
export function createKeyRing(
  input: SigningKeysInput,
  deps: { readonly db: AnyDatabase; readonly clock: Clock; readonly lifetime: number },
): KeyRing {
  return 'secrets' in input ? storedKeys(input, deps) : givenKeys(input, deps.clock);
}

function givenKeys(given: readonly JsonWebKey[], clock: Clock): KeyRing {
  const keys = given.map((jwk, index) => readSigningKey(`auth.keys[${index}]`, jwk));
  const [first] = keys;
  if (first === undefined) {
    throw new TenantryError('config_invalid', { path: 'auth.keys', problem: 'at least one key is needed' });
  }
  const set: JsonWebKeySet = { keys: keys.map(({ publicJwk }) => publicJwk) };
  const fixed = async () => {
    const problem = 'the keys were handed in: put a new one behind the first in every process, then in front';
    throw new TenantryError('config_invalid', { path: 'auth.keys', problem });
  };
  return {
    signer: async () => first,
    findKey: createPublicKeys({ load: async () => set }, clock),
    jwks: async () => set,
    rotate: fixed,
    end: fixed,
  };
}

function storedKeys(
  { secrets, publishedBefore = 10 }: Extract<SigningKeysInput, { secrets: SecretBox }>,
  { db, clock, lifetime }: { readonly db: AnyDatabase; readonly clock: Clock; readonly lifetime: number },
): KeyRing {
  let current: { readonly key: Pick<SigningKey, 'kid' | 'privateKey'>; readonly until: number } | undefined;
  const load = async (handle: AnyDatabase = db): Promise<JsonWebKeySet> => ({
    keys: (await listKeys(handle, clock())).map(({ publicKey }) => publicKey),
  });

  const remember = (): FindKey => createPublicKeys({ load, maxAge: minute, cooldown: 5000 }, clock);
  let known = remember();

  function forget(): void {
    current = undefined;
    known = remember();
  }

  async function make(handle: AnyDatabase, wait: number, onlyFirst: boolean): Promise<string> {
    const jwk = await createSigningKey();
    const { kid, publicJwk } = readSigningKey('auth.keys', jwk);
    const now = clock();
    const signsFrom = new Date(now.getTime() + wait);
    const privateKey = secrets.seal(JSON.stringify(jwk), { tenantId: null, column, rowId: kid });
    // A process may sign with the key before for as long as it remembers it, and its tokens live on after that.
    const othersEnd = new Date(signsFrom.getTime() + remembered + lifetime + minute);
    await addKey(handle, { kid, publicKey: publicJwk, privateKey, signsFrom, othersEnd, onlyFirst, now });
    return kid;
  }

  async function find(handle: AnyDatabase): Promise<StoredKey | undefined> {
    const now = clock();
    const keys = await listKeys(handle, now);
    return keys.find(({ signsFrom }) => signsFrom <= now) ?? keys.at(-1);
  }

  return {
    async signer(options) {
      const now = clock().getTime();
      if (current !== undefined && current.until > now && now > current.until - 2 * remembered) return current.key;
      const handle = options?.db ?? db;
      let stored = await find(handle);
      if (stored === undefined) {
        await make(handle, 0, true);
        stored = await find(handle);
      }
      if (stored === undefined)
        throw new TenantryError('config_invalid', { path: 'auth.keys', problem: 'there is no key' });
      const { kid, privateKey } = stored;
      const jwk: JsonWebKey = JSON.parse(secrets.open(privateKey, { tenantId: null, column, rowId: kid }));
      const key = readSigningKey('auth.keys', jwk);
      // A key made in a transaction that is rolled back must not be remembered.
      if (options?.db === undefined) current = { key, until: now + remembered };
      return key;
    },

    findKey: (kid) => known(kid),
    jwks: (options) => load(options?.db ?? db),

    async rotate({ at } = {}, options) {
      const kid = await make(options?.db ?? db, at === 'once' ? 0 : publishedBefore * minute, false);
      forget();
      return { kid };
    },

    async end({ kid }, options) {
      const ended = await endKey(options?.db ?? db, kid, clock());
      forget();
      return ended;
    },
  };
}

/** For how many milliseconds a process signs with a key without looking whether there is a newer one. */
const remembered = minute;
