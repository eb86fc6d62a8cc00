import type { Work } from './work.ts';

/**
 * Remembers where a tenant went: for whoever asks the default target, and for each user their own. What led to the
 * old tenant before leads on by it. The application of the old strategy finds its users' tenants by it: in an organization by
 * their membership, and where there are no members in the role that is written here.
 */
export function retireTenant(work: Work): void {
  const { draft, old, main, retired, now } = work;
  if (work.converted && work.kindOf(old.tenant_id) !== old.kind) closeOldWays(work);
  for (const { user, place, role } of wayOf(work)) {
    draft.set('tenant_moves', { role, user_id: user, tenant_id: place, old_tenant_id: old.tenant_id });
  }
  if (!retired) return;
  draft.set('tenant_moves', { role: null, user_id: '', tenant_id: main.tenantId, old_tenant_id: old.tenant_id });
  const tenant = draft.get('tenants', old.tenant_id) ?? old;
  const entitlement_revision = tenant.entitlement_revision + 1;
  draft.set('tenants', { ...tenant, status: 'moved', entitlement_revision, updated_at: now });
}

/** Who could act because of a move before, in what had no members, does so no more in what is another thing now. */
function closeOldWays({ draft, old }: Work): void {
  for (const move of draft.all('tenant_moves')) {
    if (move.tenant_id === old.tenant_id && move.role !== null) draft.set('tenant_moves', { ...move, role: null });
  }
}

interface Way {
  readonly user: string;
  readonly place: string;
  readonly role: string | null;
}

/** Where each user went whose way differs from the default, or needs a role to be told. */
function wayOf(work: Work): Way[] {
  const { oldMembers, unit, main, old } = work;
  const active = new Map(oldMembers.map(({ user_id, role, status }) => [user_id, status === 'active' ? role : null]));
  const named = unit.targets.flatMap(({ users = [] }) => users.map(({ userId }) => userId));
  return [...new Set([...active.keys(), ...named])].flatMap((user): Way[] => {
    const place = work.placesOf(user)[0];
    if (place === undefined) return [];
    const kind = work.kindOf(place);
    const role = active.has(user) ? active.get(user) : work.policies.joinAs;
    if (kind !== 'organization') {
      // A converted program or user's tenant names everybody who acts for it already.
      const known = place === old.tenant_id && old.kind !== 'organization';
      if (known || role === null || role === undefined) return [];
      return [{ user, place, role: kind === 'user' ? 'owner' : role }];
    }
    const led = place === main.tenantId || place === old.tenant_id;
    return led ? [] : [{ user, place, role: null }];
  });
}
