import { sql } from 'kysely';
import { type Actor, type Clock, type Ids, isUuid, TenantryError } from '../core/index.ts';
import { pageOf, readPage } from '../core/page.ts';
import { libraryOf } from '../database/handle.ts';
import { type AnyDatabase, type CallOptions, inTransaction, type ModuleDeps } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import { type ApiKey, type ApiKeyEvent, dataOf } from './api-key.ts';
import type { ApiKeys, LeakOutcome, UpdateInput } from './api-keys-interface.ts';
import type { KeyCache } from './cache/key-cache.ts';
import { readImport, readSettings } from './import-input.ts';
import { invalid, readFuture, readMetadata, readName, readScopes } from './key-input.ts';
import { noTeam, readOwner } from './key-owner.ts';
import { readIpRanges } from './limits/ip-ranges.ts';
import { readUses } from './limits/key-uses.ts';
import { readRateLimit } from './limits/rate-limit.ts';
import {
  endSecret,
  getKey,
  insertKeys,
  type KeyPatch,
  type KeyRef,
  listKeys,
  replaceSecret,
  revokeKeys,
  updateKey,
} from './store.ts';
import { digestOf, makeToken, startOf } from './token.ts';
import type { Verifier } from './verify.ts';

/** What {@link createManagement} is made from. */
export interface ManagementDeps {
  readonly db: AnyDatabase;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly events: ModuleDeps<ApiKeyEvent>['events'];
  readonly prefix: string;
  /** What the process remembers, whether it may be used at the moment or not. */
  readonly cache: KeyCache | undefined;
  readonly find: Verifier['find'];
}

/** What issues keys, reads and changes them. */
export type Management = Pick<
  ApiKeys,
  | 'issue'
  | 'importKeys'
  | 'get'
  | 'list'
  | 'update'
  | 'enable'
  | 'disable'
  | 'rotate'
  | 'revoke'
  | 'revokeAll'
  | 'reportLeak'
>;

type Unstamped<Event> = Event extends unknown ? Omit<Event, 'id' | 'occurredAt' | 'actor' | 'tenantId'> : never;

/** The longest grace of a rotation: a year. */
const longestGrace = 366 * 86_400_000;

