import { slugsFrom } from '../../../core/slug.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { PeopleTarget } from './people-unit.ts';
import type { People } from './rows.ts';

/** Which rows are wanted. */
export interface Wanted {
  readonly oldTenantId: string;
  readonly targets: readonly PeopleTarget[];
}

/**
 * Locks the tenants, in the order of their ids, and then everything of the `whole` ones that others may be changing at this
 * moment. A statement that waited for one of these locks finds afterwards what the unit made of it.
 */
export async function lockPeople(
  tx: AnyDatabase,
  tenantIds: readonly string[],
  whole: readonly string[],
): Promise<void> {
  const ids = [...tenantIds];
  await execute(tx, `select set_config('TimeZone', 'UTC', true)`);
  await execute(tx, lock('tenants', 'tenant_id', 'tenant_id'), [ids]);
  await execute(tx, lock('organizations', 'tenant_id', 'tenant_id'), [ids]);
  await execute(tx, lock('members', 'tenant_id', 'tenant_id, id'), [[...whole]]);
  await execute(tx, lock('api_keys', 'tenant_id', 'tenant_id, id'), [[...whole]]);
  await execute(tx, lock('usage_counters', 'tenant_id', 'tenant_id, meter, per, period_start'), [ids]);
  await execute(tx, hoursText, [ids]);
}

/** The hours that stand with counters are brought to the other hours, and are carried with them. */
const hoursText = `with old as materialized (
  select tenant_id, meter, hour, hour_units from tenantry.usage_counters where tenant_id = any($1::uuid[]) and hour is not null
), ended as (
  update tenantry.usage_counters set hour = null, hour_units = 0 where tenant_id = any($1::uuid[]) and hour is not null
)
insert into tenantry.usage_hours as h (tenant_id, meter, subject, hour, units)
select tenant_id, meter, '', hour, sum(hour_units) from old where hour_units > 0 group by 1, 2, 4 order by 1, 2, 4
on conflict (tenant_id, meter, subject, hour) do update set units = h.units + excluded.units`;

function lock(table: string, column: string, order: string): string {
  return `select count(*) from (select * from tenantry.${table} where ${column} = any($1::uuid[]) order by ${order} for update) as locked`;
}

/** Reads the rows that each of several units works on, in one statement for all. */
export async function loadAllPeople(tx: AnyDatabase, units: readonly Wanted[]): Promise<People[]> {
  const named = await execute<{ tenant_id: string; name: string }>(
    tx,
    'select tenant_id, name from tenantry.tenants where tenant_id = any($1::uuid[])',
    [units.map(({ oldTenantId }) => oldTenantId)],
  );
  const names = new Map(named.rows.map(({ tenant_id, name }) => [tenant_id, name]));
  const asked = units.map(({ oldTenantId, targets }, place) => ({
    place,
    old_id: oldTenantId,
    targets: targets.map(({ tenantId }) => tenantId),
    users: targets.flatMap(({ users = [] }) => users.map(({ userId }) => userId)),
    slugs: targets.flatMap((target) => slugCandidates(target, names.get(oldTenantId) ?? '')),
  }));
  const found = await execute<{ people: string }>(
    tx,
    `select (${loadText}) as people from jsonb_to_recordset($1::jsonb)
  as r (place integer, old_id uuid, targets uuid[], users text[], slugs text[]) order by r.place`,
    [JSON.stringify(asked)],
  );
  return found.rows.map(({ people }) => {
    const read: People = JSON.parse(people);
    return read;
  });
}

/** The slugs that an organization may get, in the order in which they are tried. */
export function slugCandidates({ tenantId, name, slug, users }: PeopleTarget, oldName: string): readonly string[] {
  const tail = tenantId.replaceAll('-', '').slice(-8);
  return slugsFrom(slug ?? name ?? (oldName === '' ? (users?.[0]?.userId ?? '') : oldName), tail);
}

