import { type Kysely, sql } from 'kysely';
import { uuidv7 } from '../../src/core/index.ts';

/** An organization with one active member, made without the modules that own those tables. */
export async function organization<DB>(db: Kysely<DB>, seats: { bought: number | null; taken: number }) {
  const [tenantId, memberId] = [uuidv7(), uuidv7()];
  await sql`insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
    values (${tenantId}, 'organization', 'Acme', 'free', '2026-01-31', now(), now())`.execute(db);
  await sql`insert into tenantry.organizations (tenant_id, slug, seats_bought, seats_taken, created_at, updated_at)
    values (${tenantId}, ${tenantId}, ${seats.bought}, ${seats.taken}, now(), now())`.execute(db);
  await sql`insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
    values (${tenantId}, ${memberId}, 'ada', 'owner', now(), now())`.execute(db);
  return { tenantId, memberId };
}
