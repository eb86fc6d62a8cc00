import { type RawBuilder, sql } from 'kysely';
import { isUuid, TenantryError } from '../core/index.ts';
import { libraryOf } from '../database/handle.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import type { ApiKey } from './api-key.ts';
import { keyChannel, keysMade } from './cache/channel.ts';
import { apiKeyOf, type KeyColumns } from './key-columns.ts';
import { invalid } from './key-input.ts';
import { noTeam } from './key-owner.ts';
import { mostHashes } from './look-up.ts';

/** A key to be stored with its digest. */
export interface NewKey {
  readonly key: ApiKey;
  readonly digest: string;
  /** A foreign hash, and the part of the secret by which it is looked up; `digest` is then where it stands. */
  readonly foreign?: { readonly hash: string; readonly lookup: string };
}

/**
 * Stores keys of one tenant with their digests in one statement: all of them, or none. The tenant is locked before it is
 * looked at, so that none is stored for one that moves in this moment.
 *
 * @throws TenantryError `tenant_not_found`, `member_not_found`, `api_key_invalid` for a team that is not there or too many
 * hashes with one lookup, `api_key_duplicate`.
 */
export async function insertKeys(db: AnyDatabase, tenantId: string, keys: readonly NewKey[]): Promise<void> {
  if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: '(not an id)' });
  const insert = sql<{ there: boolean; duplicate: string | null; stranger: string | null; problem: string | null }>`
    with input as (
      select * from jsonb_to_recordset(${JSON.stringify(keys.map(inputOf))}::jsonb) as i (
        id uuid, digest text, hash text, lookup text, name text, environment text, start text, scheme text, scopes jsonb,
        "memberId" uuid, "teamId" uuid, "createdBy" text, enabled boolean, "createdAt" timestamptz,
        "expiresAt" timestamptz, "revokedAt" timestamptz, "lastUsedAt" timestamptz, "allowedIps" jsonb, metadata jsonb,
        "rateLimit" jsonb, "usesAmount" bigint, "usesPer" text
      )
    ), tenant as materialized (
      select tenant_id from tenantry.tenants where tenant_id = ${tenantId}::uuid and status <> 'moved' for key share
    ), crowded as (
      select i.lookup from (select lookup, count(*) as new from input where lookup is not null group by lookup) i
      where i.new + (select count(*) from tenantry.api_key_digests d
        where d.digest > '~' || i.lookup || '~' and d.digest < '~' || i.lookup || chr(127)) > ${mostHashes}
    ), refused as (
      select i.start as duplicate, null::uuid as stranger, null::text as problem from input i
      where exists (select 1 from tenantry.api_key_digests d where d.digest = i.digest)
      union all
      select null, i."memberId", null from input i
      where i."memberId" is not null and not exists (
        select 1 from tenantry.members m where m.tenant_id = ${tenantId}::uuid and m.id = i."memberId")
      union all
      select null, null, 'team' from input i
      where i."teamId" is not null and not exists (
        select 1 from tenantry.teams g where g.tenant_id = ${tenantId}::uuid and g.id = i."teamId")
      union all
      select null, null, 'lookup' from crowded
    ), stored as (
      insert into tenantry.api_keys (tenant_id, id, name, environment, start, scheme, scopes, member_id, team_id,
        created_by, enabled, created_at, expires_at, revoked_at, last_used_at, allowed_ips, metadata, rate_limit,
        uses_amount, uses_per)
      select ${tenantId}::uuid, id, name, environment, start, scheme, array(select jsonb_array_elements_text(scopes)),
        "memberId", "teamId", "createdBy", enabled, "createdAt", "expiresAt", "revokedAt", "lastUsedAt",
        case when "allowedIps" is not null then array(select jsonb_array_elements_text("allowedIps")) end, metadata,
        "rateLimit", "usesAmount", "usesPer"
      from input where not exists (select 1 from refused) and exists (select 1 from tenant)
      returning id, facts
    ), linked as (
      insert into tenantry.api_key_digests (digest, tenant_id, key_id, hash, facts)
      select i.digest, ${tenantId}::uuid, s.id, i.hash, s.facts from input i join stored s on s.id = i.id
      returning 1
    )
    select exists (select 1 from tenant) as there, r.duplicate, r.stranger, r.problem,
      (select pg_notify(${keyChannel}, ${keysMade}) from linked limit 1) as told
    from (select) as one left join (select * from refused limit 1) r on true`;
  const { rows } = await insert.execute(libraryOf(db)).catch((error: unknown) => {
    throw refusalOf(error, tenantId, keys);
  });
  const [refused] = rows;
  if (refused?.there === false) throw new TenantryError('tenant_not_found', { tenant: tenantId });
  if (refused?.duplicate != null) throw new TenantryError('api_key_duplicate', { start: refused.duplicate });
  if (refused?.stranger != null) throw new TenantryError('member_not_found', { member: refused.stranger });
  if (refused?.problem === 'team') throw noTeam();
  if (refused?.problem === 'lookup') throw invalid(`at most ${mostHashes} hashes may have the same lookup`);
}

