import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyText, type Model } from '../model.ts';
import { dollarQuoted } from '../sql-text.ts';
import { flowPathSql, objectName } from '../trigger-sql.ts';
import { hasMembers, liveStore, type Part } from './part.ts';
import { fillPeopleSql, membersOf, peopleColumns, seatedSql, userLookupsSql } from './people.ts';
import { retryAsideSql } from './retry-aside.ts';
import type { TriggerBody } from './triggers.ts';

/**
 * What happens when the old application writes a row that is a person: a new user becomes a member, one who changed
 * company leaves here and joins there, one who is deleted leaves; a role or status that changed is taken over. Only the
 * persons of that row are touched.
 */
export function memberTrigger(model: Model, part: Part): TriggerBody {
  const store = liveStore(model);
  const migration = quoteLiteral(model.name);
  const key = (row: 'NEW' | 'OLD'): string => keyText(part.table.key, row);
  const read = (what: string, row: 'NEW' | 'OLD'): string =>
    `(select s.${what} from (${peopleColumns(model, part, `(select ${row}.*)`, store)}) as s)`;
  const all = (row: 'NEW' | 'OLD'): string =>
    `(select s::text from (${peopleColumns(model, part, `(select ${row}.*)`, store)}) as s)`;
  const whose = (row: string): string => `p.row_key = ${row} and p.migration = ${migration}`;
  const people = hasMembers(model.definition);
  const home = people ? 'tenantry.organizations' : 'tenantry.tenants';
  const settle = settleName(model, part);
  const column = quoteIdentifier(model.column);
  const leave = people
    ? `perform tenantry.${settle}(tenantry_tenant, tenantry_member, true, true);`
    : '-- What names a tenant stays.';
  const join = people
    ? `perform tenantry.${settle}(tenantry_tenant, tenantry_member,
      tenantry_joins or ${read('role', 'OLD')} is distinct from ${read('role', 'NEW')},
      tenantry_joins or ${read('said_status', 'OLD')} is distinct from ${read('said_status', 'NEW')});`
    : `${userLookupsSql(model, `p.row_key = ${key('NEW')}`, store)};`;
  const waiting = people ? retryAsideSql(model, 'tenantry_user', store) : [];
  const retry =
    waiting.length === 0
      ? ''
      : `
    if tenantry_joins or ${read('user_id', 'OLD')} is distinct from ${read('user_id', 'NEW')} then
      tenantry_user := ${read('user_id', 'NEW')};
      ${waiting.join(';\n      ')};
    end if;`;
  const body = `if TG_OP <> 'INSERT' then
    if TG_OP = 'UPDATE' then
      if ${key('OLD')} is distinct from ${key('NEW')} then
        update ${store.people} p set row_key = ${key('NEW')} where ${whose(key('OLD'))};
      end if;
      select p.tenant_id, p.member_id into tenantry_tenant, tenantry_member from ${store.people} p where ${whose(key('NEW'))};
      if tenantry_tenant is not distinct from NEW.${column} and ${all('OLD')} is not distinct from ${all('NEW')} then return null; end if;
    else
      select p.tenant_id, p.member_id into tenantry_tenant, tenantry_member from ${store.people} p where ${whose(key('OLD'))};
    end if;
    tenantry_joins := tenantry_tenant is null;
    perform 1 from ${home} o where o.tenant_id in (tenantry_tenant, case when TG_OP <> 'DELETE' then NEW.${column} end) order by o.tenant_id for no key update;
    if tenantry_tenant is not null and (TG_OP = 'DELETE' or NEW.${column} is distinct from tenantry_tenant or ${read('user_id', 'NEW')} is null) then
      tenantry_joins := true;
      delete from ${store.people} p where ${whose(`case TG_OP when 'DELETE' then ${key('OLD')} else ${key('NEW')} end`)};
      ${leave}
    end if;
    if TG_OP = 'DELETE' then return null; end if;
  end if;
  if not exists (select 1 from ${home} o where o.tenant_id = NEW.${column}) then return null; end if;
  perform 1 from ${home} o where o.tenant_id = NEW.${column} for no key update;
  ${fillPeopleSql(model, part, '(select NEW.*)', store)};
  update ${store.people} p set person = s.person, user_id = s.user_id
  from (${peopleColumns(model, part, '(select NEW.*)', store)}) as s
  where ${whose('s.k')} and s.user_id is not null and (p.person, p.user_id) is distinct from (s.person, s.user_id);
  select p.tenant_id, p.member_id into tenantry_tenant, tenantry_member from ${store.people} p where ${whose(key('NEW'))};
  if found then
    ${join}${retry}
  end if;
  return null;`;
  return {
    declare: 'declare tenantry_tenant uuid; tenantry_member uuid; tenantry_user text; tenantry_joins boolean := true;',
    body,
    helpers: people ? [settleSql(model, part, settle)] : [],
    dropHelpers: people ? [`drop function if exists tenantry.${settle}(uuid, uuid, boolean, boolean)`] : [],
  };
}

