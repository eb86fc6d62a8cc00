import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { SourceExpression } from '../definition.ts';
import type { Model } from '../model.ts';
import { asideName, hasMembers, type Part, partsOf } from '../parts/part.ts';
import { type Checker, contracted, none, numbers, type VerifyCheck } from './check.ts';

/** The first rule that is present, told by its place and value, without the engine's own expression. */
function signature(model: Model): string {
  const values = model.definition.tenants.sameTenant.map((rule) => `(${model.text(rule)})::text`);
  return `(select v.place || '=' || v.value from unnest(array[${values.join(', ')}]) with ordinality as v(value, place)
    where btrim(v.value) <> '' order by v.place limit 1)`;
}

/** Source rows have the same tenant exactly when the rules say so. */
export async function checkGrouping(checker: Checker): Promise<VerifyCheck[]> {
  const { tx, model, column, writes } = checker;
  const found = await numbers<'torn' | 'joined' | 'tenants'>(tx, groupingSql(model, column));
  const since = writes.get(model.source.name) ?? 0;
  const moved = since > 0 && found.torn + found.joined > 0;
  if (moved) {
    const detail = `the application changed source rows ${since} times; rows keep the tenant that they had`;
    return [{ name: 'grouping', table: model.source.name, status: 'skip', detail }];
  }
  return [
    none('grouping', model.source.name, found.torn, 'groups stand in several tenants', 'no group is torn apart'),
    none(
      'grouping',
      model.source.name,
      found.joined,
      'tenants hold several groups',
      `${found.tenants} tenants, one group each`,
    ),
  ];
}

/** Counts groups `torn` apart and tenants `joined` of several. */
export function groupingSql(model: Model, column: string): string {
  const source = quoteIdentifier(model.source.name);
  return `with signed as (select ${signature(model)} as sign, ${source}.${column} as tenant from ${model.source.sql} as ${source})
select (select count(*) from (select sign from signed group by sign having count(distinct tenant) > 1) as x)::text as torn,
  (select count(*) from (select tenant from signed group by tenant having count(distinct sign) > 1) as x)::text as joined,
  (select count(distinct tenant) from signed)::text as tenants`;
}

/** One query that counts what should not be of one part, and what each of its columns means. */
export interface PartProof {
  /** The name of the checks. */
  readonly name: string;
  /** The table of the library that is checked. */
  readonly table: string;
  readonly query: string;
  /** What was counted in all: a column, and what it counts. */
  readonly counted: readonly [column: string, what: string];
  readonly wrong: readonly {
    readonly column: string;
    readonly what: string;
    /** Judged only while the application has not written to the table of the rows. */
    readonly whileStill?: boolean;
  }[];
  /** The legacy table of the rows. */
  readonly rows: string;
}

/** Everybody and everything that legacy rows stand for is there, once, and in the right tenant. */
export async function checkParts({ tx, model, column, done, switched, writes }: Checker): Promise<VerifyCheck[]> {
  const checks: VerifyCheck[] = [];
  for (const { name, table, query, counted, wrong, rows } of partProofs(model, column, switched)) {
    const found = await numbers<string>(tx, query);
    const since = writes.get(rows) ?? 0;
    for (const { column: count, what, whileStill = false } of wrong) {
      const bad = found[count] ?? 0;
      if (contracted(done) && bad > 0) {
        const detail = `its legacy rows are no measure since the contract stage: ${bad} ${what}`;
        checks.push({ name, table, status: 'skip', detail });
      } else if (whileStill && since > 0 && bad > 0) {
        const detail = `the application wrote ${since} times to "${rows}" since the baseline: ${bad} ${what}`;
        checks.push({ name, table, status: 'skip', detail });
      } else {
        checks.push(none(name, table, bad, what, `${found[counted[0]] ?? 0} ${counted[1]}: no ${what}`));
      }
    }
  }
  return checks;
}

/**
 * The proofs of all parts, in SQL of their own, from the legacy columns and the tenant column. Since the switch, what the
 * new application changed and no legacy column can say is no fault.
 */
export function partProofs(model: Model, column: string, switched = false): PartProof[] {
  return partsOf(model).flatMap((part) => proofsOf(model, part, column, switched));
}

