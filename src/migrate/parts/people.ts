import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { optionalSql, orderSql } from '../source-sql.ts';
import { cleanSql, dollarQuoted, uuidSql } from '../sql-text.ts';
import { beginningSql, keyColumns, madeHere, type Part, type PartStore, selectSql } from './part.ts';

/** The states of a member that legacy rows may name, the most alive first. */
export const memberStatuses: readonly string[] = ['active', 'pending', 'suspended'];

/** Members who hold a seat. */
export const seatedSql = (status: string): string => `${status} in ('active', 'pending')`;

/**
 * What is read of a row that is a person. Columns: `k`, `tenant_id`, `ord`, `user_id` (NULL when empty), `person` (what
 * rows of one person share), `email`, `member_name`, `role` (as the rule says it) and `said_status`.
 */
export function peopleColumns(model: Model, { table }: Part, from: string, store: PartStore): string {
  const { members } = model.definition;
  const optional = (expression: Parameters<typeof optionalSql>[2]): string => optionalSql(model, table, expression);
  const key = keyColumns(store, table);
  const user = optional(members?.userId);
  const rule = members?.role;
  const others = rule?.kind === 'first-is-owner' ? rule.others : 'member';
  const said = rule?.kind === 'expression' ? optional(rule.role) : 'null::text';
  const columns = {
    ...key,
    ord: orderSql(model, table, rule?.by),
    user_id: `case when btrim(${user}) <> '' then ${user} end`,
    person: `coalesce('same:' || nullif(btrim(${optional(members?.sameMember)}), ''), 'key:' || ${key.k})`,
    email: `nullif(btrim(${optional(members?.email)}), '')`,
    member_name: `nullif(${cleanSql(optional(members?.name))}, '')`,
    role: `coalesce(nullif(btrim(${said}), ''), ${quoteLiteral(others)})`,
    said_status: members?.status === undefined ? `'active'` : `lower(btrim(${optional(members.status)}))`,
  };
  return selectSql(columns, from, table);
}

/**
 * Finds for each row of `from` which member it is, and remembers it. Rows of one tenant that share `person` are one
 * member; the identifier is made of both, so that whoever comes first, the backfill or a trigger, makes the same one. A
 * member that the library has already under the row's user is that member. Rows without a tenant or a user are none.
 */
export function fillPeopleSql(model: Model, part: Part, from: string, store: PartStore): string {
  const migration = quoteLiteral(model.name);
  const { people } = store;
  const id = (of: string): string => uuidSql(`${model.name}:member`, `s.tenant_id::text || ':' || ${of}`);
  const known = (where: string): string => `from ${people} p where p.tenant_id = s.tenant_id and ${where}
      and p.migration = ${migration}`;
  // A person whose e-mail changed keeps the member; the one who has the old e-mail now is somebody else.
  return `insert into ${people} (migration, row_key, tenant_id, member_id, person, user_id)
  select ${migration}, s.k, s.tenant_id, coalesce(
    (select p.member_id ${known('p.person = s.person')} order by p.row_key limit 1),
    (select m.id from tenantry.members m where m.tenant_id = s.tenant_id and m.user_id = s.user_id),
    case when exists (select 1 ${known('p.member_id = h.id')}) then ${id(`'row:' || s.k`)} else h.id end), s.person, s.user_id
  from (${peopleColumns(model, part, from, store)}) as s cross join lateral (select ${id('s.person')} as id) as h
  where s.tenant_id is not null and s.user_id is not null
    and not exists (select 1 from ${people} p where p.row_key = s.k and p.migration = ${migration})
  on conflict do nothing`;
}

/** The rows of persons with their members as a relation: columns of {@link peopleColumns} and `member_id`. */
export function peopleRows(model: Model, part: Part, filter: string, store: PartStore): string {
  const from = `(select * from ${part.table.sql} as x where ${keyEquals(part.table.key, 'x', 'p.row_key')})`;
  return `(select p.tenant_id, p.member_id, s.k, s.ord, s.user_id, s.email, s.member_name, s.role, s.said_status
    from ${store.people} p cross join lateral (${peopleColumns(model, part, from, store)}) as s
    where p.migration = ${quoteLiteral(model.name)} and ${filter})`;
}

/**
 * Members as the legacy rows have them, one row each: the oldest row names them, the highest role and the most alive
 * status of all their rows counts. `place` orders the members of a tenant by who would be its owner.
 */
export function membersOf(model: Model, part: Part, filter: string, store: PartStore): string {
  const first = (column: string, order = 'f.place'): string => `(array_agg(f.${column} order by ${order}))[1]`;
  const rank = `array_position(array['owner', 'admin'], f.role)`;
  return `select g.*, row_number() over (partition by g.tenant_id
      order by array_position(array['active', 'pending', 'suspended'], g.status), g.oldest) as place,
    bool_or(g.role = 'owner') over (partition by g.tenant_id) as owned
  from (select f.tenant_id, f.member_id, ${first('user_id')} as user_id,
      (array_agg(f.email order by f.place) filter (where f.email is not null))[1] as email,
      (array_agg(f.member_name order by f.place) filter (where f.member_name is not null))[1] as name,
      ${first('role', `${rank}, f.place`)} as role,
      ${first('status', `array_position(array['active', 'pending', 'suspended'], f.status), f.place`)} as status,
      min(f.place) as oldest
    from (select s.*, case when s.said_status in ('active', 'pending', 'suspended') then s.said_status else 'pending' end as status,
        row_number() over (partition by s.tenant_id order by s.ord, s.k) as place
      from ${peopleRows(model, part, filter, store)} as s) as f
    group by f.tenant_id, f.member_id) as g`;
}

