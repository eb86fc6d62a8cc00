import { CompiledQuery, type Selectable, sql } from 'kysely';
import { isUuid, TenantryError } from '../core/index.ts';
import { type Library, libraryOf } from '../database/handle.ts';
import type { AnyDatabase } from '../database/index.ts';
import { sqlstateOf } from '../database/install.ts';
import type { ApiKeyTable } from '../database/tables.ts';
import type { ApiKey } from './api-key.ts';
import type { KeyRow } from './verification.ts';

/** A key to be stored with its digest. */
export interface NewKey {
  readonly key: ApiKey;
  readonly digest: string;
}

const facts = `select d.digest, k.tenant_id, k.id, k.name, k.environment, k.start, k.scopes, k.enabled, k.expires_at,
  k.revoked_at, k.member_id, t.kind, t.plan, t.status, t.subscription_status, t.anchor_at, t.entitlement_revision,
  o.seats_bought, o.seats_taken, m.user_id, m.role, m.status as member_status
from tenantry.api_key_digests d
join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id
join tenantry.tenants t on t.tenant_id = d.tenant_id
left join tenantry.organizations o on o.tenant_id = d.tenant_id
left join tenantry.members m on m.tenant_id = k.tenant_id and m.id = k.member_id`;

/*
 * The hottest statement of the library. Its two texts never change, so that Kysely builds nothing and the server plans
 * each once per connection. `digest = any($1)` would not do: the server guesses that it finds ten rows, holds a plan for
 * the one row it sees for better, and plans five joins anew on every call, which takes twenty times as long as the look-up
 * itself. The subquery hides how many digests there are, and the lateral one makes each a look-up by index.
 */
const findOneText = `${facts} where d.digest = $1`;
const findManyText = `select f.* from unnest((select $1::text[])) as i (digest)
cross join lateral (${facts} where d.digest = i.digest limit 1) f`;

/** Finds keys by their digests, in one statement, in the order of the digests. */
export async function findKeys(db: Library, digests: readonly string[]): Promise<readonly (KeyRow | undefined)[]> {
  const distinct = [...new Set(digests)];
  const query =
    distinct.length === 1 ? CompiledQuery.raw(findOneText, distinct) : CompiledQuery.raw(findManyText, [distinct]);
  const { rows } = await db.executeQuery<KeyRow>(query);
  if (distinct.length === 1) return digests.map(() => rows[0]);
  const found = new Map(rows.map((row) => [row.digest, row]));
  return digests.map((digest) => found.get(digest));
}

/**
 * Stores keys of one tenant with their digests in one statement: all of them, or none.
 *
 * @throws TenantryError `tenant_not_found`, `member_not_found`, `api_key_duplicate`.
 */
export async function insertKeys(db: AnyDatabase, tenantId: string, keys: readonly NewKey[]): Promise<void> {
  if (!isUuid(tenantId)) throw new TenantryError('tenant_not_found', { tenant: tenantId });
  for (const { memberId } of keys.map(({ key }) => key)) {
    if (memberId !== null && !isUuid(memberId)) throw new TenantryError('member_not_found', { member: memberId });
  }
  const input = JSON.stringify(keys.map(({ key, digest }) => ({ ...key, digest })));
  const insert = sql<{ duplicate: string | null; stranger: string | null }>`
    with input as (
      select * from jsonb_to_recordset(${input}::jsonb) as i (
        id uuid, digest text, name text, environment text, start text, scheme text, scopes jsonb, "memberId" uuid,
        enabled boolean, "createdAt" timestamptz, "expiresAt" timestamptz, "revokedAt" timestamptz,
        "lastUsedAt" timestamptz
      )
    ), refused as (
      select i.start as duplicate, null::uuid as stranger from input i
      where exists (select 1 from tenantry.api_key_digests d where d.digest = i.digest)
      union all
      select null, i."memberId" from input i
      where i."memberId" is not null and not exists (
        select 1 from tenantry.members m where m.tenant_id = ${tenantId}::uuid and m.id = i."memberId")
    ), stored as (
      insert into tenantry.api_keys (tenant_id, id, name, environment, start, scheme, scopes, member_id, enabled,
        created_at, expires_at, revoked_at, last_used_at)
      select ${tenantId}::uuid, id, name, environment, start, scheme, array(select jsonb_array_elements_text(scopes)),
        "memberId", enabled, "createdAt", "expiresAt", "revokedAt", "lastUsedAt"
      from input where not exists (select 1 from refused)
    ), linked as (
      insert into tenantry.api_key_digests (digest, tenant_id, key_id)
      select digest, ${tenantId}::uuid, id from input where not exists (select 1 from refused)
    )
    select duplicate, stranger from refused limit 1`;
  const { rows } = await insert.execute(libraryOf(db)).catch((error: unknown) => {
    throw refusalOf(error, tenantId, keys);
  });
  const [refused] = rows;
  if (refused?.duplicate != null) throw new TenantryError('api_key_duplicate', { start: refused.duplicate });
  if (refused?.stranger != null) throw new TenantryError('member_not_found', { member: refused.stranger });
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
  return new TenantryError('member_not_found', { member: keys.find(({ key }) => key.memberId)?.key.memberId ?? '' });
}

function constraintOf(error: unknown): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'constraint') : undefined;
  return typeof value === 'string' ? value : '';
}

/** Revokes a key; `undefined` when it was revoked before or is not there. */
export async function revokeKey(
  db: AnyDatabase,
  tenantId: string,
  keyId: string,
  now: Date,
): Promise<ApiKey | undefined> {
  const row = await libraryOf(db)
    .updateTable('tenantry.api_keys')
    .set({ revoked_at: now })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', keyId)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  return row && toApiKey(row);
}

/** One key of a tenant. */
export async function getKey(db: AnyDatabase, tenantId: string, keyId: string): Promise<ApiKey | undefined> {
  const row = await libraryOf(db)
    .selectFrom('tenantry.api_keys')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', keyId)
    .executeTakeFirst();
  return row && toApiKey(row);
}

/** Keys of a tenant before one of them, the newest first. */
export async function listKeys(
  db: AnyDatabase,
  tenantId: string,
  before: string | null,
  limit: number,
): Promise<readonly ApiKey[]> {
  let query = libraryOf(db).selectFrom('tenantry.api_keys').selectAll().where('tenant_id', '=', tenantId);
  if (before !== null) query = query.where('id', '<', before);
  const rows = await query.orderBy('id', 'desc').limit(limit).execute();
  return rows.map(toApiKey);
}

function toApiKey(row: Selectable<ApiKeyTable>): ApiKey {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    environment: row.environment === 'test' ? 'test' : 'live',
    start: row.start,
    scheme: row.scheme,
    scopes: row.scopes,
    memberId: row.member_id,
    enabled: row.enabled,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}