function proofsOf(model: Model, part: Part, column: string, switched: boolean): PartProof[] {
  switch (part.name) {
    case 'members':
      return hasMembers(model.definition)
        ? [membersProof(model, part, column, switched)]
        : ownersProofs(model, part, column);
    case 'subscriptions':
      return [subscriptionsProof(model, part, column, switched)];
    case 'apiKeys':
      return [keysProof(model, part, column, switched)];
    case 'grants':
      return [grantsProof(model, part, column, switched)];
    case 'audit':
      return [auditProof(model, part, column)];
  }
}

const texts = (model: Model, part: Part) => (expression: SourceExpression | undefined) =>
  expression === undefined ? 'null::text' : `(${model.text(expression, part.table.name)})::text`;

/** The rows of a part with a tenant, with some columns. */
function rowsOf(part: Part, column: string, columns: Readonly<Record<string, string>>): string {
  const alias = quoteIdentifier(part.table.name);
  const list = Object.entries(columns).map(([name, value]) => `${value} as ${name}`);
  const key = part.table.key.map(({ name }) => `${alias}.${quoteIdentifier(name)}`);
  const row = key.length === 1 ? `${key[0]}::text` : `json_build_array(${key.join(', ')})::jsonb::text`;
  return `select ${alias}.${column} as tenant, ${row} as row_key, ${list.join(', ')} from ${part.table.sql} as ${alias}
  where ${alias}.${column} is not null`;
}

/** Who the member of each legacy user is, by the user's id alone or, where persons were joined, by one of them. */
function personsSql(model: Model, column: string): string {
  const part = partsOf(model).find(({ name }) => name === 'members');
  const { members } = model.definition;
  if (part === undefined || members === undefined)
    return 'select null::uuid as tenant, null::text as user_id, null::text as person limit 0';
  const text = texts(model, part);
  const rows = rowsOf(part, column, { user_id: text(members.userId), same: text(members.sameMember) });
  return `select r.tenant, r.user_id, case when btrim(r.same) <> '' then 'same ' || r.same else 'row ' || r.row_key end as person from (${rows}) as r`;
}

/** The member that each legacy user is. */
function membersByUser(model: Model, column: string): string {
  return `with persons as (${personsSql(model, column)})
  select distinct p.tenant, p.user_id, m.id from persons p join persons o on o.tenant = p.tenant and o.person = p.person
    join tenantry.members m on m.tenant_id = o.tenant and m.user_id = o.user_id`;
}

function membersProof(model: Model, part: Part, column: string, switched: boolean): PartProof {
  const known = `exists (select 1 from tenantry.migration_people p where p.migration = ${quoteLiteral(model.name)}
    and p.tenant_id = r.tenant and p.user_id = r.user_id and ${leftOut(model, 'members', 'p.member_id::text')})`;
  const stands = `m.tenant_id = o.tenant_id and m.status <> 'removed'`;
  return {
    name: 'members',
    table: 'tenantry.members',
    rows: part.table.name,
    query: `with rows as (${personsSql(model, column)}), persons as (
  select r.tenant, r.person, count(distinct m.id) as members
  from rows r left join tenantry.members m on m.tenant_id = r.tenant and m.user_id = r.user_id and m.status <> 'removed'
  where btrim(r.user_id) <> ''${switched ? ` and not ${known}` : ''} group by r.tenant, r.person
), homes as (select o.tenant_id, o.seats_taken from tenantry.organizations o where o.tenant_id in (select tenant from rows))
select count(*)::text as persons, count(*) filter (where members = 0)::text as lost, count(*) filter (where members > 1)::text as doubled,
  (select count(*) from tenantry.members m where substr(m.id::text, 15, 1) = '8' and m.status <> 'removed' and m.tenant_id in (select tenant_id from homes)
    and not exists (select 1 from rows r where r.tenant = m.tenant_id and r.user_id = m.user_id)${switched ? ` and not ${leftOut(model, 'members', 'm.id::text')}` : ''})::text as strays,
  (select count(*) from homes o where exists (select 1 from tenantry.members m where ${stands})
    and not exists (select 1 from tenantry.members m where ${stands} and m.role = 'owner'))::text as ownerless,
  (select count(*) from homes o
    where o.seats_taken <> (select count(*) from tenantry.members m where m.tenant_id = o.tenant_id and m.status in ('active', 'pending') and not m.seat_exempt))::text as strangers
from persons`,
    counted: ['persons', 'persons'],
    wrong: [
      { column: 'lost', what: 'persons who are no member' },
      { column: 'doubled', what: 'persons who are several members' },
      { column: 'strays', what: 'members where no legacy user of theirs is' },
      { column: 'ownerless', what: 'organizations with members and no owner' },
      { column: 'strangers', what: 'organizations that count other seats than members' },
    ],
  };
}

