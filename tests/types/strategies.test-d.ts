import type { Kysely } from 'kysely';
import { createOrganizations } from 'tenantry/organizations';
import { createTenancy, hybridSeats, none, perOrg, perUser, type Strategy } from 'tenantry/tenancy';
import { describe, expectTypeOf, it } from 'vitest';

declare const db: Kysely<Record<string, never>>;

describe('strategies', () => {
  it('keep the literal name of their plan', () => {
    expectTypeOf(hybridSeats({ plan: 'free' })).toEqualTypeOf<Strategy<'hybrid-seats', 'free'>>();
    expectTypeOf(perOrg({ plan: 'team', seats: 10 })).toEqualTypeOf<Strategy<'per-org', 'team'>>();
    expectTypeOf(perUser({ plan: 'free', role: 'admin' })).toEqualTypeOf<Strategy<'per-user', 'free'>>();
    expectTypeOf(none({ plan: 'self-hosted' })).toEqualTypeOf<Strategy<'none', 'self-hosted'>>();
    expectTypeOf(createTenancy({ db, strategy: perUser({ plan: 'free' }) }).strategy.plan).toEqualTypeOf<'free'>();
  });

  it('are on the plan "default" when none is named', () => {
    expectTypeOf(none().plan).toEqualTypeOf<'default'>();
    expectTypeOf(perUser({ role: 'admin' }).plan).toEqualTypeOf<'default'>();
    expectTypeOf(perOrg({ seats: 10 }).plan).toEqualTypeOf<'default'>();
    expectTypeOf(hybridSeats({ seats: 2 }).plan).toEqualTypeOf<'default'>();
  });

  it('are all one interface', () => {
    expectTypeOf([none(), perUser(), perOrg(), hybridSeats()]).toExtend<Strategy[]>();
  });
});

describe('roles', () => {
  it("are the default ones and the application's own, by name", () => {
    const { members } = createOrganizations({ db, roles: { therapist: ['vouchers:*'] } });
    expectTypeOf(members.setRole)
      .parameter(0)
      .toHaveProperty('role')
      .toEqualTypeOf<'owner' | 'admin' | 'member' | 'therapist'>();
    // @ts-expect-error There is no such role.
    members.add({ tenantId: '', userId: 'ada', role: 'wizard' });
    // @ts-expect-error A member is named by its own id or by the user's, not by both.
    members.remove({ tenantId: '', userId: 'ada', memberId: '' });
  });
});
