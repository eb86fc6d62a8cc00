import { CompiledQuery } from 'kysely';
import type { Library } from '../database/handle.ts';
import { exceededColumn } from '../database/member-facts.ts';
import type { TenantKind, TenantStatus } from '../database/tenant-row.ts';
import type { KeyRow } from './key-row.ts';

/*
 * Each column costs time in the server, on the wire and in the driver, more than the joins do. So what is needed of the key
 * and of the tenant stands ready as one text each, which the database keeps equal to their rows by itself: that of the key
 * beside its digest. What few keys have is asked for by a function, which costs nothing where it is not called (step 0018).
 */
const facts = `select d.digest, d.facts as key, t.facts as tenant,
  case when coalesce(d.facts, '+') < '[' or o.seats_bought is not null or d.expires_at is not null or d.hash is not null
    then json_build_array(
      case when coalesce(d.facts, '+') < '[' then tenantry.key_more(d.tenant_id, d.key_id) end,
      case when o.seats_bought is not null then json_build_array(o.seats_bought, o.seats_taken, ${exceededColumn}) end,
      date_part('epoch', d.expires_at), d.hash)::text end as rest
from tenantry.api_key_digests d
join tenantry.tenants t on t.tenant_id = d.tenant_id
left join tenantry.organizations o on o.tenant_id = d.tenant_id`;

/** A row as it is read: all but the digest is JSON. */
interface Found {
  readonly digest: string;
  /** Null or no JSON where `rest` tells it. */
  readonly key: string | null;
  readonly tenant: string;
  readonly rest: string | null;
}

const noOwner = [null, null, null, null] as const;
const noSeats = [null, null, null] as const;
const noRest = [null, null, null, null] as const;
const noSpecial = [null, null, null, null, null, 0] as const;

function rowOf(found: Found): KeyRow {
  const [more, seats, secretUntil, hash] = found.rest === null ? noRest : JSON.parse(found.rest);
  const [key, owner] = more ?? [JSON.parse(found.key ?? ''), null];
  const [tenantId, id, state, environment, start, name, scopes, memberId, teamId, expires, special] = key;
  const [kind, status, plan, subscriptionStatus, anchor, revision, since, terms] = JSON.parse(found.tenant);
  const [userId, role, memberStatus, grants] = (memberId === null ? null : owner) ?? noOwner;
  const [seatsBought, seatsTaken, exceeded] = seats ?? noSeats;
  const [ips, metadata, rate, uses, per, made] = special ?? noSpecial;
  return {
    digest: found.digest,
    hash,
    secret_until: secretUntil,
    tenant_id: tenantId,
    id,
    name,
    environment: environment === 'test' ? 'test' : 'live',
    start,
    scopes,
    enabled: state !== 'disabled',
    revoked: state === 'revoked',
    expires,
    member_id: memberId,
    team_id: teamId,
    team_there: teamId === null ? null : owner !== null,
    special: special === null ? null : { ips, metadata, rate, uses, per, made },
    kind: oneOf(tenantKinds, kind) ?? 'program',
    // What nobody knows is not open.
    status: oneOf(tenantStatuses, status) ?? 'suspended',
    plan,
    subscription_status: subscriptionStatus,
    plan_since: since,
    plan_terms: terms,
    anchor,
    entitlement_revision: revision,
    seats_bought: seatsBought,
    seats_taken: seatsTaken,
    user_id: userId,
    role,
    member_status: memberStatus,
    grants,
    exceeded,
  };
}

const tenantKinds: readonly TenantKind[] = ['program', 'user', 'organization'];
const tenantStatuses: readonly TenantStatus[] = ['active', 'suspended', 'maintenance', 'moved'];

function oneOf<Name extends string>(names: readonly Name[], text: string): Name | undefined {
  return names.find((name) => name === text);
}

/*
 * The hottest statement of the library. Its two texts never change, so that Kysely builds nothing and the server plans
 * each once per connection. `digest = any($1)` would not do: the server guesses that it finds ten rows, holds a plan for
 * the one row it sees for better, and plans the joins anew on every call, which takes many times as long as the look-up
 * itself. The subquery hides how many digests there are, and the lateral one makes each a look-up by index.
 */
const findOneText = `${facts} where d.digest = $1`;
const findManyText = `select f.* from unnest((select $1::text[])) as i (digest)
cross join lateral (${facts} where d.digest = i.digest limit 1) f`;

/**
 * Finds keys by their digests, in one statement. What it gives tells of each digest when it is asked, and reads the row
 * only then.
 */
export async function findKeys(
  db: Library,
  digests: readonly string[],
): Promise<(digest: string) => KeyRow | undefined> {
  const distinct = [...new Set(digests)];
  const query =
    distinct.length === 1 ? CompiledQuery.raw(findOneText, distinct) : CompiledQuery.raw(findManyText, [distinct]);
  const { rows } = await db.executeQuery<Found>(query);
  const found = new Map(rows.map((row) => [row.digest, row]));
  return (digest) => {
    const row = found.get(digest);
    return row === undefined ? undefined : rowOf(row);
  };
}

/** How many foreign hashes may be found by the same part of a secret: each of them must be verified. */
export const mostHashes = 5;

/** What a foreign hash may be looked up by: visible ASCII without the sign that parts it. */
export function isLookup(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7d]{1,64}$/.test(text);
}

/** What stands in the place of a digest for a foreign hash. No digest begins with it. */
export function hashPlace(lookup: string, keyId: string): string {
  return `~${lookup}~${keyId}`;
}

const findHashesText = `${facts} where d.digest > $1 and d.digest < $2 order by d.digest limit ${mostHashes}`;

/** Finds the keys whose foreign hashes are looked up by a part of a secret. */
export async function findHashes(db: Library, lookup: string): Promise<readonly KeyRow[]> {
  const bounds = [hashPlace(lookup, ''), `~${lookup}\x7f`];
  const { rows } = await db.executeQuery<Found>(CompiledQuery.raw(findHashesText, bounds));
  return rows.map(rowOf);
}
