import { type Kysely, sql } from 'kysely';
import { own, shared } from 'tenantry';
import { isolateTable } from 'tenantry/database';

/** What became of a call. */
export type Outcome = 'answered' | 'order' | 'missed';

/** The tables of the product itself; tenantry brings its own. */
export interface Database {
  /** Bots that answer the phone. */
  bots: {
    tenant_id: string;
    id: string;
    name: string;
    business: string;
    greeting: string;
    voice: string;
    created_at: Date;
  };
  calls: {
    tenant_id: string;
    id: string;
    bot_id: string;
    caller: string;
    seconds: number;
    outcome: Outcome;
    order_cents: number;
    started_at: Date;
  };
  /** Who runs the platform: super admins. */
  staff: { user_id: string };
}

/** Whose rows the tables hold. A tenant's scope reaches no others. */
export const tables = { bots: own(), calls: own(), staff: shared() } as const;

/** Makes the tables. Row-level security shows each tenant its own rows alone. `login` is the one that the product uses. */
export async function installReceptionist(owner: Kysely<Database>, login: string): Promise<void> {
  await sql`create table bots (
    tenant_id uuid not null references tenantry.tenants (tenant_id) on delete cascade, id uuid not null,
    name text not null, business text not null, greeting text not null, voice text not null,
    created_at timestamptz not null, primary key (tenant_id, id))`.execute(owner);
  await sql`create table calls (
    tenant_id uuid not null, id uuid not null, bot_id uuid not null,
    caller text not null, seconds integer not null, outcome text not null, order_cents integer not null,
    started_at timestamptz not null, primary key (tenant_id, id),
    foreign key (tenant_id, bot_id) references bots (tenant_id, id) on delete cascade)`.execute(owner);
  await sql`create index calls_by_time on calls (tenant_id, started_at desc)`.execute(owner);
  await sql`create index calls_by_bot on calls (tenant_id, bot_id)`.execute(owner);
  await sql`create table staff (user_id text primary key)`.execute(owner);
  await sql`grant select on staff to ${sql.id(login)}`.execute(owner);
  for (const table of ['bots', 'calls']) {
    for (const statement of isolateTable({ table })) await sql.raw(statement).execute(owner);
  }
}
