import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsOf, judge, type StateDenial } from './judge.ts';
import type { KeyRow } from './key-row.ts';

const now = Date.UTC(2026, 2, 1);
const policy = { activeStatuses: new Set(['active', 'trialing']), refuseExceededSeats: true };

const open: KeyRow = {
  digest: 'd',
  hash: null,
  secret_until: null,
  tenant_id: 't',
  id: 'k',
  name: null,
  environment: 'live',
  start: 'hc_live_0000',
  scopes: ['calls:*', 'bots:read'],
  enabled: true,
  revoked: false,
  expires: null,
  member_id: 'm',
  team_id: null,
  team_there: null,
  special: null,
  kind: 'organization',
  plan: 'free',
  status: 'active',
  subscription_status: 'active',
  anchor: 0,
  entitlement_revision: 1,
  seats_bought: 2,
  seats_taken: 2,
  user_id: 'ada',
  role: 'member',
  member_status: 'active',
  grants: null,
  exceeded: null,
  plan_since: 0,
  plan_terms: null,
};

/** What closes a key, in the order in which it is told. */
const causes: readonly (readonly [StateDenial, Partial<KeyRow>])[] = [
  ['revoked', { revoked: true }],
  ['expired', { expires: now / 1000 }],
  ['expired', { secret_until: now / 1000 }],
  ['disabled', { enabled: false }],
  ['ip_denied', { special: { ips: ['10.0.0.0/8'], made: 0 } }],
  ['tenant_in_maintenance', { status: 'maintenance' }],
  ['tenant_suspended', { status: 'suspended' }],
  ['member_inactive', { member_status: 'suspended' }],
  ['subscription_inactive', { subscription_status: 'canceled' }],
  ['seats_exceeded', { seats_taken: 3, exceeded: 0 }],
];

describe('the order of reasons', () => {
  it('is the same whatever else is wrong: the first that holds is told', () => {
    const wrong = fc.uniqueArray(fc.nat(causes.length - 1));
    fc.assert(
      fc.property(wrong, fc.boolean(), (indexes, strange) => {
        const sorted = indexes.toSorted((one, other) => one - other);
        // What comes first is laid on last.
        const row: KeyRow = Object.assign({}, open, ...sorted.toReversed().map((index) => causes[index]?.[1]));
        const question = { ip: '192.0.2.1', permission: strange ? 'bots:write' : 'calls:write' };
        const expected = causes[sorted[0] ?? -1]?.[0] ?? (strange ? 'insufficient_scope' : undefined);
        expect(judge(factsOf(row, policy), now, question)).toBe(expected);
      }),
    );
  });

  it('asks the member where there is one, and the team where there is none', () => {
    const ofTeam = { ...open, member_id: null, user_id: null, role: null, member_status: null, team_id: 'g' };
    expect(judge(factsOf({ ...ofTeam, team_there: true }, policy), now, {})).toBeUndefined();
    expect(judge(factsOf({ ...ofTeam, team_there: false }, policy), now, {})).toBe('team_gone');
    // A member of whom nothing was found is not active.
    expect(judge(factsOf({ ...open, user_id: null, role: null, member_status: null }, policy), now, {})).toBe(
      'member_inactive',
    );
  });

  it('ends a key in the moment that was set, and opens it one millisecond before', () => {
    for (const column of ['expires', 'secret_until'] as const) {
      const facts = factsOf({ ...open, [column]: now / 1000 }, policy);
      expect([judge(facts, now - 1, {}), judge(facts, now, {})]).toEqual([undefined, 'expired']);
    }
  });

  it('lets in more members than seats where that is wanted, and tells of them', () => {
    const facts = factsOf({ ...open, seats_taken: 3, exceeded: 0 }, { ...policy, refuseExceededSeats: false });
    expect(judge(facts, now, {})).toBeUndefined();
    expect(facts.accepted.exceeded).toEqual({ bought: 2, taken: 3, exceededAt: null });
  });
});