/** Makes what issues keys and changes them. */
export function createManagement({ db, clock, ids, events, prefix, cache, find }: ManagementDeps): Management {
  /**
   * Runs a change of a tenant's keys and forgets them afterwards. Without a sink a single statement needs no transaction
   * around it. What a caller's transaction changed is not committed yet, so the keys are not remembered for a while.
   */
  async function changing<Result>(
    options: CallOptions,
    tenantId: string,
    work: (tx: AnyDatabase) => Promise<Result>,
    always = false,
  ): Promise<Result> {
    const joined = options.db !== undefined || db.isTransaction;
    if (joined) cache?.shun(tenantId);
    const result = await (events === undefined && !always
      ? work(options.db ?? db)
      : inTransaction(db, options.db, work));
    if (joined) cache?.shun(tenantId);
    else cache?.forget(tenantId);
    cache?.forgetAbsent();
    return result;
  }

  async function publish(
    event: Unstamped<ApiKeyEvent>,
    { tenantId }: ApiKey,
    tx: AnyDatabase,
    by: Actor | undefined,
  ): Promise<void> {
    await events?.({ id: ids(), occurredAt: clock(), tenantId, ...(by !== undefined && { actor: by }), ...event }, tx);
  }

  /** What is no id is not quoted: it may be a secret that was handed in by mistake. */
  function named({ tenantId, keyId }: KeyRef): KeyRef {
    if (!isUuid(tenantId) || !isUuid(keyId)) throw new TenantryError('api_key_not_found', { key: '(not an id)' });
    return { tenantId: tenantId.toLowerCase(), keyId: keyId.toLowerCase() };
  }

  function found(key: ApiKey | undefined, { keyId }: KeyRef): ApiKey {
    if (key === undefined) throw new TenantryError('api_key_not_found', { key: keyId });
    return key;
  }

  async function revokeNamed(ref: KeyRef, tx: AnyDatabase, by: Actor | undefined): Promise<ApiKey | undefined> {
    const [revoked] = await revokeKeys(tx, ref, clock());
    if (revoked !== undefined) await publish({ name: 'api_key.revoked', data: dataOf(revoked) }, revoked, tx, by);
    return revoked;
  }

  async function switchKey(given: KeyRef, enabled: boolean, { by, ...options }: Parameters<ApiKeys['enable']>[1] = {}) {
    const ref = named(given);
    return changing(options, ref.tenantId, async (tx) => {
      const key = found(await updateKey(tx, ref, { enabled: sql`${enabled}::boolean` }, clock()), ref);
      const name = enabled ? 'api_key.enabled' : 'api_key.disabled';
      await publish({ name, data: dataOf(key) }, key, tx, by);
      return key;
    });
  }

  return {
    async issue(input, { by, ...options } = {}) {
      const now = clock();
      const settings = readSettings(input, now);
      const secret = makeToken({ prefix, environment: settings.environment });
      const key: ApiKey = {
        id: ids(),
        tenantId: input.tenantId,
        ...settings,
        start: startOf(secret),
        scheme: 'sha256',
        createdBy: by?.userId ?? null,
        enabled: true,
        createdAt: now,
        expiresAt: readFuture('expiresAt', input.expiresAt, now),
        revokedAt: null,
        rotatedAt: null,
        lastUsedAt: null,
      };
      await changing(options, input.tenantId, async (tx) => {
        await insertKeys(tx, input.tenantId, [{ key, digest: digestOf(secret) }]);
        await publish({ name: 'api_key.issued', data: { ...dataOf(key), expiresAt: key.expiresAt } }, key, tx, by);
      });
      return { key, secret };
    },

    async importKeys(tenantId, inputs, { by, ...options } = {}) {
      const now = clock();
      const read = inputs.map((input, index) => readImport(tenantId, input, `keys[${index}]`, ids(), now));
      const seen = new Set<string>();
      for (const { digest, key } of read) {
        if (seen.has(digest)) throw new TenantryError('api_key_duplicate', { start: key.start });
        seen.add(digest);
      }
      const keys = read.map(({ key }) => key);
      if (keys.length === 0) return [];
      return changing(options, tenantId, async (tx) => {
        await insertKeys(tx, tenantId, read);
        for (const key of keys) await publish({ name: 'api_key.imported', data: dataOf(key) }, key, tx, by);
        return keys;
      });
    },

    async get(ref, options = {}) {
      if (!isUuid(ref.tenantId) || !isUuid(ref.keyId)) return null;
      return (await getKey(options.db ?? db, ref, clock())) ?? null;
    },

    async list(tenantId, { db: joined, memberId, teamId, environment, live = false, ...page } = {}) {
      const { after: before, limit } = readPage(page);
      const ids = [tenantId, memberId ?? tenantId, teamId ?? tenantId];
      if (!ids.every(isUuid)) return { items: [], nextCursor: null };
      const which = {
        tenantId,
        ...(memberId !== undefined && { memberId }),
        ...(teamId !== undefined && { teamId }),
        ...(environment !== undefined && { environment }),
      };
      const keys = await listKeys(joined ?? db, { ...which, live, before, limit: limit + 1 }, clock());
      return pageOf(keys, limit, ({ id }) => id);
    },

    async update(input, { by, ...options } = {}) {
      const ref = named(input);
      const patch = readPatch(input, clock());
      const changed = Object.keys(input).filter(
        (name) => name !== 'tenantId' && name !== 'keyId' && Reflect.get(input, name) !== undefined,
      );
      if (changed.length === 0) {
        const key = await getKey(options.db ?? db, ref, clock());
        return found(key?.revokedAt === null ? key : undefined, ref);
      }
      return changing(options, ref.tenantId, async (tx) => {
        if (input.teamId != null) await requireTeam(tx, ref.tenantId, input.teamId);
        const key = found(
          await updateKey(tx, ref, patch, clock()).catch((error: unknown) => {
            if (sqlstateOf(error) !== '23503') throw error;
            throw new TenantryError('member_not_found', { member: input.memberId ?? '' });
          }),
          ref,
        );
        await publish({ name: 'api_key.updated', data: { ...dataOf(key), changed } }, key, tx, by);
        return key;
      });
    },

    enable: (ref, options) => switchKey(ref, true, options),
    disable: (ref, options) => switchKey(ref, false, options),

    async rotate({ grace = 0, ...given }, { by, ...options } = {}) {
      const ref = named(given);
      if (!Number.isSafeInteger(grace) || grace < 0 || grace > longestGrace) {
        throw invalid('grace must be a whole number of milliseconds, at most a year');
      }
      // The key stays locked until the commit: of two rotations at once, the second ends the secret of the first.
      return changing(
        options,
        ref.tenantId,
        async (tx) => {
          const now = clock();
          const key = found(await getKey(tx, ref, now, true), ref);
          if (key.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now)) found(undefined, ref);
          const secret = makeToken({ prefix, environment: key.environment });
          const until = new Date(now.getTime() + grace);
          const start = startOf(secret);
          const rotated = found(await replaceSecret(tx, ref, { digest: digestOf(secret), start, until, now }), ref);
          const data = { ...dataOf(rotated), previousStart: key.start, until };
          await publish({ name: 'api_key.rotated', data }, rotated, tx, by);
          return { key: rotated, secret };
        },
        true,
      );
    },

    async revoke(given, { by, ...options } = {}) {
      const ref = named(given);
      return changing(options, ref.tenantId, async (tx) =>
        found((await revokeNamed(ref, tx, by)) ?? (await getKey(tx, ref, clock())), ref),
      );
    },

    async revokeAll(which, { by, ...options } = {}) {
      if (![which.tenantId, which.memberId ?? which.tenantId, which.teamId ?? which.tenantId].every(isUuid)) return [];
      return changing(options, which.tenantId.toLowerCase(), async (tx) => {
        const revoked = await revokeKeys(tx, which, clock());
        for (const key of revoked) await publish({ name: 'api_key.revoked', data: dataOf(key) }, key, tx, by);
        return revoked;
      });
    },

    async reportLeak({ secret, source, url = null }, { by, ...options } = {}) {
      const facts = await find(secret, options);
      if (facts === null) return null;
      const ref = { tenantId: facts.accepted.tenant.id, keyId: facts.accepted.key.id };
      // A secret of another system is stored anew while it is found: the lock waits for that.
      const report = async (tx: AnyDatabase): Promise<LeakOutcome> => {
        const now = clock();
        let ended: LeakOutcome['ended'] = 'nothing';
        if (facts.replaced) {
          await getKey(tx, ref, now, true);
          if (await endSecret(tx, [facts.digest, digestOf(secret)], now)) ended = 'secret';
        } else if ((await revokeNamed(ref, tx, by)) !== undefined) ended = 'key';
        const key = found(await getKey(tx, ref, now), ref);
        await publish({ name: 'api_key.leaked', data: { ...dataOf(key), source, url, ended } }, key, tx, by);
        return { key, ended };
      };
      return changing(options, ref.tenantId, report, true);
    },
  };
}

