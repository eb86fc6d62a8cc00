import type { AnyDatabase } from '../../../database/index.ts';
import { quoteLiteral } from '../../../database/isolation-sql.ts';
import { none, numbers, type VerifyCheck } from '../../verify/check.ts';

/**
 * Proves by SQL of its own, from what the journal says was there before, that a re-tenanting lost nobody and doubled
 * nothing. Units that were returned are not part of it.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { verifyPeople } from 'tenantry/migrate';
 *
 * async function prove(db: Kysely<Record<string, never>>): Promise<void> {
 *   for (const check of await verifyPeople(db, 'acme-buys-beta')) console.log(check);
 * }
 * ```
 */
export async function verifyPeople(tx: AnyDatabase, retenanting: string): Promise<VerifyCheck[]> {
  const of = `retenanting = ${quoteLiteral(retenanting)}`;
  const checks: VerifyCheck[] = [];
  for (const { name, table, sql, what, good } of checksOf(of)) {
    const { wrong } = await numbers<'wrong'>(tx, sql);
    checks.push(none(name, table, wrong, what, good));
  }
  return checks;
}

interface Check {
  readonly name: string;
  readonly table: string;
  readonly sql: string;
  readonly what: string;
  readonly good: string;
}

/** Users who were there before with a seat or an own tenant, and the tenants where each unit led. */
const peopleBefore = (of: string): string => `recursive units as (
  select unit, (after ->> 'oldTenantId')::uuid as old_tenant_id, t.value::uuid as tenant_id
  from tenantry.retenant_people, jsonb_array_elements_text(after -> 'tenantIds') as t (value)
  where ${of} and table_name = 'unit'
), ways (unit, tenant_id) as (
  select unit, tenant_id from units
  union
  select w.unit, v.tenant_id from ways w join tenantry.tenant_moves v on v.old_tenant_id = w.tenant_id and v.user_id = ''
), retired as (
  select distinct u.old_tenant_id from units u join tenantry.tenants t on t.tenant_id = u.old_tenant_id where t.status = 'moved'
), people as (
  select unit, before ->> 'user_id' as user_id from tenantry.retenant_people
  where ${of} and table_name = 'members' and (before ->> 'status' = 'active' or (before ->> 'status' = 'pending'
    and unit in (select u.unit from units u join tenantry.tenants t on t.tenant_id = u.tenant_id where t.kind = 'organization')))
  union
  select unit, before ->> 'value' from tenantry.retenant_people
  where ${of} and table_name = 'tenant_lookups' and before ->> 'kind' = 'user'
    and (before ->> 'tenant_id')::uuid in (select old_tenant_id from units)
)`;

function checksOf(of: string): Check[] {
  const whole = `with ${peopleBefore(of)}`;
  return [
    {
      name: 'nobody-lost',
      table: 'tenantry.members',
      sql: `${whole} select count(*) as wrong from people p where not exists (
  select from ways w join tenantry.members m on m.tenant_id = w.tenant_id and m.user_id = p.user_id where w.unit = p.unit)
and not exists (select from tenantry.tenant_lookups l join tenantry.tenants t on t.tenant_id = l.tenant_id
  where l.kind = 'user' and l.value = p.user_id and t.status <> 'moved')
and not exists (select from tenantry.tenant_moves v join tenantry.tenants t on t.tenant_id = v.tenant_id
  where v.user_id = p.user_id and v.role is not null and t.status <> 'moved')`,
      what: 'users act for no tenant any more',
      good: 'everybody who acted before acts now',
    },
    {
      name: 'nobody-doubled',
      table: 'tenantry.members',
      sql: `${whole} select (select count(*) from tenantry.members m where m.tenant_id in (select old_tenant_id from retired))
+ (select count(*) from (select m.tenant_id, m.user_id from tenantry.members m where m.tenant_id in (select tenant_id from units)
  group by 1, 2 having count(*) > 1) as x) as wrong`,
      what: 'members stand twice, or at a tenant that moved',
      good: 'each user is at most one member of a tenant',
    },
    {
      name: 'one-owner',
      table: 'tenantry.members',
      sql: `${whole} select count(*) as wrong from tenantry.organizations o
where o.tenant_id in (select tenant_id from units)
  and exists (select from tenantry.members m where m.tenant_id = o.tenant_id and m.status = 'active')
  and (select count(*) from tenantry.members m where m.tenant_id = o.tenant_id and m.status = 'active' and m.role = 'owner')
    not between 1 and case when o.tenant_id in (select old_tenant_id from units) then 2147483647 else 1 end`,
      what: 'organizations have no owner, or several',
      good: 'every organization that was made or joined has one owner',
    },
    {
      name: 'seats',
      table: 'tenantry.organizations',
      sql: `${whole} select count(*) as wrong from tenantry.organizations o where o.tenant_id in (select tenant_id from units)
  and o.seats_taken <> (select count(*) from tenantry.members m where m.tenant_id = o.tenant_id and m.status in ('active', 'pending') and not m.seat_exempt)`,
      what: 'organizations count other seats than they have members',
      good: 'seats taken are members',
    },
    {
      name: 'keys',
      table: 'tenantry.api_keys',
      sql: `with digests as (
  select distinct before ->> 'digest' as digest from tenantry.retenant_people where ${of} and table_name = 'api_key_digests' and before is not null
) select count(*) as wrong from digests d left join tenantry.api_key_digests l on l.digest = d.digest
left join tenantry.api_keys k on k.tenant_id = l.tenant_id and k.id = l.key_id
left join tenantry.tenants t on t.tenant_id = k.tenant_id
left join tenantry.members m on m.tenant_id = k.tenant_id and m.id = k.member_id
where t.tenant_id is null or t.status = 'moved' or (k.member_id is not null and m.id is null)`,
      what: 'API keys open no tenant',
      good: 'every API key leads to exactly one tenant',
    },
    {
      name: 'counters',
      table: 'tenantry.usage_counters',
      sql: `with sums as (
  select coalesce(before, after) ->> 'meter' as meter, sum(coalesce((before ->> 'used')::numeric, 0)) as used_before,
    sum(case when joined then 0 else coalesce((after ->> 'used')::numeric, 0) end) as used_after
  from tenantry.retenant_people where ${of} and table_name = 'usage_counters' group by 1
) select count(*) as wrong from sums where used_before <> used_after`,
      what: 'meters count another sum than before',
      good: 'what was used is conserved',
    },
    {
      name: 'retired',
      table: 'tenantry.tenants',
      sql: `${whole} select count(*) as wrong from retired r where not exists (
  select from units u join ways w on w.unit = u.unit join tenantry.tenants t on t.tenant_id = w.tenant_id
  where u.old_tenant_id = r.old_tenant_id and t.status <> 'moved'
    and exists (select from tenantry.tenant_moves v where v.old_tenant_id = r.old_tenant_id and v.user_id = ''))
or exists (select from tenantry.api_keys k where k.tenant_id = r.old_tenant_id)
or exists (select from tenantry.organizations o where o.tenant_id = r.old_tenant_id)`,
      what: 'tenants moved and do not say where, or left something behind',
      good: 'every tenant that moved leads to one that is there',
    },
  ];
}
