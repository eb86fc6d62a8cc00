import { isLive } from './carry-subscription.ts';
import { slugCandidates } from './load-people.ts';
import type { PeopleTarget } from './people-unit.ts';
import type { TenantRecord } from './rows.ts';
import type { Work } from './work.ts';

/** Makes the targets that do not exist, and converts the old tenant where it is the one target itself. */
export function makeTargets(work: Work): void {
  const { draft, old, unit, converted } = work;
  for (const target of unit.targets) {
    const { tenantId } = target;
    const existing = draft.get('tenants', tenantId);
    if (existing === undefined) makeTenant(work, target);
    else if (tenantId === old.tenant_id) {
      if (converted) convertTenant(work, target);
    } else checkExisting(work, existing);
  }
}

function checkExisting({ unit, draft, now, refuse }: Work, existing: TenantRecord): void {
  const { tenant_id: tenantId, kind, status } = existing;
  if (kind !== unit.to.tenantKind || status === 'moved') {
    const is = status === 'moved' ? 'has moved itself' : `is of kind "${kind}" and not "${unit.to.tenantKind}"`;
    refuse('target', [tenantId], `The target ${is}: name another.`);
  }
  const entitlement_revision = existing.entitlement_revision + 1;
  draft.set('tenants', { ...existing, entitlement_revision, updated_at: now });
}

function makeTenant(work: Work, target: PeopleTarget): void {
  const { draft, unit, old, main, now } = work;
  const { to } = unit;
  const isMain = target.tenantId === main.tenantId;
  const user = userOf(work, target);
  const member = user === undefined ? undefined : work.oldMembers.find(({ user_id }) => user_id === user);
  const ofUser = to.tenantKind === 'user';
  draft.set('tenants', {
    tenant_id: target.tenantId,
    kind: to.tenantKind,
    name: target.name ?? (ofUser ? (member?.name ?? user) : to.tenantName) ?? old.name,
    status: ofUser && member?.status === 'suspended' ? 'suspended' : 'active',
    plan: target.plan ?? (isMain && isLive(old.subscription_status) ? old.plan : to.plan),
    subscription_status: null,
    anchor_at: isMain ? old.anchor_at : now,
    entitlement_revision: 1,
    metadata: {},
    created_at: now,
    updated_at: now,
  });
  nameTarget(work, target, user);
}

function convertTenant(work: Work, target: PeopleTarget): void {
  const { draft, unit, old, now } = work;
  const kind = unit.to.tenantKind;
  draft.set('tenants', {
    ...old,
    kind,
    plan: target.plan ?? old.plan,
    entitlement_revision: old.entitlement_revision + 1,
    updated_at: now,
  });
  if (kind !== old.kind) nameTarget(work, target, userOf(work, target));
}

/** The user whose own tenant a target is. */
function userOf({ unit, ownUsers, oldMembers }: Work, { users }: PeopleTarget): string | undefined {
  if (unit.to.tenantKind !== 'user') return undefined;
  const owner = oldMembers.find(({ role, status }) => role === 'owner' && status === 'active');
  return users?.[0]?.userId ?? ownUsers[0] ?? owner?.user_id;
}

/** Gives a tenant what names it under the strategy: its user, the program, or a slug. */
function nameTarget(work: Work, target: PeopleTarget, user: string | undefined): void {
  const { draft, unit, refuse } = work;
  const { tenantId } = target;
  if (unit.to.tenantKind === 'organization') {
    makeOrganization(work, target);
    return;
  }
  const lookup = unit.to.lookupOf(user ?? '');
  if (lookup === null || (user === undefined && unit.to.tenantKind === 'user')) {
    refuse('target', [tenantId], 'A tenant of one user must say which: name the user at the target.');
    return;
  }
  const taken = draft.get('tenant_lookups', lookup.kind, lookup.value);
  const holder = taken && draft.get('tenants', taken.tenant_id);
  // What leads to an organization, or to a tenant that moved, is only an alias, and the tenant itself goes first.
  const alias = holder === undefined || holder.kind !== unit.to.tenantKind || holder.status === 'moved';
  if (taken !== undefined && !alias && taken.tenant_id !== tenantId && taken.tenant_id !== work.old.tenant_id) {
    refuse('target', [taken.tenant_id, tenantId], `"${lookup.value}" has a tenant: name that one as the target.`);
    return;
  }
  draft.set('tenant_lookups', { kind: lookup.kind, tenant_id: tenantId, value: lookup.value });
}

function makeOrganization(work: Work, target: PeopleTarget): void {
  const { draft, old, now, note } = work;
  const { tenantId } = target;
  const candidates = slugCandidates(target, old.name);
  const free = candidates.find((slug) => {
    const taken = draft.get('tenant_lookups', 'slug', slug);
    return taken === undefined || taken.tenant_id === tenantId;
  });
  const slug = free ?? `${candidates[0] ?? 'org'}-${tenantId}`.slice(-63);
  if (target.slug !== undefined && slug !== target.slug)
    note('slug-changed', [target.slug, slug], 'the slug was taken');
  draft.set('tenant_lookups', { kind: 'slug', tenant_id: tenantId, value: slug });
  draft.set('organizations', {
    slug,
    tenant_id: tenantId,
    created_at: now,
    updated_at: now,
    seats_taken: 0,
    seats_bought: null,
  });
}
