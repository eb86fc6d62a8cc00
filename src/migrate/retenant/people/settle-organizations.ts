import { rankOf } from './carry-members.ts';
import type { MemberRecord, OrganizationRecord, People } from './rows.ts';
import type { Work } from './work.ts';

/** Gives each organization among the targets one owner, and counts its seats. */
export function settleOrganizations(work: Work, people: People): void {
  const members = work.draft.membersByTenant();
  const seats = work.draft.seatsTaken();
  const came = new Set(work.oldMembers.map(({ id }) => id));
  for (const { tenantId } of work.unit.targets) {
    const organization = work.draft.get('organizations', tenantId);
    if (work.kindOf(tenantId) !== 'organization' || organization === undefined) continue;
    settleOwner(work, tenantId, members.get(tenantId) ?? [], came);
    settleSeats(work, organization, seats.get(tenantId) ?? 0, heldOf(work, people, tenantId));
  }
  // An organization that became something else has no members any more, and needs no row for them.
  const ended = work.draft.get('organizations', work.old.tenant_id);
  if (ended && (work.retired || work.kindOf(work.old.tenant_id) !== 'organization')) {
    work.draft.drop('organizations', ended);
  }
}

function settleOwner(work: Work, tenantId: string, all: readonly MemberRecord[], came: ReadonlySet<string>): void {
  const { draft, old, policies, now, note } = work;
  const highest = policies.roles[0] ?? 'owner';
  const next = policies.roles[1] ?? 'admin';
  const members = all.filter(({ status }) => status !== 'removed');
  const active = members.filter(({ status }) => status === 'active');
  const owners = active.filter(({ role }) => role === highest);
  const own = owners.filter(({ id }) => !came.has(id));
  if (tenantId === old.tenant_id && owners.length > 0) return;
  const byRank = (one: MemberRecord, other: MemberRecord): number =>
    rankOf(work, one.role) - rankOf(work, other.role) || (one.created_at < other.created_at ? -1 : 1);
  const chosen = (tenantId === old.tenant_id ? owners : own).toSorted(byRank)[0] ?? active.toSorted(byRank)[0];
  if (chosen === undefined) {
    note('no-owner', [tenantId], 'no active member could own the organization');
    return;
  }
  if (chosen.role !== highest) {
    draft.set('members', { ...chosen, role: highest, updated_at: now });
    if (members.length > 1) note('owner-chosen', [chosen.user_id], 'becomes the owner: nobody else was');
  }
  const others = members.filter(({ id, role }) => id !== chosen.id && role === highest);
  for (const other of others) draft.set('members', { ...other, role: next, updated_at: now });
  const demoted = others.map(({ user_id }) => user_id);
  note('owner-demoted', demoted, `become "${next}": ${chosen.user_id} is the one owner`);
}

interface Held {
  readonly before: number;
  readonly after: number;
}

/** The seats that invitations hold at a target, before and afterwards: they go to the default target. */
function heldOf({ main, retired }: Work, { held = {}, coming = 0, answered = 0 }: People, tenantId: string): Held {
  const before = held[tenantId] ?? 0;
  return { before, after: retired && tenantId === main.tenantId ? before - answered + coming : before };
}

function settleSeats(work: Work, organization: OrganizationRecord, taken: number, held: Held): void {
  const { draft, old, unit, converted, now, refuse, note } = work;
  const { tenant_id: tenantId, seats_bought: had, seats_taken: takenBefore } = organization;
  const used = taken + held.after;
  const bought = seatsBought(work, organization, used);
  if (bought !== null && used > bought && used > takenBefore + held.before) {
    const remedy = `${used} members and invited people would share ${bought} seats: choose the policy "sum" or "atLeastTaken", or buy more.`;
    refuse('seats', [tenantId, old.tenant_id], remedy);
  }
  const initial = unit.to.seats.initial ?? 0;
  if ((converted || takenBefore === 0) && bought !== null && bought > initial) {
    note('seats-raised', [tenantId], `${bought} seats: as many as are taken`);
  }
  if (bought !== had || taken !== takenBefore) {
    draft.set('organizations', { ...organization, seats_bought: bought, seats_taken: taken, updated_at: now });
  }
}

function seatsBought(work: Work, organization: OrganizationRecord, taken: number): number | null {
  const { draft, old, unit, converted, oldMembers, policies } = work;
  const { tenant_id: tenantId, seats_bought: had } = organization;
  const { rule, initial } = unit.to.seats;
  const made = draft.before('organizations', tenantId) === undefined;
  if (tenantId === old.tenant_id && !converted) return had;
  if (made || tenantId === old.tenant_id) {
    if (rule === 'none' || initial === null) return null;
    return Math.max(initial, taken, rule === 'bought' && made ? (boughtOf(work) ?? 0) : 0);
  }
  if (had === null || policies.seats === 'keepTarget') return had;
  if (policies.seats === 'atLeastTaken') return Math.max(had, taken);
  const brought = oldMembers.length > 0 ? boughtOf(work) : null;
  return brought === null ? Math.max(had, taken) : had + brought;
}

/** The seats that the old organization had bought. One that stays keeps them. */
function boughtOf({ draft, old, retired }: Work): number | null {
  return retired ? (draft.before('organizations', old.tenant_id)?.seats_bought ?? null) : null;
}
