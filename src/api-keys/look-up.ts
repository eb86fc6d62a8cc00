import { CompiledQuery } from 'kysely';
import type { Library } from '../database/handle.ts';
import { exceededColumn } from '../database/member-facts.ts';
import type { TenantKind, TenantStatus } from '../database/tenant-row.ts';
import type { KeyRow } from './key-row.ts';

/** Parts the fields of a row. No field holds it: what may be any text is written as JSON, which escapes it. */
const parting = '\x1f';

const seconds = (time: string): string => `date_part('epoch', ${time})`;

/**
 * The fields of a row, in the order in which {@link rowOf} reads them. What few rows have stands together as JSON, and the
 * owner, where it is a member or a team, is asked for by a function, which costs nothing where it is not called.
 */
const fields = [
  'd.digest',
  'k.tenant_id',
  'k.id',
  'k.member_id',
  `case when k.revoked_at is not null then 'revoked' when not k.enabled then 'disabled' end`,
  'k.environment',
  'to_json(k.start)',
  'to_json(k.name)',
  `to_json(array_to_string(k.scopes, ' '))`,
  't.kind',
  't.status',
  'to_json(t.plan)',
  'to_json(t.subscription_status)',
  seconds('t.anchor_at'),
  't.entitlement_revision',
  `case when k.member_id is not null or k.team_id is not null
    then tenantry.key_owner(k.tenant_id, k.member_id, k.team_id) end`,
  `case when o.seats_bought is not null then json_build_array(o.seats_bought, o.seats_taken, ${exceededColumn}) end`,
  `case when k.expires_at is not null or d.expires_at is not null or d.hash is not null or k.team_id is not null
    or k.rate_limit is not null or k.uses_amount is not null or k.allowed_ips is not null or k.metadata is not null
    then json_build_array(${seconds('k.expires_at')}, ${seconds('d.expires_at')}, d.hash, k.team_id, k.allowed_ips,
      k.metadata, k.rate_limit, k.uses_amount, k.uses_per, ${seconds('k.created_at')}) end`,
  seconds('coalesce(t.plan_since, t.created_at)'),
  't.plan_terms',
];

/*
 * Each column costs time in the server, on the wire and in the driver, more than the joins do. So a row is one text, in
 * which what is NULL is empty, and times are numbers of seconds, which need no parser.
 */
const facts = `select concat(${fields.join(`, '${parting}', `)}) as row
from tenantry.api_key_digests d
join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id
join tenantry.tenants t on t.tenant_id = d.tenant_id
left join tenantry.organizations o on o.tenant_id = d.tenant_id`;

const noOwner = [null, null, null, null] as const;
const noSeats = [null, null, null] as const;
const noRest = [null, null, null, null, null, null, null, null, null, 0] as const;

function rowOf(packed: string): KeyRow {
  const parts = packed.split(parting);
  const text = (index: number): string => parts[index] ?? '';
  const json = (index: number) => (text(index) === '' ? null : JSON.parse(text(index)));
  const quoted = (index: number): string => unquoted(text(index));
  const memberId = text(3) === '' ? null : text(3);
  const owner = json(15);
  const [userId, role, memberStatus, grants] = (memberId === null ? null : owner) ?? noOwner;
  const [seatsBought, seatsTaken, exceeded] = json(16) ?? noSeats;
  const [expires, secretUntil, hash, teamId, ips, metadata, rate, uses, per, made] = json(17) ?? noRest;
  const isSpecial = ips !== null || metadata !== null || rate !== null || uses !== null;
  return {
    digest: text(0),
    hash,
    secret_until: secretUntil,
    tenant_id: text(1),
    id: text(2),
    name: text(7) === '' ? null : quoted(7),
    environment: text(5) === 'test' ? 'test' : 'live',
    start: quoted(6),
    scopes: quoted(8),
    enabled: text(4) !== 'disabled',
    revoked: text(4) === 'revoked',
    expires,
    member_id: memberId,
    team_id: teamId,
    team_there: teamId === null ? null : owner !== null,
    special: isSpecial ? { ips, metadata, rate, uses, per, made } : null,
    kind: oneOf(tenantKinds, text(9)) ?? 'program',
    // What nobody knows is not open.
    status: oneOf(tenantStatuses, text(10)) ?? 'suspended',
    plan: quoted(11),
    subscription_status: text(12) === '' ? null : quoted(12),
    plan_since: Number(text(18)),
    plan_terms: json(19),
    anchor: Number(text(13)),
    entitlement_revision: Number(text(14)),
    seats_bought: seatsBought,
    seats_taken: seatsTaken,
    user_id: userId,
    role,
    member_status: memberStatus,
    grants,
    exceeded,
  };
}

/** A text in JSON; nearly all hold nothing that is written otherwise. */
function unquoted(json: string): string {
  return json.includes('\\') ? JSON.parse(json) : json.slice(1, -1);
}

const tenantKinds: readonly TenantKind[] = ['program', 'user', 'organization'];
const tenantStatuses: readonly TenantStatus[] = ['active', 'suspended', 'maintenance', 'moved'];

function oneOf<Name extends string>(names: readonly Name[], text: string): Name | undefined {
  return names.find((name) => name === text);
}

/*
 * The hottest statement of the library. Its two texts never change, so that Kysely builds nothing and the server plans
 * each once per connection. `digest = any($1)` would not do: the server guesses that it finds ten rows, holds a plan for
 * the one row it sees for better, and plans five joins anew on every call, which takes twenty times as long as the look-up
 * itself. The subquery hides how many digests there are, and the lateral one makes each a look-up by index.
 */
const findOneText = `${facts} where d.digest = $1`;
const findManyText = `select f.row from unnest((select $1::text[])) as i (digest)
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
  const { rows } = await db.executeQuery<{ readonly row: string }>(query);
  const found = new Map(rows.map(({ row }) => [row.slice(0, row.indexOf(parting)), row]));
  return (digest) => {
    const row = found.get(digest);
    return row === undefined ? undefined : rowOf(row);
  };
}

/** How many foreign hashes may be found by the same part of a secret: each of them must be verified. */
export const mostHashes = 5;

/** What stands in the place of a digest for a foreign hash. No digest begins with it. */
export function hashPlace(lookup: string, keyId: string): string {
  return `~${lookup}~${keyId}`;
}

const findHashesText = `${facts} where d.digest > $1 and d.digest < $2 order by d.digest limit ${mostHashes}`;

/** Finds the keys whose foreign hashes are looked up by a part of a secret. */
export async function findHashes(db: Library, lookup: string): Promise<readonly KeyRow[]> {
  const bounds = [hashPlace(lookup, ''), `~${lookup}\x7f`];
  const { rows } = await db.executeQuery<{ readonly row: string }>(CompiledQuery.raw(findHashesText, bounds));
  return rows.map(({ row }) => rowOf(row));
}
