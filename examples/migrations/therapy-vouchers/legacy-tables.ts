import { type Kysely, sql } from 'kysely';
import type { TherapyDatabase } from './legacy-schema.ts';

const tables = [
  'create table holidays (day date primary key, name text not null)',
  `create table users (
    id serial primary key,
    email varchar(255) not null,
    password_hash varchar(255) not null,
    first_name varchar(100),
    last_name varchar(100),
    role varchar(50) default 'client',
    is_active boolean not null default true,
    is_approved boolean not null default false,
    created_at timestamptz not null default now()
  )`,
  `create table vouchers (
    id serial primary key,
    code varchar(32) not null,
    client_id integer,
    therapist_id integer references users (id) on delete set null,
    total_sessions integer not null,
    used_sessions integer not null default 0,
    price numeric(10, 2),
    paid boolean not null default false,
    paid_at timestamptz,
    valid_until timestamptz,
    is_active boolean not null default true,
    created_at timestamptz not null default now()
  )`,
  `create table therapy_sessions (
    id serial primary key,
    voucher_id integer not null references vouchers (id) on delete cascade,
    therapist_id integer references users (id) on delete set null,
    starts_at timestamptz not null,
    duration_minutes integer not null default 60,
    status varchar(20) not null default 'booked',
    notes text
  )`,
];

const keys = [
  'create unique index users_email on users (email)',
  'create unique index vouchers_code on vouchers (code)',
  'create index vouchers_client on vouchers (client_id)',
  'create index vouchers_therapist on vouchers (therapist_id)',
  'create index therapy_sessions_voucher on therapy_sessions (voucher_id)',
  'create index therapy_sessions_therapist on therapy_sessions (therapist_id, starts_at)',
];

/** Makes the legacy tables, without the keys that a generator fills them faster without. */
export async function createLegacyTables(db: Kysely<TherapyDatabase>): Promise<void> {
  for (const statement of tables) await sql.raw(statement).execute(db);
}

/** Makes the indexes of the legacy tables. */
export async function createLegacyIndexes(db: Kysely<TherapyDatabase>): Promise<void> {
  for (const statement of keys) await sql.raw(statement).execute(db);
}
