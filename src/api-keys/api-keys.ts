import { performance } from 'node:perf_hooks';
import { systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import type { ModuleDeps } from '../database/index.ts';
import type { ApiKeyEvent } from './api-key.ts';
import type { ApiKeys, ApiKeysOptions, KeyCacheOptions } from './api-keys-interface.ts';
import { keysMade } from './cache/channel.ts';
import { createKeyCache, type KeyCache } from './cache/key-cache.ts';
import { createListener, type Listener } from './cache/listener.ts';
import { readForms } from './foreign/foreign-form.ts';
import { createLastUsed } from './last-used.ts';
import { readRateLimit } from './limits/rate-limit.ts';
import { createSpender, type KeyRates } from './limits/spend.ts';
import { createManagement } from './manage.ts';
import { isPrefix } from './token.ts';
import { typedManagement } from './typed-management.ts';
import { createVerifier } from './verify.ts';

/**
 * Makes the API keys module.
 *
 * @throws TenantryError `config_invalid` for an option that cannot be.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createApiKeys } from 'tenantry/api-keys';
 * import { installSchema } from 'tenantry/database';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const { tenantId } = await createTenancy({ db, strategy: perUser() }).provision({ userId: 'ada', name: 'Ada' });
 *
 * const apiKeys = createApiKeys({ db, prefix: 'hc' });
 * const { secret } = await apiKeys.issue({ tenantId }); // 'hc_live_…', shown once
 * const result = await apiKeys.verify(secret); // { ok: true, key: …, tenant: …, member: null, left: null }
 * ```
 */
export function createApiKeys({
  db,
  clock = systemClock,
  ids = uuidv7,
  events,
  prefix = 'key',
  foreign,
  activeStatuses = ['active', 'trialing'],
  seatsExceeded = 'refuse',
  rates = {},
  lastUsed: lastUsedEvery = 60_000,
  cache: cacheOptions,
}: ModuleDeps<ApiKeyEvent> & ApiKeysOptions): ApiKeys {
  if (typeof prefix !== 'string' || !isPrefix(prefix)) {
    throw misconfigured('prefix', 'must be letters and digits with single underscores within, at most 32 characters');
  }
  if (!Array.isArray(activeStatuses)) throw misconfigured('activeStatuses', 'must be a list of states');
  if (seatsExceeded !== 'refuse' && seatsExceeded !== 'allow') {
    throw misconfigured('seatsExceeded', 'must be "refuse" or "allow"');
  }
  if (lastUsedEvery !== false && !(Number.isSafeInteger(lastUsedEvery) && lastUsedEvery >= 0)) {
    throw misconfigured('lastUsed', 'must be a whole number of milliseconds, or false');
  }
  const policy = { activeStatuses: new Set(activeStatuses), refuseExceededSeats: seatsExceeded === 'refuse' };
  const memory = cacheOptions === undefined ? undefined : createMemory(cacheOptions);
  const lastUsed = lastUsedEvery === false ? null : createLastUsed(db, lastUsedEvery);
  const verifier = createVerifier({
    db,
    clock,
    prefix,
    forms: readForms(foreign),
    policy,
    spender: createSpender(db, readRates(rates)),
    lastUsed,
    cache: () => (memory?.listener.trusted() ? memory.cache : undefined),
  });
  const { find } = verifier;
  const management = typedManagement(createManagement({ db, clock, ids, events, prefix, cache: memory?.cache, find }));

  async function flush(): Promise<void> {
    await Promise.all([verifier.settled(), lastUsed?.flush()]);
  }

  return {
    prefix,
    ...management,
    verify: verifier.verify,

    async whoami(secret, options = {}) {
      const result = await verifier.verify(secret, { ...options, spend: false });
      if (!result.ok) return result;
      const { tenant, member } = result;
      const key = await management.get({ tenantId: tenant.id, keyId: result.key.id }, options);
      return key === null ? { ok: false, reason: 'not_found' } : { ok: true, key, tenant, member };
    },

    flush,
    cacheState: () => ({ trusted: memory?.listener.trusted() ?? false, size: memory?.cache.size ?? 0 }),

    forget(tenantId) {
      if (tenantId === undefined) memory?.cache.clear();
      else memory?.cache.forget(tenantId);
    },

    async close() {
      await memory?.listener.close();
      lastUsed?.stop();
      // Where the database is gone as well, there is nothing left to be done.
      await flush().catch(() => undefined);
    },
  };
}

/** What a process remembers, and what tells it of changes. */
function createMemory(options: KeyCacheOptions): { readonly cache: KeyCache; readonly listener: Listener } {
  const { listen, max = 50_000, maxAge = 60_000, heartbeat = 1000, onError = () => undefined } = options;
  if (typeof listen !== 'function') throw misconfigured('cache.listen', 'must be a function that gives a connection');
  for (const [name, number] of Object.entries({ max, maxAge, heartbeat })) {
    if (!Number.isSafeInteger(number) || number < 1)
      throw misconfigured(`cache.${name}`, 'must be a whole number from 1');
  }
  const now = (): number => performance.now();
  const cache = createKeyCache({ max, age: maxAge, now });
  const listener = createListener({
    listen,
    onMessage(payload) {
      if (payload === keysMade) cache.forgetAbsent();
      else cache.forget(payload);
    },
    onGap: cache.clear,
    onError,
    heartbeat,
    now,
  });
  return { cache, listener };
}

function readRates(rates: KeyRates): KeyRates {
  const { key, tenant } = rates;
  try {
    if (key != null) readRateLimit('key', key);
    if (tenant != null && typeof tenant !== 'function') readRateLimit('tenant', tenant);
  } catch (error) {
    throw misconfigured('rates', error instanceof Error ? error.message : 'cannot be read');
  }
  return rates;
}

function misconfigured(option: string, problem: string): TenantryError {
  return new TenantryError('config_invalid', { path: `apiKeys.${option}`, problem });
}
