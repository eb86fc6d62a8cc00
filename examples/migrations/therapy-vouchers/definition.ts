import { sql } from 'kysely';
import { none, perOrg } from 'tenantry';
import { bySql, defineMigration, derived, quarantine, shared, via } from 'tenantry/migrate';
import { additions } from './additions.ts';
import type { TherapyDatabase } from './legacy-schema.ts';

/**
 * One practice becomes a platform of many organizations: everybody who is there, and everything, goes to the first one,
 * the "Default Organization".
 *
 * The admin owns it. Therapists, clients and whatever else was typed as a role keep their places under one spelling; who
 * was not let in yet waits. Vouchers of clients who are gone belong to the practice as well, through their therapist;
 * those that lead to nobody stand aside with their reason.
 */
export const practiceToOrganizations = defineMigration<TherapyDatabase>()({
  name: 'practice-to-organizations',
  from: none(),
  to: perOrg({ plan: 'practice' }),
  column: 'organization_id',
  tenants: {
    source: 'users',
    sameTenant: [sql`'default'`],
    name: sql`'Default Organization'`,
    slug: sql`'default-org'`,
  },
  members: {
    source: 'users',
    userId: 'id',
    email: 'email',
    name: sql`nullif(trim(concat_ws(' ', first_name, last_name)), '')`,
    status: sql`case when not is_active then 'suspended' when is_approved then 'active' else 'pending' end`,
    role: {
      kind: 'expression',
      role: sql`case
        when lower(trim(role)) = 'admin' then 'owner'
        when lower(trim(role)) in ('therapist', 'client') then lower(trim(role))
        when role is null then 'client'
        else 'staff' end`,
    },
  },
  tables: {
    vouchers: bySql(
      sql`coalesce((select u.id from users as u where u.id = vouchers.client_id), vouchers.therapist_id)`,
      { unresolved: quarantine() },
    ),
    therapy_sessions: via('voucher_id'),
    holidays: shared(),
  },
  derived: {
    payment_transactions: derived({
      columns: {
        voucher_id: 'integer',
        client_id: 'integer',
        amount: 'numeric(10, 2)',
        currency: 'text',
        payment_method: 'text',
        payment_gateway: 'text',
        gateway_transaction_id: 'text',
        status: 'text',
        gateway_response: 'jsonb',
        created_at: 'timestamptz',
        completed_at: 'timestamptz',
      },
      key: ['voucher_id'],
      tenant: via('voucher_id', { to: 'vouchers', key: 'id' }),
      select: sql`select id as voucher_id, client_id, coalesce(price, 0) as amount, 'USD' as currency,
        'unknown' as payment_method, null::text as payment_gateway, null::text as gateway_transaction_id,
        'completed' as status, null::jsonb as gateway_response, created_at, coalesce(paid_at, created_at) as completed_at
        from vouchers where paid`,
      follows: { vouchers: { id: 'voucher_id' } },
    }),
  },
  additions,
});