/** The role of a member once somebody of the tenant must be its owner. */
const finalRole = `case when r.place = 1 and not r.owned then 'owner' else r.role end`;

/** Makes the members that are not there yet, of the people (`p`) that `filter` leaves. */
export function membersSql(model: Model, part: Part, store: PartStore, filter = 'true'): string {
  const now = beginningSql(model);
  const missing =
    'not exists (select 1 from tenantry.members m where m.tenant_id = p.tenant_id and m.id = p.member_id)';
  return `insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, created_at, updated_at)
    select r.tenant_id, r.member_id, r.user_id, r.email, r.name, ${finalRole}, r.status, ${now}, ${now}
    from (${membersOf(model, part, `${filter} and ${missing}`, store)}) as r
    on conflict do nothing`;
}

/**
 * Counts the seats of `tenants`, a list: everybody who was let in before has one afterwards, and where seats are bought,
 * as many are. With `skip locked` organizations whose row somebody holds are left out, so that nobody waits for another.
 */
export function countSeatsSql(tenants: string, locking: '' | ' skip locked'): string {
  return `update tenantry.organizations o set seats_taken = c.n,
    seats_bought = case when o.seats_bought is not null then greatest(o.seats_bought, c.n) end
  from (select x.tenant_id, coalesce(s.n, 0) as n from tenantry.organizations x
    left join (select m.tenant_id, count(*)::integer as n from tenantry.members m
      where m.tenant_id in ${tenants} and ${seatedSql('m.status')} group by m.tenant_id) as s on s.tenant_id = x.tenant_id
    where x.tenant_id in ${tenants} and x.seats_taken <> coalesce(s.n, 0) for no key update of x${locking}) as c
  where o.tenant_id = c.tenant_id`;
}

/**
 * Forgets people whose rows the application deleted or moved in the moment in which they were read, when its triggers
 * could not see them yet.
 */
export function forgetPeopleSql(model: Model, part: Part, { people, ...store }: PartStore): string {
  return `delete from ${people} p where p.migration = ${quoteLiteral(model.name)} and not exists (
    select 1 from (${peopleColumns(model, part, part.table.sql, { people, ...store })}) as s where s.k = p.row_key and s.tenant_id = p.tenant_id)`;
}

/**
 * Mends the members of the tenants to which the application wrote while not all of them were there yet: who has no row
 * left goes, who is missing comes, and each has the role that the rule says. Tenant by tenant in their order, each under
 * the lock that the triggers take first too, so that neither undoes or overlooks what the other does.
 */
export function mendMembersSql(model: Model, part: Part, store: PartStore, tenants: string): string {
  const migration = quoteLiteral(model.name);
  const { people } = store;
  const here = 'tenantry_tenant';
  const named = `exists (select 1 from ${people} p where p.tenant_id = m.tenant_id and p.member_id = m.id and p.migration = ${migration})`;
  const gone = `${madeHere('m.id')} and m.status <> 'removed' and not ${named}`;
  const outdated = `(m.status = 'removed' or not exists (select 1 from ${people} o where o.tenant_id = m.tenant_id and o.member_id = m.id
        and o.user_id = m.user_id and o.migration = p.migration))`;
  const wrong = `m.tenant_id = r.tenant_id and m.id = r.member_id and m.role is distinct from ${finalRole}`;
  const mine = (filter: string): string => membersOf(model, part, `p.tenant_id = ${here}${filter}`, store);
  return `do ${dollarQuoted(`
declare ${here} uuid;
begin
  for ${here} in
    select m.tenant_id from tenantry.members m where m.tenant_id in ${tenants} and ${gone}
    union select p.tenant_id from ${people} p left join tenantry.members m on m.tenant_id = p.tenant_id and m.id = p.member_id
      where p.migration = ${migration} and (m.id is null or ${outdated})
    union select m.tenant_id from tenantry.members m, (${membersOf(model, part, 'true', store)}) as r where ${wrong}
    order by 1
  loop
    perform 1 from tenantry.organizations o where o.tenant_id = ${here} for no key update;
    update tenantry.members m set status = 'removed' where m.tenant_id = ${here} and ${gone};
    update tenantry.members m set user_id = r.user_id, email = r.email, name = r.name, status = r.status
    from (${mine(` and exists (select 1 from tenantry.members m where m.tenant_id = p.tenant_id and m.id = p.member_id and ${outdated})`)}) as r
    where m.tenant_id = r.tenant_id and m.id = r.member_id;
    ${membersSql(model, part, store, `p.tenant_id = ${here}`)};
    update tenantry.members m set role = ${finalRole} from (${mine('')}) as r where ${wrong};
    ${countSeatsSql(`(${here})`, '')};
  end loop;
end `)}`;
}

/** What names the tenant of one user. */
export function userLookupsSql(model: Model, filter: string, { people }: PartStore): string {
  const kind = model.definition.to.lookupOf('')?.kind ?? model.definition.to.tenantKind;
  return `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select distinct ${quoteLiteral(kind)}, p.user_id, p.tenant_id from ${people} p
  where p.migration = ${quoteLiteral(model.name)} and ${filter}
  on conflict (kind, value) do nothing`;
}

/** The member of a tenant that a user is, as SQL; NULL when none. */
export function memberOfSql(model: Model, { people }: PartStore, tenant: string, user: string): string {
  return `(select p.member_id from ${people} p where p.tenant_id = ${tenant} and p.user_id = ${user}
      and p.migration = ${quoteLiteral(model.name)} order by p.row_key limit 1)`;
}