/* For a unit `r`. Each part goes by an index: no OR over two of them. */
const loadText = `with named as (
  select user_id from tenantry.members where tenant_id = r.old_id
  union select unnest(r.users)
  union select value from tenantry.tenant_lookups where tenant_id = r.old_id and kind = 'user'
), lookups as (
  select * from tenantry.tenant_lookups where tenant_id = r.old_id
  union select * from tenantry.tenant_lookups where tenant_id = any(r.targets) and kind like 'provider%'
  union select l.* from named n join tenantry.tenant_lookups l on l.kind = 'user' and l.value = n.user_id
  union select * from tenantry.tenant_lookups where kind = 'program' and value = 'program'
  union select l.* from unnest(r.slugs) as s (slug) join tenantry.tenant_lookups l on l.kind = 'slug' and l.value = s.slug
), involved as (
  select r.old_id as tenant_id union select unnest(r.targets)
), people as (
  select * from tenantry.members where tenant_id = r.old_id
  union select * from tenantry.members where tenant_id = any(r.targets)
    and (role = 'owner' or user_id in (select user_id from named))
), counters as (
  select * from tenantry.usage_counters where tenant_id = r.old_id
  union select * from tenantry.usage_counters where tenant_id = any(r.targets)
    and (meter, per) in (select meter, per from tenantry.usage_counters where tenant_id = r.old_id)
), owners as (select r.old_id as tenant_id)
select jsonb_build_object('rows', jsonb_build_object(
  'tenants', (select coalesce(jsonb_agg(to_jsonb(t) - 'facts'), '[]') from tenantry.tenants t
    where t.tenant_id in (select tenant_id from involved union select tenant_id from lookups)),
  'organizations', (select coalesce(jsonb_agg(to_jsonb(o)), '[]') from tenantry.organizations o where o.tenant_id in (select tenant_id from involved)),
  'members', (select coalesce(jsonb_agg(to_jsonb(m) order by m.created_at, m.id), '[]') from people m),
  'member_grants', (select coalesce(jsonb_agg(to_jsonb(g)), '[]') from tenantry.member_grants g where g.tenant_id in (select tenant_id from involved)
    and g.member_id in (select id from people)),
  'api_keys', (select coalesce(jsonb_agg(to_jsonb(k) - 'facts' order by k.id), '[]') from tenantry.api_keys k where k.tenant_id in (select tenant_id from owners)),
  'api_key_digests', (select coalesce(jsonb_agg(to_jsonb(d) - 'facts'), '[]') from tenantry.api_key_digests d where d.tenant_id in (select tenant_id from owners)),
  'tenant_lookups', (select coalesce(jsonb_agg(to_jsonb(l) order by l.kind, l.value), '[]') from lookups l),
  'tenant_moves', (select coalesce(jsonb_agg(to_jsonb(v)), '[]') from (
    select * from tenantry.tenant_moves where tenant_id = r.old_id and role is not null
    union select * from tenantry.tenant_moves where old_tenant_id = r.old_id) as v),
  'usage_counters', (select coalesce(jsonb_agg(to_jsonb(c) order by c.period_start), '[]') from counters c)),
  'seated', (select jsonb_object_agg(i.tenant_id, (select count(*) from tenantry.members m
    where m.tenant_id = i.tenant_id and m.status in ('active', 'pending') and not m.seat_exempt)) from involved i),
  'held', (select jsonb_object_agg(i.tenant_id, (select count(*) from tenantry.invitations v
    where v.tenant_id = i.tenant_id and v.status = 'pending' and v.seat_held)) from involved i),
  'billed', (select coalesce(jsonb_agg(b.tenant_id), '[]') from tenantry.billing_customers b where b.tenant_id in (select tenant_id from involved)),
  'coming', (select count(*) from tenantry.invitations v where v.tenant_id = r.old_id and v.status = 'pending' and v.seat_held
    and not exists (select from tenantry.members m where m.tenant_id = r.targets[1] and m.status <> 'removed' and lower(btrim(m.email)) = v.email_key)
    and not exists (select from tenantry.invitations o where o.tenant_id = r.targets[1] and o.status = 'pending' and o.email_key = v.email_key)),
  'answered', (select count(*) from tenantry.invitations v where v.tenant_id = r.targets[1] and v.status = 'pending' and v.seat_held
    and exists (select from tenantry.members m where m.tenant_id = r.old_id and m.status <> 'removed' and lower(btrim(m.email)) = v.email_key))
)::text`;