function readPatch(input: UpdateInput, now: Date): KeyPatch {
  const {
    tenantId: _tenant,
    keyId: _key,
    name,
    scopes,
    expiresAt,
    allowedIps,
    metadata,
    rateLimit,
    uses,
    memberId,
    teamId,
    ...rest
  } = input;
  const [strange] = Object.entries(rest).find(([, value]) => value !== undefined) ?? [];
  if (strange !== undefined) throw invalid(`"${strange.slice(0, 60)}" is nothing that an update changes of a key`);
  const read = uses == null ? null : readUses(uses);
  const owner =
    memberId === undefined && teamId === undefined
      ? undefined
      : readOwner({ memberId: memberId ?? null, teamId: teamId ?? null });
  const facts = readMetadata(metadata);
  const rate = rateLimit == null ? null : readRateLimit('rateLimit', rateLimit);
  return {
    ...(name !== undefined && { name: sql`${readName(name)}::text` }),
    ...(scopes !== undefined && { scopes: sql`${[...readScopes(scopes)]}::text[]` }),
    ...(expiresAt !== undefined && { expires_at: sql`${readFuture('expiresAt', expiresAt, now)}::timestamptz` }),
    ...(allowedIps !== undefined && { allowed_ips: sql`${readIpRanges(allowedIps)}::text[]` }),
    ...(metadata !== undefined && { metadata: sql`${facts && JSON.stringify(facts)}::jsonb` }),
    ...(rateLimit !== undefined && { rate_limit: sql`${rate && JSON.stringify(rate)}::jsonb` }),
    ...(uses !== undefined && {
      uses_amount: sql`${read?.amount ?? null}::bigint`,
      uses_per: sql`${read?.per ?? null}::text`,
      uses_count: sql`0`,
      uses_period: sql`null`,
    }),
    ...(owner !== undefined && {
      member_id: sql`${owner.kind === 'member' ? owner.memberId : null}::uuid`,
      team_id: sql`${owner.kind === 'team' ? owner.teamId : null}::uuid`,
    }),
  };
}

async function requireTeam(tx: AnyDatabase, tenantId: string, teamId: string): Promise<void> {
  const { rows } = await sql`select 1 from tenantry.teams
    where tenant_id = ${tenantId}::uuid and id = ${teamId}::uuid`.execute(libraryOf(tx));
  if (rows.length === 0) throw noTeam();
}
