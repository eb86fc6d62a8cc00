import { type Kysely, sql } from 'kysely';
import type { ReceptionistDatabase } from './legacy-schema.ts';

const tables = [
  'create table voices (name text primary key, language text not null)',
  `create table businesses (
    id serial primary key,
    name text,
    business_type text,
    owner_email text,
    owner_name text,
    phone_number text,
    greeting text,
    system_prompt text,
    voice text references voices (name),
    twilio_account_sid text,
    twilio_auth_token text,
    is_active boolean not null default true,
    created_at timestamptz not null default now()
  )`,
  `create table calls (
    id bigserial primary key,
    business_id integer,
    to_number text,
    from_number text,
    started_at timestamptz not null,
    duration_seconds integer,
    status text,
    summary text
  )`,
  `create table call_turns (
    call_id bigint not null references calls (id) on delete cascade,
    position integer not null,
    speaker text not null,
    text text not null,
    primary key (call_id, position)
  )`,
  `create table orders (
    id serial primary key,
    call_id bigint references calls (id) on delete set null,
    business_id integer,
    items jsonb not null,
    total numeric(10, 2),
    status text not null default 'new',
    created_at timestamptz not null default now()
  )`,
];

const keys = [
  'create unique index businesses_phone on businesses (phone_number)',
  'create index calls_business on calls (business_id, started_at)',
  'create index orders_business on orders (business_id)',
  'create index orders_call on orders (call_id)',
];

/** Makes the legacy tables, without the keys that a generator fills them faster without. */
export async function createLegacyTables(db: Kysely<ReceptionistDatabase>): Promise<void> {
  for (const statement of tables) await sql.raw(statement).execute(db);
}

/** Makes the indexes of the legacy tables. */
export async function createLegacyIndexes(db: Kysely<ReceptionistDatabase>): Promise<void> {
  for (const statement of keys) await sql.raw(statement).execute(db);
}