function inputOf({ key, digest, foreign }: NewKey): object {
  const { owner, metadata, uses, rateLimit, ...rest } = key;
  return {
    ...rest,
    digest,
    hash: foreign?.hash ?? null,
    lookup: foreign?.lookup ?? null,
    memberId: owner.kind === 'member' ? owner.memberId : null,
    teamId: owner.kind === 'team' ? owner.teamId : null,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    ...(rateLimit !== null && { rateLimit }),
    usesAmount: uses?.amount ?? null,
    usesPer: uses?.per ?? null,
    ...(key.allowedIps === null && { allowedIps: undefined }),
  };
}

/**
 * What the constraints refuse: a tenant that is not there, and what came or went while the statement ran. Under
 * row-level security the server does not say which row it was. The driver's error stays behind, for it may quote a key.
 */
function refusalOf(error: unknown, tenantId: string, keys: readonly NewKey[]): unknown {
  const state = sqlstateOf(error);
  if (state === '23505') return new TenantryError('api_key_duplicate', { start: keys[0]?.key.start ?? '' });
  if (state !== '23503') return error;
  if (constraintOf(error) === 'api_keys_tenant_id_fkey') {
    return new TenantryError('tenant_not_found', { tenant: tenantId });
  }
  const owner = keys.map(({ key }) => key.owner).find(({ kind }) => kind === 'member');
  return new TenantryError('member_not_found', { member: owner?.kind === 'member' ? owner.memberId : '' });
}

function constraintOf(error: unknown): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'constraint') : undefined;
  return typeof value === 'string' ? value : '';
}

/** Names a key of a tenant. */
export interface KeyRef {
  readonly tenantId: string;
  readonly keyId: string;
}

/**
 * Runs an update of keys that returns their rows, and tells all processes, when it is committed, that keys of these
 * tenants changed.
 */
async function changeKeys(db: AnyDatabase, update: RawBuilder<unknown>, now: Date): Promise<readonly ApiKey[]> {
  const { rows } = await sql<KeyColumns>`
    with changed as (${update}), told as materialized (
      select pg_notify(${keyChannel}, tenant_id::text) from (select distinct tenant_id from changed) as of_them
    )
    select c.* from changed c where (select count(*) from told) >= 0 order by c.id`.execute(libraryOf(db));
  return rows.map((row) => apiKeyOf(row, now));
}

/** Which keys of a tenant are meant: all, or those of one owner. */
export interface KeysOf {
  readonly tenantId: string;
  readonly memberId?: string;
  readonly teamId?: string;
}

function ofOwner({ tenantId, memberId, teamId }: KeysOf): RawBuilder<unknown> {
  return sql`tenant_id = ${tenantId}::uuid ${memberId === undefined ? sql`` : sql`and member_id = ${memberId}::uuid`}
    ${teamId === undefined ? sql`` : sql`and team_id = ${teamId}::uuid`}`;
}

/** Revokes keys that are not revoked yet, and gives them. */
export function revokeKeys(db: AnyDatabase, which: KeyRef | KeysOf, now: Date): Promise<readonly ApiKey[]> {
  const meant =
    'keyId' in which ? sql`tenant_id = ${which.tenantId}::uuid and id = ${which.keyId}::uuid` : ofOwner(which);
  const update = sql`update tenantry.api_keys set revoked_at = ${now}::timestamptz
    where ${meant} and revoked_at is null returning *`;
  return changeKeys(db, update, now);
}

/** What an update of a key writes; what is absent stays. */
export interface KeyPatch {
  readonly [column: string]: RawBuilder<unknown>;
}

/** Updates a key that is not revoked; `undefined` when there is none. */
export async function updateKey(
  db: AnyDatabase,
  { tenantId, keyId }: KeyRef,
  patch: KeyPatch,
  now: Date,
): Promise<ApiKey | undefined> {
  const set = Object.entries(patch).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const update = sql`update tenantry.api_keys set ${sql.join(set)}
    where tenant_id = ${tenantId}::uuid and id = ${keyId}::uuid and revoked_at is null returning *`;
  return (await changeKeys(db, update, now))[0];
}

