import type { Addition } from 'tenantry/migrate';

const ofTenant = 'references tenantry.tenants (tenant_id)';

/** Who signs in. The password is chosen by the first visitor who holds the address; see the set-up. */
const users: Addition = {
  name: 'users',
  stage: 'expand',
  sql: [
    `create table users (
      id text primary key,
      email text not null unique,
      password_hash text,
      is_super_admin boolean not null default false,
      created_at timestamptz not null default now()
    )`,
  ],
  undo: ['drop table users'],
  creates: { users: 'shared' },
};

/** How far a customer's set-up came: phone number, business type, greeting, Twilio. */
const onboarding: Addition = {
  name: 'onboarding',
  stage: 'expand',
  sql: [
    `create table onboarding_steps (
      organization_id uuid not null ${ofTenant},
      step text not null check (step in ('phone-number', 'business-type', 'greeting', 'twilio')),
      completed_at timestamptz,
      primary key (organization_id, step)
    )`,
  ],
  undo: ['drop table onboarding_steps'],
  creates: { onboarding_steps: 'own' },
};

/** A secret is sealed by the application with a key that the database never sees. */
const sealedSecrets: Addition = {
  name: 'sealed-secrets',
  stage: 'expand',
  sql: ['alter table businesses add column twilio_auth_token_sealed text'],
  undo: ['alter table businesses drop column twilio_auth_token_sealed'],
  adds: { businesses: ['twilio_auth_token_sealed'] },
};

/** Everybody who owns a business can sign in; what is set up already counts as done. */
const firstRows: Addition = {
  name: 'first-rows',
  stage: 'switch',
  sql: [
    `insert into users (id, email)
    select distinct on (m.user_id) m.user_id, m.email from tenantry.members as m
    where m.email is not null order by m.user_id, m.created_at on conflict do nothing`,
    `insert into onboarding_steps (organization_id, step, completed_at)
    select b.organization_id, s.step, min(b.created_at) filter (where s.done)
    from businesses as b cross join lateral (values
      ('phone-number', b.phone_number is not null), ('business-type', btrim(b.business_type) <> ''),
      ('greeting', btrim(b.greeting) <> ''), ('twilio', b.twilio_auth_token is not null)) as s (step, done)
    group by b.organization_id, s.step
    on conflict do nothing`,
  ],
  undo: [],
};

/** Everything that the product adds to the database, in the order in which it is made. */
export const additions: readonly Addition[] = [users, onboarding, sealedSecrets, firstRows];
