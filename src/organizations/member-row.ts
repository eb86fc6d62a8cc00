import { sql } from 'kysely';
import type { Member, MemberStatus } from './organization.ts';

/** A member as the statements of this module give it, with {@link memberColumns}. */
export interface MemberRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly user_id: string;
  readonly email: string | null;
  readonly member_name: string | null;
  readonly role: string;
  readonly member_status: MemberStatus;
  readonly approved_by: string | null;
  readonly approved_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** The columns of a member that a statement calls `m`. */
export const memberColumns = sql.raw(
  `m.tenant_id, m.id, m.user_id, m.email, m.name as member_name, m.role, m.status as member_status, m.approved_by, m.approved_at,
  m.created_at, m.updated_at`,
);

/** The member that a row tells of. */
export function memberOf(row: MemberRow): Member {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    userId: row.user_id,
    email: row.email,
    name: row.member_name,
    role: row.role,
    status: row.member_status,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
