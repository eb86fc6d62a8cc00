import type { ApiKeyEvent } from '../../../api-keys/index.ts';
import type { AuthEvent } from '../../../auth/index.ts';
import type { BillingEvent } from '../../../billing/index.ts';
import type { OrganizationEvent } from '../../../organizations/index.ts';
import type { PlanEvent } from '../../../plans/index.ts';
import type { TenancyEvent } from '../../../tenancy/index.ts';
import type { WebhookEvent } from '../events.ts';
import type { StandardSchema } from './standard-schema.ts';

/** What the modules of the library tell. A new event does not compile until it is described here. */
export type LibraryEvent =
  | TenancyEvent
  | OrganizationEvent
  | ApiKeyEvent
  | PlanEvent
  | WebhookEvent
  | AuthEvent
  | BillingEvent;

/** The names of the library's own events that can be sent. */
export type OwnEventName = LibraryEvent['name'];

type JsonSchema = Readonly<Record<string, unknown>>;
type FieldsOf<Event> = Event extends { readonly data: infer Data } ? { readonly [Key in keyof Data]-?: Field } : never;

/** A value in an event of the library's: its JSON Schema and one of its kind. */
interface Field {
  readonly schema: JsonSchema;
  readonly example: unknown;
}

const field = (schema: JsonSchema, example: unknown): Field => ({ schema, example });
const orNull = ({ schema, example }: Field): Field => field({ anyOf: [schema, { type: 'null' }] }, example);

const id = field({ type: 'string', format: 'uuid' }, '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90');
const text = (example: string): Field => field({ type: 'string' }, example);
const one = (first: string, ...more: readonly string[]): Field =>
  field({ type: 'string', enum: [first, ...more] }, first);
const time = field({ type: 'string', format: 'date-time' }, '2026-03-01T12:00:00.000Z');
const count = field({ type: 'integer' }, 1);
const number = field({ type: 'number' }, 1);
const flag = field({ type: 'boolean' }, false);
const texts = (example: string): Field => field({ type: 'array', items: { type: 'string' } }, [example]);
const object = (example: Readonly<Record<string, unknown>>): Field => field({ type: 'object' }, example);
const amount = field({ anyOf: [{ type: 'number' }, { type: 'string' }] }, 1000);

const role = text('member');
const plan = text('pro');
const name = text('Acme');
const slug = text('acme');
const meter = text('calls');
const userId = text('ada');
const permission = text('calls:write');
const domain = text('acme.example');
const url = text('https://acme.example/hooks');

const person = { memberId: id, userId, role };
const status = one('active', 'pending', 'requested', 'suspended', 'removed');
const invitation = { invitationId: id, email: text('ada@acme.example'), role };
const team = { teamId: id, name, parentId: orNull(id) };
const shared = { teamId: id, resource: object({ type: 'bot', id: '7' }), permission: orNull(permission) };
const key = {
  keyId: id,
  name: orNull(text('Deploys')),
  start: text('hc_live_4f'),
  environment: one('live', 'test'),
  scopes: texts('calls:*'),
  owner: object({ type: 'tenant' }),
};
const endpoint = { endpointId: id, url };
const user = { userId, email: text('ada@acme.example'), name: orNull(text('Ada')) };
const session = { userId, sessionId: id };
const currency = text('usd');
const minor = field({ type: 'integer', description: 'Minor units.' }, 4200);
const subscription = { subscriptionId: text('sub_1'), plan: orNull(plan), status: text('active') };
const invoice = {
  invoiceId: text('in_1'),
  number: orNull(text('2026-0001')),
  status: text('open'),
  currency,
  total: minor,
  amountRemaining: minor,
};
const payment = {
  paymentId: text('pi_1'),
  invoiceId: orNull(text('in_1')),
  status: text('succeeded'),
  currency,
  amount: minor,
  method: orNull(text('card')),
};