/** Each user leads to the tenant of the row, where tenants are users. */
function ownersProofs(model: Model, part: Part, column: string): PartProof[] {
  const { to } = model.definition;
  if (to.tenantKind !== 'user') return [];
  const kind = quoteLiteral(to.lookupOf('')?.kind ?? to.tenantKind);
  return [
    {
      name: 'members',
      table: 'tenantry.tenant_lookups',
      rows: part.table.name,
      query: `with rows as (${personsSql(model, column)})
select count(*)::text as users, count(*) filter (where l.tenant_id is null)::text as lost,
  count(*) filter (where l.tenant_id <> r.tenant)::text as astray
from rows r left join tenantry.tenant_lookups l on l.kind = ${kind} and l.value = r.user_id where btrim(r.user_id) <> ''`,
      counted: ['users', 'users'],
      wrong: [
        { column: 'lost', what: 'users who lead to no tenant' },
        { column: 'astray', what: 'users who lead to another tenant than their rows' },
      ],
    },
  ];
}

/** Every legacy key opens the tenant of its row, for its member, and one that was revoked stays so. */
function keysProof(model: Model, part: Part, column: string, switched: boolean): PartProof {
  const { apiKeys, members } = model.definition;
  const text = texts(model, part);
  const own = members?.source === part.table.name ? members.userId : undefined;
  const user = hasMembers(model.definition) ? (apiKeys?.userId ?? own) : undefined;
  const raw = `btrim(${text(apiKeys?.digest)})`;
  const columns = {
    digest:
      apiKeys?.scheme === 'sha256-base64'
        ? `case when length(${raw}) = 44 then encode(decode(${raw}, 'base64'), 'hex') else ${raw} end`
        : `lower(${raw})`,
    user_id: text(user),
    revoked: apiKeys?.revokedAt === undefined ? 'false' : `${text(apiKeys.revokedAt)} is not null`,
  };
  return {
    name: 'keys',
    table: 'tenantry.api_keys',
    rows: part.table.name,
    query: `with legacy as (select r.*, ${setAside(model, part)}${switched ? ` or ${closed(model)}` : ''} as aside from (${rowsOf(part, column, columns)}) as r where r.digest <> ''),
people as (${membersByUser(model, column)})
select count(*)::text as keys, count(*) filter (where k.id is null and not l.aside)::text as lost,
  count(*) filter (where k.tenant_id <> l.tenant and not l.aside)::text as foreign_keys,
  count(*) filter (where l.revoked and k.revoked_at is null and k.enabled and not l.aside
    and (k.member_id is null or exists (select 1 from tenantry.members o where o.tenant_id = k.tenant_id and o.id = k.member_id and o.status = 'active')))::text as revived,
  count(*) filter (where k.id is not null and not l.aside and l.user_id is not null and k.member_id is distinct from p.id)::text as misled
from legacy l left join people p on p.tenant = l.tenant and p.user_id = l.user_id
  left join tenantry.api_key_digests d on d.digest = l.digest
  left join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id`,
    counted: ['keys', 'keys'],
    wrong: [
      { column: 'lost', what: 'keys that are lost' },
      { column: 'foreign_keys', what: 'keys that open another tenant' },
      { column: 'revived', what: 'revoked keys that would open again' },
      { column: 'misled', what: 'keys that are not those of their user', whileStill: true },
    ],
  };
}

/** What the new application changed in a row of the library, and no legacy column says. */
function leftOut(model: Model, table: string, key: string): string {
  return `exists (select 1 from tenantry.migration_changes c where c.migration = ${quoteLiteral(model.name)}
    and c.table_name = 'tenantry.${table}' and c.row_key = ${key} and (c.left_out <> '{}' or c.pending <> '{}'))`;
}

/** Rows whose key does not open any more, and may have been made unusable for it. */
function closed(model: Model): string {
  return `exists (select 1 from tenantry.migration_parts q where q.migration = ${quoteLiteral(model.name)} and q.part = 'apiKeys'
    and q.row_key = r.row_key and not exists (select 1 from tenantry.api_keys o where o.tenant_id = q.tenant_id and o.id::text = q.made
      and o.revoked_at is null and o.enabled))`;
}

