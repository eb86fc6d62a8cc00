import { type Kysely, sql } from 'kysely';
import { uuidv7 } from '../../src/core/index.ts';

/** An organization with one active member and one team, made without the modules that own those tables. */
export async function keyWorld<DB>(
  db: Kysely<DB>,
): Promise<{ readonly tenantId: string; readonly memberId: string; readonly teamId: string }> {
  const [tenantId, memberId, teamId] = [uuidv7(), uuidv7(), uuidv7()];
  await sql`insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
    values (${tenantId}, 'organization', 'Acme', 'free', '2026-01-31', now(), now())`.execute(db);
  await sql`insert into tenantry.organizations (tenant_id, slug, created_at, updated_at)
    values (${tenantId}, ${tenantId}, now(), now())`.execute(db);
  await sql`insert into tenantry.members (tenant_id, id, user_id, role, created_at, updated_at)
    values (${tenantId}, ${memberId}, 'ada', 'owner', now(), now())`.execute(db);
  await sql`insert into tenantry.teams (tenant_id, id, name, created_at, updated_at)
    values (${tenantId}, ${teamId}, 'Core', now(), now())`.execute(db);
  return { tenantId, memberId, teamId };
}
