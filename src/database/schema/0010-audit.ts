import { currentTenantSql } from '../isolation-sql.ts';
import { appRole, librarySchema, purgeRole, serviceRole } from '../roles.ts';

/**
 * The audit trails: what happened in each tenant, and what happened on the platform, which is no tenant's and out of the
 * tenants' reach. Entries are added and never changed. The two exceptions are narrow, and each is a policy of its own,
 * which also binds the owner of the tables: an entry that has no place in the chain yet is given one, and personal data
 * is erased. Nobody may delete; entries go with their tenant, which only the purge role and the owner may delete.
 */
export const auditSchema: readonly string[] = [
  `grant usage on schema ${librarySchema} to ${purgeRole}`,
  ...trail('', ' references tenantry.tenants (tenant_id) on delete cascade'),
  ...['audit_entries', 'audit_personal', 'audit_heads'].flatMap(forTenants),
  ...trail('platform_', ''),
  `revoke delete on ${librarySchema}.tenants from ${appRole}, ${serviceRole}`,
  `create policy tenantry_purge on ${librarySchema}.tenants to ${purgeRole} using (true) with check (false)`,
  `grant select, delete on ${librarySchema}.tenants to ${purgeRole}`,
];

/** The three tables of a trail, and what the service role may do with them. */
function trail(prefix: string, reference: string): string[] {
  const entries = `${librarySchema}.${prefix}audit_entries`;
  const personal = `${librarySchema}.${prefix}audit_personal`;
  const heads = `${librarySchema}.${prefix}audit_heads`;
  return [
    `create table ${entries} (
    tenant_id uuid not null${reference},
    id uuid not null,
    sequence bigint check (sequence > 0),
    hash bytea check (octet_length(hash) = 32),
    action text collate "C" not null,
    occurred_at timestamptz not null,
    version integer not null default 1,
    actor_type text collate "C" not null,
    actor_id text collate "C",
    actor_metadata jsonb not null default '{}',
    targets jsonb not null default '[]',
    context jsonb not null default '{}',
    changes jsonb not null default '{}',
    metadata jsonb not null default '{}',
    commitments jsonb not null default '{}',
    primary key (tenant_id, id),
    check ((sequence is null) = (hash is null))
  )`,
    `create index ${prefix}audit_entries_time on ${entries} (tenant_id, occurred_at, id)`,
    `create index ${prefix}audit_entries_actor on ${entries} (tenant_id, actor_id, occurred_at, id)`,
    `create unique index ${prefix}audit_entries_chain on ${entries} (tenant_id, sequence) where sequence is not null`,
    // What still waits for its place in the chain: few rows at any time.
    `create index ${prefix}audit_entries_pending on ${entries} (tenant_id, id) where sequence is null`,
    // What entries tell of persons, apart, so that it can be erased; the entry holds a salted hash of it.
    `create table ${personal} (
    tenant_id uuid not null,
    entry_id uuid not null,
    part smallint not null,
    subject text collate "C",
    salt bytea,
    data text collate "C",
    erased_at timestamptz,
    primary key (tenant_id, entry_id, part),
    foreign key (tenant_id, entry_id) references ${entries} (tenant_id, id) on delete cascade,
    check (num_nulls(subject, salt, data) = case when erased_at is null then 0 else 3 end)
  )`,
    `create index ${prefix}audit_personal_subject on ${personal} (tenant_id, subject)`,
    `create table ${heads} (
    tenant_id uuid primary key${reference},
    sequence bigint not null check (sequence > 0),
    hash bytea not null check (octet_length(hash) = 32)
  )`,
    ...[entries, personal, heads].flatMap((table) => [
      `alter table ${table} enable row level security`,
      `alter table ${table} force row level security`,
      `create policy tenantry_service_read on ${table} for select to ${serviceRole} using (true)`,
      `create policy tenantry_service_add on ${table} for insert to ${serviceRole} with check (true)`,
      `grant select, insert on ${table} to ${serviceRole}`,
    ]),
    `create policy tenantry_service_chain on ${entries} for update to ${serviceRole}
    using (sequence is null) with check (sequence is not null)`,
    `grant update (sequence, hash) on ${entries} to ${serviceRole}`,
    `create policy tenantry_service_erase on ${personal} for update to ${serviceRole}
    using (erased_at is null) with check (erased_at is not null)`,
    `grant update (subject, salt, data, erased_at) on ${personal} to ${serviceRole}`,
    `create policy tenantry_service_move on ${heads} for update to ${serviceRole} using (true) with check (true)`,
    `grant update (sequence, hash) on ${heads} to ${serviceRole}`,
  ];
}

/** A tenant's transaction reads the trail of its tenant and adds to it; places in the chain are not its to give. */
function forTenants(table: string): string[] {
  const name = `${librarySchema}.${table}`;
  const mine = `tenant_id = ${currentTenantSql}`;
  const read = [
    `create policy tenantry_tenant_read on ${name} for select using (${mine})`,
    `grant select on ${name} to ${appRole}`,
  ];
  if (table === 'audit_heads') return read;
  const added = table === 'audit_entries' ? `${mine} and sequence is null` : mine;
  return [
    ...read,
    `create policy tenantry_tenant_add on ${name} for insert with check (${added})`,
    `grant insert on ${name} to ${appRole}`,
  ];
}
