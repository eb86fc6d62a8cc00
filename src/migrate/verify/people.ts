import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { Model } from '../model.ts';
import { type Checker, none, numbers, type VerifyCheck } from './check.ts';

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

/** Every source row is one member of its tenant: nobody is lost, nobody stands there twice. */
export async function checkMembers({ tx, model, column }: Checker): Promise<VerifyCheck[]> {
  const query = membersSql(model, column);
  if (query === undefined) return [];
  const found = await numbers<'persons' | 'lost' | 'doubled' | 'strangers'>(tx, query);
  return [
    none('members', 'tenantry.members', found.lost, 'persons are no member', `${found.persons} persons, none lost`),
    none('members', 'tenantry.members', found.doubled, 'persons are several members', 'none doubled'),
    none(
      'seats',
      'tenantry.organizations',
      found.strangers,
      'organizations count other seats than members',
      'seats taken equal members',
    ),
  ];
}

/** Counts persons `lost` and `doubled`, and organizations with `strangers` on their seats; undefined without members. */
export function membersSql(model: Model, column: string): string | undefined {
  const { members, to } = model.definition;
  if (members === undefined || to.tenantKind !== 'organization') return undefined;
  const source = quoteIdentifier(model.source.name);
  const key = model.source.key.map((part) => `${source}.${quoteIdentifier(part.name)}`).join(', ');
  const person = members.sameMember === undefined ? 'null' : `(${model.text(members.sameMember)})::text`;
  return `with rows as (
  select ${source}.${column} as tenant, coalesce('same ' || ${person}, 'row ' || row(${key})::text) as person, (${model.text(members.userId)})::text as user_id
  from ${model.source.sql} as ${source}
), persons as (
  select r.tenant, r.person, count(distinct m.id) as members
  from rows r left join tenantry.members m on m.tenant_id = r.tenant and m.user_id = r.user_id and m.status <> 'removed'
  group by r.tenant, r.person
)
select count(*)::text as persons, count(*) filter (where members = 0)::text as lost, count(*) filter (where members > 1)::text as doubled,
  (select count(*) from tenantry.organizations o where o.tenant_id in (select tenant from rows)
    and o.seats_taken <> (select count(*) from tenantry.members m where m.tenant_id = o.tenant_id and m.status in ('active', 'pending')))::text as strangers
from persons`;
}

/** Every legacy key opens the tenant of its row, once, and one that was revoked stays so. */
export async function checkKeys({ tx, model, column }: Checker): Promise<VerifyCheck[]> {
  const query = keysSql(model, column);
  if (query === undefined) return [];
  const found = await numbers<'keys' | 'lost' | 'foreign_keys' | 'revived'>(tx, query);
  return [
    none('keys', 'tenantry.api_keys', found.lost, 'keys are lost', `${found.keys} keys, none lost`),
    none('keys', 'tenantry.api_keys', found.foreign_keys, 'keys open another tenant', 'each opens its own tenant'),
    none('keys', 'tenantry.api_keys', found.revived, 'revoked keys would open again', 'revoked keys stay revoked'),
  ];
}

/** Counts keys `lost`, `foreign_keys` of another tenant, and those `revived`; undefined without keys. */
export function keysSql(model: Model, column: string): string | undefined {
  const { apiKeys } = model.definition;
  if (apiKeys === undefined) return undefined;
  const source = quoteIdentifier(model.source.name);
  const text = `(${model.text(apiKeys.digest)})::text`;
  const digest =
    apiKeys.scheme === 'sha256-hex' ? `lower(btrim(${text}))` : `encode(decode(btrim(${text}), 'base64'), 'hex')`;
  const revoked = apiKeys.revokedAt === undefined ? 'false' : `(${model.text(apiKeys.revokedAt)}) is not null`;
  return `with legacy as (select ${source}.${column} as tenant, ${digest} as digest, ${revoked} as revoked
  from ${model.source.sql} as ${source} where btrim(${text}) <> '')
select count(*)::text as keys, count(*) filter (where k.id is null)::text as lost,
  count(*) filter (where k.tenant_id <> l.tenant)::text as foreign_keys, count(*) filter (where l.revoked and k.revoked_at is null)::text as revived
from legacy l left join tenantry.api_key_digests d on d.digest = l.digest
  left join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id`;
}