const told: { readonly [Name in OwnEventName]: readonly [string, FieldsOf<Extract<LibraryEvent, { name: Name }>>] } = {
  'tenant.created': ['A tenant was made.', { kind: one('organization', 'user', 'singleton'), name, plan }],
  'tenant.suspended': ['A tenant was suspended.', {}],
  'tenant.resumed': ['A tenant was resumed.', {}],
  'tenant.plan_changed': [
    'A tenant has another plan, or another state of its subscription.',
    {
      plan,
      previousPlan: text('free'),
      subscriptionStatus: orNull(text('active')),
      previousSubscriptionStatus: orNull(text('trialing')),
    },
  ],
  'tenant.terms_changed': [
    'What a tenant has beyond its plan is another.',
    { terms: orNull(object({})), previousTerms: orNull(object({})) },
  ],
  'tenant.trial_started': ['A tenant tries a plan.', { plan, endsAt: time }],
  'organization.created': ['An organization was made.', { name, slug, ownerId: id }],
  'organization.updated': [
    'The name, slug or facts of an organization are others.',
    { name, slug, previousName: name, previousSlug: slug, metadataChanged: flag },
  ],
  'organization.ownership_transferred': [
    'An organization has another owner.',
    {
      from: object({ memberId: id.example, userId: 'ada', role: 'admin' }),
      to: object({ memberId: id.example, userId: 'bob', role: 'owner' }),
    },
  ],
  'member.added': [
    'Somebody became a member, or asks to be one.',
    { ...person, status: one('active', 'pending', 'requested'), returned: flag },
  ],
  'member.approved': ['A member was approved.', { ...person, previousStatus: status }],
  'member.rejected': ['A member was rejected.', { ...person, previousStatus: status }],
  'member.activated': ['A member is active.', { ...person, previousStatus: one('pending', 'suspended') }],
  'member.role_changed': ['A member has another role.', { ...person, previousRole: role }],
  'member.updated': [
    'The name or the address of a member is another.',
    {
      ...person,
      name: orNull(text('Ada')),
      email: orNull(text('ada@acme.example')),
      previousName: orNull(text('Ada Byron')),
      previousEmail: orNull(text('ada@byron.example')),
    },
  ],
  'member.suspended': ['A member was suspended.', person],
  'member.removed': ['A member was removed.', person],
  'member.granted': [
    'A member may do more than the role allows.',
    { memberId: id, permission, expiresAt: orNull(time) },
  ],
  'member.grant_revoked': ['A permission grant was taken back.', { memberId: id, permission }],
  'invitation.created': ['Somebody was invited.', { ...invitation, expiresAt: time }],
  'invitation.resent': ['An invitation was sent again.', { ...invitation, expiresAt: time }],
  'invitation.accepted': ['An invitation was accepted.', { ...invitation, memberId: id, userId }],
  'invitation.declined': ['An invitation was declined.', invitation],
  'invitation.revoked': ['An invitation was taken back.', invitation],
  'invitation.expired': ['An invitation is over.', invitation],
  'team.created': ['A team was made.', team],
  'team.updated': ['A team was renamed or moved.', { ...team, previousName: name, previousParentId: orNull(id) }],
  'team.removed': ['A team was removed.', team],
  'team.member_added': ['A member joined a team.', { teamId: id, memberId: id, role }],
  'team.member_role_changed': [
    'A member has another role in a team.',
    { teamId: id, memberId: id, role, previousRole: role },
  ],
  'team.member_removed': ['A member left a team.', { teamId: id, memberId: id, role }],
  'team.resource_shared': ['A team was given a resource.', shared],
  'team.resource_unshared': ['A resource was taken from a team.', shared],
  'domain.added': ['A mail domain was claimed.', { domain, mode: one('join', 'request'), role }],
  'domain.verified': ['A mail domain was proven.', { domain }],
  'domain.unverified': ['The proof of a mail domain is gone.', { domain }],
  'domain.removed': ['A mail domain was given up.', { domain }],
  'seats.changed': [
    'The number of seats bought, taken or held is another.',
    {
      bought: orNull(count),
      taken: count,
      held: count,
      previousBought: orNull(count),
      previousTaken: count,
      previousHeld: count,
    },
  ],
  'api_key.issued': ['An API key was made.', { ...key, expiresAt: orNull(time) }],
  'api_key.imported': ['An API key of another system was taken over.', key],
  'api_key.updated': ['An API key was changed.', { ...key, changed: texts('name') }],
  'api_key.enabled': ['An API key was switched on.', key],
  'api_key.disabled': ['An API key was switched off.', key],
  'api_key.rotated': ['An API key has a new secret.', { ...key, previousStart: text('hc_live_1a'), until: time }],
  'api_key.revoked': ['An API key was revoked.', key],
  'api_key.leaked': [
    'The secret of an API key was found where it should not be.',
    {
      ...key,
      source: text('github'),
      url: orNull(text('https://example.com/leak')),
      ended: one('key', 'secret', 'nothing'),
    },
  ],
  'usage.alert': [
    'A part of an amount was used, or came back.',
    {
      meter,
      percentage: number,
      direction: one('up', 'down'),
      used: number,
      limit: amount,
      periodStart: time,
    },
  ],
  'grant.added': [
    'A tenant was given units outside of its plan.',
    { grantId: id, meter, amount: number, spare: number, expiresAt: orNull(time) },
  ],
  'grant.revoked': ['Units outside of a plan were taken back.', { grantId: id, meter, left: number }],
  'webhook_endpoint.created': ['An endpoint was made.', { ...endpoint, filters: texts('*') }],
  'webhook_endpoint.updated': ['An endpoint was changed.', { ...endpoint, changed: texts('url') }],
  'webhook_endpoint.removed': ['An endpoint was removed.', endpoint],
  'webhook_endpoint.enabled': ['An endpoint was switched on.', endpoint],
  'webhook_endpoint.disabled': ['An endpoint was switched off.', { ...endpoint, reason: one('failing', 'gone') }],
  'webhook_endpoint.secret_rotated': ['An endpoint has a new secret.', { ...endpoint, secretId: id, until: time }],
  'webhook_endpoint.failing': [
    'Nothing has arrived at an endpoint for a while. It is disabled unless something does.',
    { ...endpoint, since: time, disabledAt: time, lastReason: text('timeout') },
  ],
  'user.signed_up': ['Somebody signed up.', user],
  'user.created': ['A user was made.', user],
  'user.email_verified': ['A user proved an address.', { userId, email: user.email }],
  'user.email_changed': ['A user has another address.', { userId, email: user.email, previousEmail: user.email }],
  'user.password_changed': ['A user has another password.', { userId, how: one('changed', 'reset', 'set') }],
  'user.suspended': ['A user was suspended.', { userId }],
  'user.resumed': ['A user was resumed.', { userId }],
  'user.removed': ['A user was removed.', { userId }],
  'session.started': ['A user logged in.', session],
  'session.ended': ['A session ended.', { ...session, reason: text('logout') }],
  'session.tenant_switched': ['A session acts for another tenant.', { ...session, previousTenantId: orNull(id) }],
  'session.token_reused': ['A refresh token was shown again, and the session ended.', session],
  'impersonation.started': ['Somebody acts as a user.', { ...session, reason: text('a support case'), endsAt: time }],
  'setup.step_changed': [
    'A step of setting up was done, skipped or opened again.',
    { step: text('invite'), status: one('open', 'done', 'skipped'), previousStatus: text('open') },
  ],
  'subscription.started': ['A subscription began.', { ...subscription, endsAt: orNull(time) }],
  'subscription.changed': [
    'A subscription is another.',
    {
      ...subscription,
      previousPlan: orNull(text('free')),
      previousStatus: text('trialing'),
      seats: orNull(count),
      previousSeats: orNull(count),
      endsAt: orNull(time),
      previousEndsAt: orNull(time),
      paused: flag,
      previousPaused: flag,
    },
  ],
  'subscription.past_due': ['A payment of a subscription is late.', { ...subscription, graceUntil: orNull(time) }],
  'subscription.recovered': ['A subscription is paid again.', subscription],
  'subscription.ended': ['A subscription ended.', { ...subscription, endedAt: orNull(time) }],
  'subscription.duplicated': [
    'A tenant has more than one subscription.',
    { subscriptionId: text('sub_1'), others: texts('sub_2') },
  ],
  'customer.created': ['A tenant is known to the provider.', { customerId: text('cus_1'), provider: text('stripe') }],
  'customer.gone': ['The provider knows a tenant no more.', { customerId: text('cus_1'), provider: text('stripe') }],
  'invoice.issued': ['An invoice is to be paid.', { ...invoice, dueAt: orNull(time) }],
  'invoice.paid': ['An invoice was paid.', invoice],
  'invoice.changed': ['An invoice has another status.', { ...invoice, previousStatus: text('open') }],
  'payment.succeeded': ['A payment came in.', payment],
  'payment.failed': ['A payment failed.', { ...payment, failureCode: orNull(text('card_declined')) }],
  'payment.refunded': [
    'A payment was given back, wholly or in part.',
    {
      refundId: text('re_1'),
      paymentId: orNull(text('pi_1')),
      status: text('succeeded'),
      currency,
      amount: minor,
      reason: orNull(text('requested_by_customer')),
    },
  ],
  'credit_note.issued': [
    'A credit note was issued.',
    {
      creditNoteId: text('cn_1'),
      invoiceId: text('in_1'),
      number: orNull(text('2026-0001-C')),
      currency,
      amount: minor,
    },
  ],
  'webhook_endpoint.recovered': ['Something arrived at an endpoint that was failing.', endpoint],
};

/** A type of event of the library's own. */
interface OwnEventDefinition {
  readonly description: string;
  readonly schema: StandardSchema;
  readonly examples: readonly unknown[];
}

/** The library's own events, as webhooks. */
export const ownEvents: Readonly<Record<OwnEventName, OwnEventDefinition>> = define();

function define(): Readonly<Record<OwnEventName, OwnEventDefinition>> {
  const made = Object.entries(told).map(([type, [description, fields]]) => [type, eventOf(description, fields)]);
  return Object.fromEntries(made);
}

/** The library makes these events itself: they are not looked at again when they are sent. */
function eventOf(description: string, fields: Readonly<Record<string, Field>>): OwnEventDefinition {
  const all = Object.entries(fields);
  const properties = Object.fromEntries(all.map(([key, { schema }]) => [key, schema]));
  const json = { type: 'object', properties, required: Object.keys(fields) };
  return {
    description,
    examples: [Object.fromEntries(all.map(([key, { example }]) => [key, example]))],
    schema: {
      '~standard': {
        version: 1,
        vendor: 'tenantry',
        validate: (value) => ({ value }),
        jsonSchema: { output: () => json },
      },
    },
  };
}
