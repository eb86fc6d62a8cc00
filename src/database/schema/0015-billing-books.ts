import { isolateTable } from '../isolation-sql.ts';
import { librarySchema, serviceRole } from '../roles.ts';

const table = 'billing_transition_steps';

/**
 * What a change of tenancy asks of the billing provider: written down before it is asked, so that whoever goes on after a
 * crash asks for the same, and nothing is charged twice.
 */
export const billingBooksSchema: readonly string[] = [
  `create table ${librarySchema}.${table} (
    tenant_id uuid not null references ${librarySchema}.tenants (tenant_id) on delete cascade,
    transition text collate "C" not null,
    id text collate "C" not null,
    place integer not null,
    step jsonb not null,
    refusals integer not null default 0,
    error text,
    created_at timestamptz not null,
    done_at timestamptz,
    primary key (tenant_id, transition, id)
  )`,
  ...isolateTable({ schema: librarySchema, table }),
  `grant select, insert, update, delete on ${librarySchema}.${table} to ${serviceRole}`,
];
