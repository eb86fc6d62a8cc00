import type { PeopleTarget } from './people/index.ts';

/** One old tenant of a re-tenanting, with where it goes: plain data that is kept until it is done. */
export interface RetenantingUnit {
  readonly unit: string;
  readonly oldTenantId: string;
  readonly targets: readonly [PeopleTarget, ...PeopleTarget[]];
  /** Only rows that are chosen go; everything else stays. */
  readonly chosen: boolean;
  /** Where rows go that a rule tells apart. */
  readonly ways: readonly Way[];
  /** In a conversion of all tenants, which of them belong together and where those are. */
  readonly groups?: Readonly<Record<string, string>>;
}

/** A row of `tenantry.retenant_ways`. */
export interface Way {
  /** `user`, `key`, `place` of a target itself, or `row:` with the table of chosen rows. */
  readonly kind: string;
  readonly value: string;
  readonly tenantId: string;
}

/** The tenant that gets what is named nowhere. Of a tenant from which rows are chosen it is the tenant itself. */
export const mainOf = ({ targets }: RetenantingUnit): string => targets[0].tenantId;

/** Whether the old tenant goes on to be one. */
export const staysOf = ({ oldTenantId, targets }: RetenantingUnit): boolean =>
  targets.some(({ tenantId }) => tenantId === oldTenantId);

/** Each place, and the first place of each user. */
export function waysOf(targets: readonly PeopleTarget[]): Way[] {
  const users = new Map<string, string>();
  for (const { tenantId, users: named = [] } of targets) {
    for (const { userId } of named) if (!users.has(userId)) users.set(userId, tenantId);
  }
  return [
    ...targets.map(({ tenantId }): Way => ({ kind: 'place', value: tenantId, tenantId })),
    ...[...users].map(([value, tenantId]): Way => ({ kind: 'user', value, tenantId })),
  ];
}
