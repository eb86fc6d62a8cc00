import type { Ids } from '../../../core/index.ts';
import type { TenantKind } from '../../../database/tenant-row.ts';
import type { Draft } from './draft.ts';
import {
  defaultPolicies,
  type PeopleConflict,
  type PeopleDecision,
  type PeoplePolicies,
  type PeopleTarget,
  type PeopleUnit,
  type PeopleUser,
} from './people-unit.ts';
import type { MemberRecord, People, TenantRecord } from './rows.ts';

/** A unit while it is worked out. */
export interface Work {
  readonly unit: PeopleUnit;
  readonly policies: PeoplePolicies;
  readonly draft: Draft;
  readonly ids: Ids;
  /** The moment, as PostgreSQL writes it in JSON. */
  readonly now: string;
  /** The old tenant as it was. */
  readonly old: TenantRecord;
  /** Who and what is named nowhere goes there. */
  readonly main: PeopleTarget;
  /** The old tenant is the one target and becomes another thing where it stands. */
  readonly converted: boolean;
  /** The old tenant is none of the targets: it will be a row that remembers where it went. */
  readonly retired: boolean;
  /** The members that the old tenant had. */
  readonly oldMembers: readonly MemberRecord[];
  /** Whose own tenant the old one was. */
  readonly ownUsers: readonly string[];
  /** What a user is told of at a target. */
  userAt(tenantId: string, userId: string): PeopleUser | undefined;
  /** The targets where a user goes, the first of them first; none where there is no place. */
  placesOf(userId: string): readonly string[];
  /** What a target is, or becomes. */
  kindOf(tenantId: string): TenantKind;
  /** The member that a user is at an organization now. */
  memberAt(tenantId: string, userId: string): MemberRecord | undefined;
  note(topic: PeopleDecision['topic'], about: readonly string[], detail: string): void;
  refuse(topic: PeopleConflict['topic'], between: readonly string[], remedy: string): void;
}

/** Writes a moment as PostgreSQL does in JSON. */
export function timeText(time: Date): string {
  return time.toISOString().replace(/\.?0*Z$/, '+00:00');
}

/** Sets a unit up to be worked out on a draft of the rows it concerns. */
export function createWork(
  people: People,
  draft: Draft,
  unit: PeopleUnit,
  old: TenantRecord,
  { ids, conflicts, decisions }: { ids: Ids; conflicts: PeopleConflict[]; decisions: PeopleDecision[] },
): Work {
  const [main] = unit.targets;
  const targets = new Map(unit.targets.map((target) => [target.tenantId, target]));
  const named = new Map<string, string[]>();
  const told = new Map<string, PeopleUser>();
  for (const target of unit.targets) {
    for (const user of target.users ?? []) {
      named.set(user.userId, [...(named.get(user.userId) ?? []), target.tenantId]);
      told.set(`${target.tenantId} ${user.userId}`, user);
    }
  }
  const retired = !targets.has(old.tenant_id);
  const converted = unit.targets.length === 1 && !retired;
  const kindOf = (tenantId: string): TenantKind => {
    if (tenantId === old.tenant_id && converted) return unit.to.tenantKind;
    return draft.get('tenants', tenantId)?.kind ?? unit.to.tenantKind;
  };
  return {
    unit,
    policies: { ...defaultPolicies, ...unit.policies },
    draft,
    ids,
    now: timeText(unit.now),
    old,
    main,
    converted,
    retired,
    oldMembers: people.rows.members.filter(({ tenant_id }) => tenant_id === old.tenant_id),
    ownUsers: people.rows.tenant_lookups.flatMap(({ kind, value, tenant_id }) =>
      old.kind === 'user' && kind === 'user' && tenant_id === old.tenant_id ? [value] : [],
    ),
    userAt: (tenantId, userId) => told.get(`${tenantId} ${userId}`),
    placesOf(userId) {
      const places = named.get(userId);
      if (places !== undefined) return places;
      return kindOf(main.tenantId) === 'user' ? [] : [main.tenantId];
    },
    kindOf,
    memberAt: (tenantId, userId) => draft.memberOf(tenantId, userId),
    note: (topic, about, detail) => {
      if (about.length > 0) decisions.push({ topic, about, detail });
    },
    refuse: (topic, between, remedy) => {
      conflicts.push({ topic, between, remedy });
    },
  };
}
