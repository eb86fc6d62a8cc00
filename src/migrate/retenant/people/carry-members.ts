import type { GrantRecord, MemberRecord } from './rows.ts';
import type { Work } from './work.ts';

/**
 * Brings the members of the old tenant, and the users who are named, to where they go: to an organization as members,
 * and out of the membership where a tenant has none. A person who is there already becomes one member.
 */
export function carryMembers(work: Work): void {
  const { oldMembers, old, refuse, note } = work;
  const homeless: string[] = [];
  const grants = new Map<string, GrantRecord[]>();
  for (const grant of work.draft.all('member_grants')) {
    if (grant.tenant_id === old.tenant_id) grants.set(grant.member_id, [...(grants.get(grant.member_id) ?? []), grant]);
  }
  const joined: string[] = [];
  for (const member of oldMembers) {
    const places = work.placesOf(member.user_id);
    const gone = member.status === 'removed';
    if (places.length === 0 && !gone) homeless.push(member.user_id);
    const away = places.filter((place) => place !== old.tenant_id);
    const stays = places.includes(old.tenant_id) && work.kindOf(old.tenant_id) === 'organization';
    away.forEach((place, index) => {
      if (work.kindOf(place) !== 'organization') return;
      if (index > 0 || stays) copyMember(work, member, place);
      else if (moveMember(work, member, place, grants.get(member.id) ?? [])) joined.push(member.user_id);
    });
    if (!stays && !away.some((place) => work.kindOf(place) === 'organization')) {
      for (const grant of grants.get(member.id) ?? []) work.draft.drop('member_grants', grant);
      work.draft.drop('members', member);
    }
  }
  if (homeless.length > 0) refuse('target', homeless, 'These members go nowhere: name each of them at a target.');
  note('members-joined', joined, 'are members of both tenants and become one member, in the higher role');
  addUsers(work);
}

/** Users who were no members: the one whose own tenant the old one was, and those that the unit names. */
function addUsers(work: Work): void {
  const { unit, ownUsers, old, draft, ids, now, policies } = work;
  const named = unit.targets.flatMap(({ users = [] }) => users.map(({ userId }) => userId));
  for (const userId of new Set([...ownUsers, ...named])) {
    for (const place of work.placesOf(userId)) {
      if (work.kindOf(place) !== 'organization' || work.memberAt(place, userId) !== undefined) continue;
      const told = work.userAt(place, userId);
      draft.set('members', {
        id: ids(),
        name: told?.name ?? (ownUsers.includes(userId) && old.name !== userId ? old.name : null),
        role: told?.role ?? policies.joinAs,
        email: told?.email ?? null,
        status: told?.status ?? 'active',
        user_id: userId,
        tenant_id: place,
        created_at: now,
        updated_at: now,
      });
    }
  }
}

/** Tells whether the user was a member there already. */
function moveMember(work: Work, member: MemberRecord, place: string, grants: readonly GrantRecord[]): boolean {
  const { draft } = work;
  const there = work.memberAt(place, member.user_id);
  const next = { ...member, tenant_id: place };
  if (there === undefined) draft.carry('members', member, next);
  else {
    draft.set('members', mergeMembers(work, there, member));
    draft.join('members', member, there);
  }
  const memberId = there?.id ?? member.id;
  for (const grant of grants) {
    if (draft.get('member_grants', place, memberId, grant.permission) !== undefined) draft.drop('member_grants', grant);
    else draft.carry('member_grants', grant, { ...grant, tenant_id: place, member_id: memberId });
  }
  return there !== undefined && member.status !== 'removed';
}

function copyMember(work: Work, member: MemberRecord, place: string): void {
  const there = work.memberAt(place, member.user_id);
  if (there !== undefined) work.draft.set('members', mergeMembers(work, there, member));
  else work.draft.set('members', { ...member, tenant_id: place, id: work.ids(), updated_at: work.now });
}

/**
 * One member of two. Whoever was suspended at the target stays so: to be let in again somewhere else does not undo it.
 */
function mergeMembers(work: Work, there: MemberRecord, member: MemberRecord): MemberRecord {
  if (member.status === 'removed') return there;
  const back = there.status === 'removed';
  const higher = !back && rankOf(work, there.role) <= rankOf(work, member.role) ? there.role : member.role;
  const status =
    back || (['pending', 'requested'].includes(there.status) && member.status === 'active')
      ? member.status
      : there.status;
  const merged = {
    ...there,
    role: member.status === 'suspended' && !back ? there.role : higher,
    email: there.email ?? member.email,
    name: there.name ?? member.name,
    status,
  };
  return JSON.stringify(merged) === JSON.stringify(there) ? there : { ...merged, updated_at: work.now };
}

/** The place of a role from the highest, 0; one that is not named stands above the lowest. */
export function rankOf({ policies: { roles } }: Work, role: string): number {
  const place = roles.indexOf(role);
  return place === -1 ? roles.length - 1.5 : place;
}
