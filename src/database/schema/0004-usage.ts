/**
 * What tenants used of their limits and quotas. Counters are updated in place, so pages keep room for that. The kind of
 * the period is part of the key, since a quota per day and one per month may begin at the same moment.
 */
export const usageSchema: readonly string[] = [
  `create table tenantry.usage_counters (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade,
    meter text collate "C" not null,
    per text collate "C" not null,
    period_start timestamptz not null,
    used bigint not null check (used >= 0),
    entitlement_revision bigint not null,
    updated_at timestamptz not null,
    primary key (tenant_id, meter, per, period_start)
  ) with (fillfactor = 50)`,
];
