import { CompiledQuery } from 'kysely';
import type { Library } from '../database/handle.ts';
import { exceededColumn, grantsColumn } from '../database/member-facts.ts';
import type { TenantKind, TenantStatus } from '../database/tenant-row.ts';
import type { KeyRow } from './key-row.ts';

/** Parts the fields of a row. No field holds it: what may be any text is written as JSON, which escapes it. */
const parting = '\x1f';

const seconds = (time: string): string => `date_part('epoch', ${time})`;

/** The fields of a row, in the order in which {@link rowOf} reads them. What few rows have stands together as JSON. */
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
  `case when m.id is not null then json_build_array(m.user_id, m.role, m.status, ${grantsColumn}) end`,
  `case when o.seats_bought is not null then json_build_array(o.seats_bought, o.seats_taken, ${exceededColumn}) end`,
  `case when k.expires_at is not null or d.expires_at is not null or d.hash is not null or k.team_id is not null
    then json_build_array(${seconds('k.expires_at')}, ${seconds('d.expires_at')}, d.hash, k.team_id, exists (
      select from tenantry.teams g where g.tenant_id = k.tenant_id and g.id = k.team_id)) end`,
  `case when k.rate_limit is not null or k.uses_amount is not null or k.allowed_ips is not null or k.metadata is not null
    then json_build_object('ips', k.allowed_ips, 'metadata', k.metadata, 'rate', k.rate_limit, 'uses', k.uses_amount,
      'per', k.uses_per, 'made', extract(epoch from k.created_at)) end`,
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
left join tenantry.organizations o on o.tenant_id = d.tenant_id
left join tenantry.members m on m.tenant_id = k.tenant_id and m.id = k.member_id`;

function rowOf(packed: string): KeyRow {
  const parts = packed.split(parting);
  const text = (index: number): string => parts[index] ?? '';
  const json = (index: number) => (text(index) === '' ? null : JSON.parse(text(index)));
  const [userId, role, memberStatus, grants] = json(15) ?? [null, null, null, null];
  const [seatsBought, seatsTaken, exceeded] = json(16) ?? [null, null, null];
  const [expires, secretUntil, hash, teamId, teamThere] = json(17) ?? [null, null, null, null, null];
  return {
    digest: text(0),
    hash,
    secret_until: secretUntil,
    tenant_id: text(1),
    id: text(2),
    name: json(7),
    environment: text(5) === 'test' ? 'test' : 'live',
    start: json(6),
    scopes: json(8),
    enabled: text(4) !== 'disabled',
    revoked: text(4) === 'revoked',
    expires,
    member_id: text(3) === '' ? null : text(3),
    team_id: teamId,
    team_there: teamId === null ? null : teamThere,
    special: json(18),
    kind: oneOf(tenantKinds, text(9)) ?? 'program',
    // What nobody knows is not open.
    status: oneOf(tenantStatuses, text(10)) ?? 'suspended',
    plan: json(11),
    subscription_status: json(12),
    plan_since: Number(text(19)),
    plan_terms: json(20),
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

/** Finds keys by their digests, in one statement, in the order of the digests. */
export async function findKeys(db: Library, digests: readonly string[]): Promise<readonly (KeyRow | undefined)[]> {
  const distinct = [...new Set(digests)];
  const query =
    distinct.length === 1 ? CompiledQuery.raw(findOneText, distinct) : CompiledQuery.raw(findManyText, [distinct]);
  const rows = (await db.executeQuery<{ readonly row: string }>(query)).rows.map(({ row }) => rowOf(row));
  if (distinct.length === 1) return digests.map(() => rows[0]);
  const found = new Map(rows.map((row) => [row.digest, row]));
  return digests.map((digest) => found.get(digest));
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
