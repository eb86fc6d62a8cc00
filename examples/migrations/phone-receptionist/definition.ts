import { sql } from 'kysely';
import { none, perOrg } from 'tenantry';
import { bySql, defineMigration, firstIsOwner, quarantine, shared, via } from 'tenantry/migrate';
import { additions } from './additions.ts';
import type { ReceptionistDatabase } from './legacy-schema.ts';

/**
 * One operator's system becomes a product for many customers: each owner of businesses is an organization.
 *
 * Businesses with one owner's address, however it is spelled, are one organization, which the oldest business names. A
 * business of nobody is an organization of its own, for the operator to hand over. A call finds its organization by its
 * business or, where that was not written, by the number that was called; an order by its call or by its business. What
 * leads to nobody stands aside with its reason.
 */
export const receptionistToSaas = defineMigration<ReceptionistDatabase>()({
  name: 'receptionist-to-saas',
  from: none(),
  to: perOrg({ plan: 'free' }),
  column: 'organization_id',
  tenants: {
    source: 'businesses',
    sameTenant: [sql`nullif(lower(trim(owner_email)), '')`, 'id'],
    name: sql`coalesce(nullif(trim(name), ''), nullif(trim(owner_name), ''), 'Business ' || id)`,
  },
  members: {
    source: 'businesses',
    userId: sql`coalesce(nullif(lower(trim(owner_email)), ''), 'nobody-' || id)`,
    email: sql`nullif(lower(trim(owner_email)), '')`,
    name: 'owner_name',
    sameMember: sql`coalesce(nullif(lower(trim(owner_email)), ''), 'nobody-' || id)`,
    role: firstIsOwner({ by: 'created_at' }),
  },
  tables: {
    calls: bySql(
      sql`coalesce((select b.id from businesses as b where b.id = calls.business_id),
        (select b.id from businesses as b where b.phone_number = calls.to_number))`,
      { unresolved: quarantine() },
    ),
    call_turns: via('call_id'),
    orders: bySql(
      sql`coalesce((select b.id from businesses as b where b.id = orders.business_id),
        (select coalesce((select b.id from businesses as b where b.id = c.business_id),
          (select b.id from businesses as b where b.phone_number = c.to_number)) from calls as c where c.id = orders.call_id))`,
      { unresolved: quarantine() },
    ),
    voices: shared(),
  },
  additions,
});
