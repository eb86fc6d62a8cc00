import { randomUUID } from 'node:crypto';
import type { Generated, Kysely } from 'kysely';
import { createTenantry, definePlans, own, perOrg, shared } from 'tenantry';
import type { TherapyDatabase } from './legacy-schema.ts';

const plans = definePlans({ practice: { features: ['group-sessions'] } });

type Owned = { organization_id: string };

/** What the migration adds to the legacy tables, and the tables that it makes. */
type AfterMigration = {
  users: Owned & { is_organization_owner: Generated<boolean>; approved_at: Date | null; approved_by: number | null };
  vouchers: Owned & {
    voucher_type_id: number | null;
    payment_status: string | null;
    invoice_number: string | null;
    status: string | null;
  };
  therapy_sessions: Owned;
  voucher_types: Owned & {
    id: Generated<number>;
    name: string;
    session_name: string;
    total_sessions: number;
    backup_sessions: Generated<number>;
    session_duration_minutes: number;
    frequency: string;
    price: string;
    validity_days: Generated<number>;
    booking_rules: Generated<Record<string, { enabled: boolean; start_time?: string; end_time?: string }>>;
    is_active: Generated<boolean>;
  };
  permissions: Owned & {
    id: Generated<number>;
    user_id: number;
    permission: string;
    granted_by: number | null;
    granted_at: Generated<Date>;
  };
  payment_transactions: Owned & { voucher_id: number; client_id: number | null; amount: string; status: string };
  audit_logs: Owned & {
    id: Generated<string>;
    user_id: number | null;
    action: string;
    entity_type: string;
    entity_id: string | null;
    old_values: unknown;
    new_values: unknown;
  };
};

/** The platform after the migration: many organizations, each with its own users, voucher types and vouchers. */
export function createPlatform(db: Kysely<TherapyDatabase>) {
  return createTenantry({
    db: db.withTables<AfterMigration>(),
    plans,
    strategy: perOrg({ plan: 'practice' }),
    roles: {
      therapist: ['vouchers:read', 'sessions:*'],
      client: ['vouchers:read'],
      staff: ['vouchers:*', 'users:read'],
    },
    tables: {
      users: own({ column: 'organization_id' }),
      vouchers: own({ column: 'organization_id' }),
      therapy_sessions: own({ column: 'organization_id' }),
      voucher_types: own({ column: 'organization_id' }),
      permissions: own({ column: 'organization_id' }),
      payment_transactions: own({ column: 'organization_id' }),
      audit_logs: own({ column: 'organization_id' }),
      holidays: shared(),
    },
  });
}

/** What {@link createPlatform} makes. */
export type Platform = ReturnType<typeof createPlatform>;

/** GET /api/voucher-types/available. */
export async function availableVoucherTypes(platform: Platform, organization: string) {
  return platform.tenancy
    .scope(organization)
    .selectFrom('voucher_types')
    .select(['id', 'name', 'total_sessions', 'backup_sessions', 'session_duration_minutes', 'frequency', 'price'])
    .where('is_active', '=', true)
    .orderBy('id')
    .execute();
}

/** GET /api/vouchers/my. */
export async function vouchersOf(platform: Platform, organization: string, client: number) {
  return platform.tenancy
    .scope(organization)
    .selectFrom('vouchers')
    .select(['code', 'status', 'used_sessions', 'total_sessions', 'invoice_number'])
    .where('client_id', '=', client)
    .orderBy('id')
    .execute();
}

/** POST /api/vouchers/purchase: the voucher, and the record of it, or neither. */
export async function purchase(platform: Platform, organization: string, client: number, voucherType: number) {
  return platform.tenancy.transaction(organization, async (tx) => {
    const type = await tx
      .selectFrom('voucher_types')
      .select(['id', 'total_sessions', 'price'])
      .where('id', '=', voucherType)
      .where('is_active', '=', true)
      .executeTakeFirstOrThrow();
    const voucher = await tx
      .insertInto('vouchers')
      .values({
        organization_id: organization,
        code: `V-${randomUUID().replaceAll('-', '').slice(0, 12)}`,
        client_id: client,
        total_sessions: type.total_sessions,
        price: type.price,
        voucher_type_id: type.id,
        status: 'pending',
      })
      .returning(['id', 'code'])
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('audit_logs')
      .values({
        organization_id: organization,
        user_id: client,
        action: 'CREATE',
        entity_type: 'voucher',
        entity_id: String(voucher.id),
        new_values: JSON.stringify({ voucher_type_id: type.id, price: type.price }),
      })
      .execute();
    return voucher;
  });
}

/** POST /api/admin/users/:id/approve: whoever waits is let in, and it is written down who did that. */
export async function approve(platform: Platform, organization: string, user: number, by: number): Promise<void> {
  await platform.tenancy.transaction(organization, async (tx) => {
    await tx
      .updateTable('users')
      .set({ is_approved: true, approved_at: new Date(), approved_by: by })
      .where('id', '=', user)
      .execute();
    await tx
      .insertInto('audit_logs')
      .values({
        organization_id: organization,
        user_id: by,
        action: 'UPDATE',
        entity_type: 'user',
        entity_id: String(user),
        new_values: JSON.stringify({ is_approved: true }),
      })
      .execute();
  });
}

/** Lets one user do more than the role allows, and keeps who said so. */
export async function grant(
  platform: Platform,
  organization: string,
  to: number,
  permission: string,
  by: number,
): Promise<void> {
  await platform.tenancy
    .scope(organization)
    .insertInto('permissions')
    .values({ organization_id: organization, user_id: to, permission, granted_by: by })
    .execute();
}