function settleName(model: Model, part: Part): string {
  return objectName(model, part.table.name, 'settle');
}

/**
 * A function that brings one member up to what the legacy rows say: who has none left is removed. The organization is
 * locked first, so that two writers count its seats and choose its owner one after the other.
 */
function settleSql(model: Model, part: Part, name: string): string {
  const store = liveStore(model);
  const migration = quoteLiteral(model.name);
  const rows = membersOf(model, part, 'p.tenant_id = tenantry_tenant and p.member_id = tenantry_member', store);
  const here = 'm.tenant_id = tenantry_tenant and m.id = tenantry_member';
  const free = `not exists (select 1 from tenantry.members o where o.tenant_id = tenantry_tenant and o.user_id = r.user_id and o.id <> tenantry_member)`;
  const { members } = model.definition;
  // What no legacy column says, or what a row could not hold of it, is the library's alone.
  const said = (column: string, expression: unknown): string =>
    expression === undefined
      ? ''
      : `${column} = case when '${column}' = any(tenantry_left) then m.${column} else r.${column} end, `;
  const body = `declare tenantry_was_role text; tenantry_was_status text; tenantry_seats integer; tenantry_left text[];
  begin
  tenantry_left := coalesce((select c.left_out from tenantry.migration_changes c where c.migration = ${migration}
    and c.table_name = 'tenantry.members' and c.row_key = tenantry_member::text), '{}');
  perform 1 from tenantry.organizations o where o.tenant_id = tenantry_tenant for no key update;
  select m.role, m.status into tenantry_was_role, tenantry_was_status from tenantry.members m where ${here};
  if exists (select 1 from ${store.people} p where p.tenant_id = tenantry_tenant and p.member_id = tenantry_member and p.migration = ${migration}) then
    insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, created_at, updated_at)
    select r.tenant_id, r.member_id, r.user_id, r.email, r.name, r.role, r.status, now(), now() from (${rows}) as r
    on conflict do nothing;
    update tenantry.members m set ${said('email', members?.email)}${said('name', members?.name)}user_id = case when ${free} then r.user_id else m.user_id end,
      role = case when tenantry_roles or m.status = 'removed' then r.role else m.role end,
      status = case when tenantry_statuses or m.status = 'removed' then r.status else m.status end, updated_at = now()
    from (${rows}) as r where ${here} and tenantry_was_status is not null;
  else
    update tenantry.members m set status = 'removed', updated_at = now() where ${here} and m.status <> 'removed';
  end if;
  tenantry_seats := coalesce((select ${seatedSql('m.status')} from tenantry.members m where ${here}), false)::integer
    - coalesce(${seatedSql('tenantry_was_status')}, false)::integer;
  if tenantry_seats <> 0 then
    update tenantry.organizations o set seats_taken = o.seats_taken + tenantry_seats,
      seats_bought = case when o.seats_bought is not null then greatest(o.seats_bought, o.seats_taken + tenantry_seats) end
    where o.tenant_id = tenantry_tenant;
  end if;
  if (tenantry_was_role = 'owner' or not exists (select 1 from tenantry.members m where m.tenant_id = tenantry_tenant and m.id <> tenantry_member and m.status <> 'removed'))
    and not exists (select 1 from tenantry.members m where m.tenant_id = tenantry_tenant and m.role = 'owner' and m.status <> 'removed') then
    update tenantry.members m set role = 'owner', updated_at = now() where m.tenant_id = tenantry_tenant and m.status <> 'removed' and m.id = (
      select r.member_id from (${membersOf(model, part, 'p.tenant_id = tenantry_tenant', store)}) as r where r.place = 1);
  end if;
  end `;
  return `create function tenantry.${name}(tenantry_tenant uuid, tenantry_member uuid, tenantry_roles boolean, tenantry_statuses boolean) returns void language plpgsql
  ${flowPathSql(model, 'forward')} as ${dollarQuoted(`
  ${body}`)}`;
}
