import { expect, it } from 'vitest';
import { type AnyEvent, recordOf } from './event-record.ts';

const tenantId = '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90';
const event = (name: string, data: object, actor?: AnyEvent['actor']): AnyEvent => {
  return { id: 'e', name, tenantId, occurredAt: new Date(0), data, ...(actor && { actor }) };
};

it.each<[string, AnyEvent, object]>([
  [
    'what ends in Id is a target',
    event('api_key.issued', { keyId: 'k', memberId: 'm', start: 'hc_', scopes: ['a:*'], expiresAt: new Date(0) }),
    {
      targets: [
        { type: 'api_key', id: 'k' },
        { type: 'member', id: 'm' },
      ],
      metadata: { start: 'hc_', scopes: ['a:*'], expiresAt: '1970-01-01T00:00:00.000Z' },
    },
  ],
  [
    'what stands beside its previous value is a change, and no change when it is the same',
    event('tenant.plan_changed', {
      plan: 'pro',
      previousPlan: 'free',
      subscriptionStatus: null,
      previousSubscriptionStatus: null,
    }),
    { targets: [{ type: 'tenant', id: tenantId }], changes: { plan: { old: 'free', new: 'pro' } }, metadata: {} },
  ],
  [
    'a previous value alone is a fact',
    event('member.approved', { memberId: 'm', userId: 'u', role: 'member', previousStatus: 'requested' }),
    { metadata: { role: 'member', previousStatus: 'requested' } },
  ],
  [
    'a moved parent is a change and no target',
    event('team.updated', { teamId: 't', name: 'A', previousName: 'B', parentId: 'p', previousParentId: null }),
    {
      targets: [{ type: 'team', id: 't' }],
      changes: { name: { old: 'B', new: 'A' }, parentId: { old: null, new: 'p' } },
    },
  ],
  [
    'a resource is a target',
    event('team.resource_shared', { teamId: 't', resource: { type: 'host', id: '7' }, permission: 'read' }),
    {
      targets: [
        { type: 'team', id: 't' },
        { type: 'host', id: '7' },
      ],
      metadata: { permission: 'read' },
    },
  ],
  [
    'members within an event are targets',
    event('organization.ownership_transferred', {
      from: { memberId: 'a', userId: 'ua', role: 'admin' },
      to: { memberId: 'b', userId: 'ub', role: 'owner' },
    }),
    {
      targets: [
        { type: 'member', id: 'a' },
        { type: 'user', id: 'ua' },
        { type: 'member', id: 'b' },
        { type: 'user', id: 'ub' },
      ],
    },
  ],
  [
    'an address is personal: of the user, or of whoever has it',
    event('invitation.created', { invitationId: 'i', email: 'Bob@x.example', role: 'member' }),
    {
      targets: [{ type: 'invitation', id: 'i' }],
      personal: [{ email: 'Bob@x.example', fields: expect.arrayContaining(['email']) }],
    },
  ],
  [
    'a domain is a target',
    event('domain.verified', { domain: 'acme.example' }),
    { targets: [{ type: 'domain', id: 'acme.example' }] },
  ],
  [
    'seats are of the organization',
    event('seats.changed', { bought: 5, taken: 2, previousBought: null, previousTaken: 2 }),
    { targets: [{ type: 'organization', id: tenantId }], changes: { bought: { old: null, new: 5 } }, metadata: {} },
  ],
  [
    'who did it is the actor',
    event('member.removed', { memberId: 'm', userId: 'u', role: 'member' }, { userId: 'root', superAdmin: true }),
    { actor: { type: 'user', id: 'root', metadata: { superAdmin: true } } },
  ],
])('%s', (_, told, record) => {
  expect(recordOf(told)).toMatchObject({ action: told.name, occurredAt: told.occurredAt, ...record });
});