/** Rows of which nothing could be made are recorded with their reason. */
function setAside(model: Model, part: Part): string {
  return `exists (select 1 from tenantry.migration_quarantine q where q.migration = ${quoteLiteral(model.name)}
    and q.table_name = ${quoteLiteral(asideName(part))} and q.row_key = r.row_key)`;
}

function grantsProof(model: Model, part: Part, column: string, switched: boolean): PartProof {
  const { grants } = model.definition;
  const text = texts(model, part);
  const columns = { user_id: text(grants?.userId), permission: `btrim(${text(grants?.permission)})` };
  return {
    name: 'grants',
    table: 'tenantry.member_grants',
    rows: part.table.name,
    query: `with people as (${membersByUser(model, column)}), legacy as (
  select r.tenant, r.permission, r.row_key, p.id as member, ${setAside(model, part)} as aside
  from (${rowsOf(part, column, columns)}) as r left join people p on p.tenant = r.tenant and p.user_id = r.user_id
)
select count(*)::text as grants,
  count(*) filter (where not l.aside and l.member is not null and not exists (select 1 from tenantry.member_grants g
    where g.tenant_id = l.tenant and g.member_id = l.member and g.permission = l.permission)${switched ? ` and not ${leftOut(model, 'member_grants', `l.tenant || ':' || l.member || ':' || l.permission`)}` : ''})::text as lost,
  count(*) filter (where l.aside and l.member is not null and l.permission <> '')::text as forgotten
from legacy l`,
    counted: ['grants', 'grants'],
    wrong: [
      { column: 'lost', what: 'grants that are lost' },
      { column: 'forgotten', what: 'grants of members that were set aside', whileStill: true },
    ],
  };
}

function auditProof(model: Model, part: Part, column: string): PartProof {
  return {
    name: 'audit',
    table: 'tenantry.audit_entries',
    rows: part.table.name,
    query: `with legacy as (select r.tenant, count(*) as n from (${rowsOf(part, column, { one: '1' })}) as r group by 1),
entries as (select e.tenant_id as tenant, count(*) as n from tenantry.audit_entries e
  where e.context ->> 'migration' = ${quoteLiteral(model.name)} group by 1)
select coalesce(sum(l.n), 0)::text as entries,
  greatest(0, coalesce(sum(l.n), 0) - coalesce(sum(e.n), 0))::text as lost,
  count(*) filter (where l.n is distinct from e.n)::text as uneven
from legacy l full join entries e using (tenant)`,
    counted: ['entries', 'entries'],
    wrong: [
      { column: 'lost', what: 'entries that are lost' },
      { column: 'uneven', what: 'tenants with another number of entries than rows', whileStill: true },
    ],
  };
}

function subscriptionsProof(model: Model, part: Part, column: string, switched: boolean): PartProof {
  const { subscriptions } = model.definition;
  const text = texts(model, part);
  const columns = {
    status: `nullif(btrim(${text(subscriptions?.status)}), '')`,
    customer: `nullif(btrim(${text(subscriptions?.customerId)}), '')`,
    subscription: `nullif(btrim(${text(subscriptions?.subscriptionId)}), '')`,
  };
  const unnamed = (kind: string, value: string): string => `(select count(*) from (select l.${value} from legacy l
    left join tenantry.tenant_lookups n on n.kind = '${kind}' and n.value = l.${value}
    where l.${value} is not null group by l.${value} having bool_or(n.tenant_id = l.tenant) is not true) as x)`;
  return {
    name: 'subscriptions',
    table: 'tenantry.tenants',
    rows: part.table.name,
    query: `with legacy as (${rowsOf(part, column, columns)}), stands as (
  select l.tenant, t.subscription_status as status, array_agg(l.status) as words, bool_or(l.status = 'active') as active
  from legacy l join tenantry.tenants t on t.tenant_id = l.tenant where l.status is not null${switched ? ` and not ${leftOut(model, 'tenants', 'l.tenant::text')}` : ''} group by 1, 2
)
select (select count(*) from legacy)::text as subscriptions,
  (select count(*) from stands where status is null or status <> all (words) or active and status <> 'active')::text as misjudged,
  (${unnamed('provider_customer', 'customer')} + ${unnamed('provider_subscription', 'subscription')})::text as unnamed`,
    counted: ['subscriptions', 'subscriptions'],
    wrong: [
      { column: 'misjudged', what: 'tenants that stand otherwise than their subscriptions', whileStill: true },
      { column: 'unnamed', what: 'ids at the provider that lead to no tenant', whileStill: true },
    ],
  };
}
