import type { AnyDatabase } from '../../database/index.ts';
import { quoteIdentifier } from '../../database/isolation-sql.ts';
import { execute, expressionText, qualified } from '../sql-text.ts';
import type { AnyRetenanting, EveryTenant } from './definition.ts';
import { madeId } from './made-id.ts';
import { existingTargets, type PeopleTarget, type PeopleUser } from './people/index.ts';
import { type RetenantingUnit, waysOf } from './units.ts';

/** A tenant that changes, with the users who act for it and the keys that are whose. */
interface OldTenant {
  readonly tenant_id: string;
  readonly kind: string;
  readonly name: string;
  readonly users: readonly string[];
}

interface KnownUser {
  readonly id: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly organization: string | null;
}

/** What users become together. */
interface Group {
  readonly key: string;
  readonly name: string;
  readonly tenantId: string | undefined;
}

/** One unit for each tenant of the strategy before; what was made since under it is found in a later turn. */
export async function everyUnit(
  db: AnyDatabase,
  definition: AnyRetenanting,
  change: EveryTenant,
  known: readonly RetenantingUnit[],
): Promise<RetenantingUnit[]> {
  const { to } = definition;
  const taken = known.flatMap(({ oldTenantId, targets }) => [oldTenantId, ...targets.map(({ tenantId }) => tenantId)]);
  const tenants = await oldTenants(db, change.from.tenantKind, taken);
  if (tenants.length === 0) return [];
  const people = await usersOf(db, definition, change);
  const all = new Map<string, readonly string[]>();
  for (const { tenant_id, kind, users } of tenants) {
    all.set(tenant_id, kind === 'program' ? [...new Set([...people.keys(), ...users])] : users);
  }
  const stay = to.tenantKind === 'organization' && change.from.tenantKind === 'organization';
  const everybody = [...new Set([...all.values()].flat())];
  const existing =
    to.tenantKind === 'organization'
      ? new Map<string, string>()
      : await existingTargets(db, to, to.tenantKind === 'program' ? [''] : everybody);
  const groupOf = (tenant: OldTenant, userId: string): Group => {
    if (stay) return { key: tenant.tenant_id, name: tenant.name, tenantId: tenant.tenant_id };
    if (to.tenantKind === 'program')
      return { key: 'program', name: to.tenantName ?? tenant.name, tenantId: existing.get('') };
    if (to.tenantKind === 'user')
      return { key: `user ${userId}`, name: people.get(userId)?.name ?? userId, tenantId: existing.get(userId) };
    const organization = people.get(userId)?.organization?.trim() ?? '';
    if (organization !== '') return { key: `organization ${organization}`, name: organization, tenantId: undefined };
    return { key: `user ${userId}`, name: people.get(userId)?.name ?? userId, tenantId: undefined };
  };
  const told = new Map(known.flatMap(({ groups = {} }) => Object.entries(groups)));
  const drafts = tenants.map((tenant) => {
    const users = all.get(tenant.tenant_id) ?? [];
    const groups = new Map<string, Grouped>();
    for (const userId of users.length > 0 || to.tenantKind === 'user' ? users : ['']) {
      const group = groupOf(tenant, userId);
      const one = groups.get(group.key) ?? { ...group, tenantId: told.get(group.key) ?? group.tenantId, users: [] };
      if (userId !== '') one.users.push(userOf(userId, people, change));
      groups.set(group.key, one);
    }
    return { tenant, groups };
  });
  const tenantsOf = new Map<string, number>();
  for (const { groups } of drafts) for (const key of groups.keys()) tenantsOf.set(key, (tenantsOf.get(key) ?? 0) + 1);
  return drafts.map(({ tenant, groups }) => unitOf(definition, tenant, groups, tenantsOf));
}

interface Grouped extends Group {
  readonly users: PeopleUser[];
}

function userOf(userId: string, people: ReadonlyMap<string, KnownUser>, { keys }: EveryTenant): PeopleUser {
  const known = people.get(userId);
  const own = keys !== undefined && Object.hasOwn(keys, userId) ? keys[userId] : undefined;
  return { userId, ...(known && { email: known.email, name: known.name }), ...(own && { keys: own }) };
}

/** A tenant whose users stay among themselves is converted where it stands, and its rows do not move. */
function unitOf(
  { name: retenanting, to }: AnyRetenanting,
  { tenant_id: oldTenantId }: OldTenant,
  groups: ReadonlyMap<string, Grouped>,
  tenantsOf: ReadonlyMap<string, number>,
): RetenantingUnit {
  const placed = [...groups.values()].map((group): readonly [string, PeopleTarget] => {
    const alone = groups.size === 1 && group.tenantId === undefined && tenantsOf.get(group.key) === 1;
    const tenantId = alone ? oldTenantId : (group.tenantId ?? madeId(retenanting, group.key));
    const users = to.tenantKind === 'program' || group.tenantId === oldTenantId ? {} : { users: group.users };
    return [group.key, { tenantId, ...(tenantId !== oldTenantId && { name: group.name }), ...users }];
  });
  const [main = { tenantId: oldTenantId }, ...others] = placed.map(([, target]) => target);
  const targets: readonly [PeopleTarget, ...PeopleTarget[]] = [main, ...others];
  const ways = targets.length > 1 ? waysOf(targets) : [];
  const told = Object.fromEntries(placed.map(([key, { tenantId }]) => [key, tenantId]));
  return { unit: oldTenantId, oldTenantId, targets, chosen: false, ways, groups: told };
}

async function oldTenants(db: AnyDatabase, kind: string, taken: readonly string[]): Promise<OldTenant[]> {
  const found = await execute<OldTenant>(
    db,
    `select t.tenant_id, t.kind, t.name, to_json(array(
  select u.user_id from (
    select m.user_id, m.created_at, m.id::text as id from tenantry.members m where m.tenant_id = t.tenant_id and m.status <> 'removed'
    union all
    select l.value, null, '' from tenantry.tenant_lookups l where l.tenant_id = t.tenant_id and l.kind = 'user'
  ) as u group by u.user_id order by min(u.created_at), min(u.id))) as users
from tenantry.tenants t where t.kind = $1 and t.status <> 'moved' and not t.tenant_id = any($2::uuid[])
order by t.created_at, t.tenant_id`,
    [kind, [...taken]],
  );
  return found.rows;
}

/** The application's users, by their id, in the order of it. */
async function usersOf(
  db: AnyDatabase,
  { schema = 'public' }: AnyRetenanting,
  { users }: EveryTenant,
): Promise<ReadonlyMap<string, KnownUser>> {
  if (users === undefined) return new Map();
  const { table, id, email, name, organization } = users;
  const value = (expression: typeof email): string =>
    expression === undefined ? 'null::text' : `(${expressionText(db, expression, table)})::text`;
  const found = await execute<KnownUser>(
    db,
    `select ${value(id)} as id, ${value(email)} as email, ${value(name)} as name, ${value(organization)} as organization
from ${qualified(schema, table)} as ${quoteIdentifier(table)} order by 1`,
  );
  return new Map(found.rows.flatMap((user): [string, KnownUser][] => (user.id === null ? [] : [[user.id, user]])));
}
