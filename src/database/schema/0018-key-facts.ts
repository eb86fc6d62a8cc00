import { grantsColumn } from '../member-facts.ts';
import { appRole, librarySchema, serviceRole } from '../roles.ts';

const seconds = (time: string): string => `extract(epoch from ${time})`;

const keyTables = ['api_keys', 'api_key_digests'];

const ofKey = [
  'tenant_id',
  'id',
  'revoked_at',
  'enabled',
  'environment',
  'start',
  'name',
  'scopes',
  'member_id',
  'team_id',
  'expires_at',
  'created_at',
  'allowed_ips',
  'metadata',
  'rate_limit',
  'uses_amount',
  'uses_per',
];

/**
 * What verifying a key needs to know of the key and of its tenant, each written down as one text by the database itself
 * whenever a row is written, in whatever way. Verifying reads rows far more often than anybody writes them, and to put
 * twenty columns out one by one takes the server longer than to find them.
 *
 * What is so of a key stands beside its digests, too, where it is found without a look at the key. A foreign key that
 * cascades keeps it equal: nobody can change the key and leave the copy as it was, nor write a copy that differs. Where the
 * copy is missing, or begins with what comes before a bracket, `key_more` tells the rest: of keys with an owner who is not
 * the tenant ("@"), and of those that are too long for an index ("+").
 *
 * The functions are immutable although what they call is not declared so: seconds since 1970 and JSON of texts, numbers
 * and ids depend on no setting. Their bodies are parsed as they are made, so no search path changes what they call.
 */
export const keyFactsSchema: readonly string[] = [
  `create function tenantry.key_text(tenant_id uuid, id uuid, revoked_at timestamptz, enabled boolean, environment text,
    start text, name text, scopes text[], member_id uuid, team_id uuid, expires_at timestamptz, created_at timestamptz,
    allowed_ips text[], metadata jsonb, rate_limit jsonb, uses_amount bigint, uses_per text) returns text
    language sql immutable parallel safe
    return json_build_array(tenant_id, id, case when revoked_at is not null then 'revoked' when not enabled then 'disabled' end,
      environment, start, name, scopes, member_id, team_id, ${seconds('expires_at')},
      case when allowed_ips is not null or metadata is not null or rate_limit is not null or uses_amount is not null
        then json_build_array(allowed_ips, metadata, rate_limit, uses_amount, uses_per, ${seconds('created_at')}) end)::text`,
  `create function tenantry.key_facts(fact text, owned boolean) returns text language sql immutable parallel safe
    return case when octet_length(fact) > 1500 then '+' when owned then '@' || fact else fact end`,
  `create function tenantry.tenant_facts(kind text, status text, plan text, subscription_status text, anchor_at timestamptz,
    revision bigint, plan_since timestamptz, plan_terms jsonb) returns text
    language sql immutable parallel safe
    return json_build_array(kind, status, plan, subscription_status, ${seconds('anchor_at')}, revision, ${seconds('plan_since')},
      plan_terms)::text`,
  `alter table tenantry.api_keys add column facts text collate "C" not null generated always as (
    tenantry.key_facts(tenantry.key_text(${ofKey.join(', ')}), member_id is not null or team_id is not null)) stored`,
  `alter table tenantry.tenants add column facts text not null generated always as (tenantry.tenant_facts(kind, status, plan,
    subscription_status, anchor_at, entitlement_revision, coalesce(plan_since, created_at), plan_terms)) stored`,
  'alter table tenantry.api_keys add constraint api_keys_facts unique (tenant_id, id, facts)',
  'alter table tenantry.api_key_digests add column facts text collate "C"',
  // The owner of the tables sees no row of tenants otherwise.
  ...keyTables.map((table) => `alter table tenantry.${table} no force row level security`),
  `update tenantry.api_key_digests d set facts = k.facts from tenantry.api_keys k
    where k.tenant_id = d.tenant_id and k.id = d.key_id`,
  ...keyTables.map((table) => `alter table tenantry.${table} force row level security`),
  `alter table tenantry.api_key_digests add constraint api_key_digests_facts foreign key (tenant_id, key_id, facts)
    references tenantry.api_keys (tenant_id, id, facts) on update cascade on delete cascade`,
  // JSON: what there is to know of the key, and of its owner [user, role, status, grants] of the member, [id] of the team,
  // NULL when neither is there. The server prepares every part of a statement on each call, and a function only when it is
  // called: keys of the tenant, and that are most, do not pay for it. It sees what its caller's statement sees.
  `create function tenantry.key_more(uuid, uuid) returns json language plpgsql stable as $$
  begin
    return (select json_build_array(tenantry.key_text(${ofKey.map((column) => `k.${column}`).join(', ')})::json,
      case when k.member_id is not null then (select json_build_array(m.user_id, m.role, m.status, ${grantsColumn})
          from tenantry.members m where m.tenant_id = k.tenant_id and m.id = k.member_id)
        else (select json_build_array(g.id) from tenantry.teams g where g.tenant_id = k.tenant_id and g.id = k.team_id) end)
      from tenantry.api_keys k where k.tenant_id = $1 and k.id = $2);
  end $$`,
  ...['key_text', 'key_facts', 'tenant_facts', 'key_more'].map(
    (name) => `grant execute on function ${librarySchema}.${name} to ${appRole}, ${serviceRole}`,
  ),
];