/** One key of a tenant. */
export async function getKey(
  db: AnyDatabase,
  { tenantId, keyId }: KeyRef,
  now: Date,
  lock = false,
): Promise<ApiKey | undefined> {
  const query = libraryOf(db)
    .selectFrom('tenantry.api_keys')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', keyId);
  const row = await (lock ? query.forNoKeyUpdate() : query).executeTakeFirst();
  return row && apiKeyOf(row, now);
}

/**
 * Gives a key that is locked a new secret. All secrets before it end at `until`, those that end earlier excepted: they
 * may end at once.
 */
export async function replaceSecret(
  db: AnyDatabase,
  key: KeyRef,
  {
    digest,
    start,
    until,
    now,
  }: { readonly digest: string; readonly start: string; readonly until: Date; readonly now: Date },
): Promise<ApiKey | undefined> {
  const update = sql`update tenantry.api_keys set start = ${start}, scheme = 'sha256', rotated_at = ${now}::timestamptz
    where tenant_id = ${key.tenantId}::uuid and id = ${key.keyId}::uuid returning *`;
  await sql`update tenantry.api_key_digests set expires_at = least(expires_at, ${until}::timestamptz)
    where tenant_id = ${key.tenantId}::uuid and key_id = ${key.keyId}::uuid`.execute(libraryOf(db));
  await sql`with linked as (
      insert into tenantry.api_key_digests (digest, tenant_id, key_id, facts)
      select ${digest}, tenant_id, id, facts from tenantry.api_keys
      where tenant_id = ${key.tenantId}::uuid and id = ${key.keyId}::uuid returning 1
    ) select pg_notify(${keyChannel}, ${keysMade}) from linked`.execute(libraryOf(db));
  return (await changeKeys(db, update, now))[0];
}

/**
 * Ends one secret of a key that is locked, by its digest or the foreign one that it was stored by, and tells whether it was
 * one that still opened.
 */
export async function endSecret(db: AnyDatabase, digests: readonly string[], now: Date): Promise<boolean> {
  const { rows } = await sql`with ended as (
      update tenantry.api_key_digests set expires_at = ${now}::timestamptz
      where digest = any(${digests}::text[]) and (expires_at is null or expires_at > ${now}::timestamptz) returning tenant_id
    ) select pg_notify(${keyChannel}, tenant_id::text) from ended`.execute(libraryOf(db));
  return rows.length > 0;
}

/**
 * Puts the SHA-256 of a secret in the place of a foreign digest or hash. The key is locked first, as by a rotation or the
 * report of a leak, which end the secrets that they see: none changes its place while they look.
 */
export async function upgradeDigest(db: AnyDatabase, before: string, digest: string): Promise<void> {
  await sql`with key as materialized (
      select from tenantry.api_key_digests d
      join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id
      where d.digest = ${before} for no key update of k
    ), gone as (
      delete from tenantry.api_key_digests where digest = ${before} and exists (select from key)
      returning tenant_id, key_id, expires_at, facts
    ), made as (
      insert into tenantry.api_key_digests (digest, tenant_id, key_id, expires_at, facts)
      select ${digest}, tenant_id, key_id, expires_at, facts from gone on conflict (digest) do nothing
    )
    update tenantry.api_keys k set scheme = 'sha256' from gone g
    where k.tenant_id = g.tenant_id and k.id = g.key_id and g.expires_at is null`.execute(libraryOf(db));
}

/** Which keys a list shows. */
export interface ListedKeys extends KeysOf {
  readonly environment?: string;
  /** True leaves out what is revoked or has expired. */
  readonly live: boolean;
  readonly before: string | null;
  readonly limit: number;
}

/** Keys of a tenant before one of them, the newest first. */
export async function listKeys(
  db: AnyDatabase,
  { before, limit, environment, live, ...which }: ListedKeys,
  now: Date,
): Promise<readonly ApiKey[]> {
  const { rows } = await sql<KeyColumns>`select * from tenantry.api_keys where ${ofOwner(which)}
    ${before === null ? sql`` : sql`and id < ${before}::uuid`}
    ${environment === undefined ? sql`` : sql`and environment = ${environment}`}
    ${live ? sql`and revoked_at is null and (expires_at is null or expires_at > ${now}::timestamptz)` : sql``}
    order by id desc limit ${limit}`.execute(libraryOf(db));
  return rows.map((row) => apiKeyOf(row, now));
}
