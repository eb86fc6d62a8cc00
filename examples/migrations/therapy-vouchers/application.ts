import { randomUUID } from 'node:crypto';
import type { ColumnType, Generated, Kysely } from 'kysely';
import { createTenantry, definePlans, own, perOrg, shared } from 'tenantry';
import type { CallOptions } from 'tenantry/database';
import { refusal } from '../refusal.ts';
import type { TherapyDatabase } from './legacy-schema.ts';

/** Sessions are sold as vouchers: no plan contains any, each voucher grants its own. */
const sessions = { amount: 0, per: 'once' } as const;

const plans = definePlans({
  practice: { features: ['group-sessions'], limits: { voucherTypes: 10 }, quotas: { sessions } },
  solo: { limits: { voucherTypes: 3 }, quotas: { sessions } },
});

/** A plan of the platform. */
export type PlatformPlan = keyof typeof plans.plans;

type Owned = { organization_id: string };

/** When sessions may be booked, by the day of the week. */
export type BookingRules = Readonly<
  Record<string, { readonly enabled: boolean; readonly start_time?: string; readonly end_time?: string }>
>;

/** What the migration adds to the legacy tables, and the tables that it makes. */
type AfterMigration = {
  organizations: Owned & {
    address: string | null;
    phone: string | null;
    email: string | null;
    tax_id: string | null;
    logo_url: string | null;
    is_active: Generated<boolean>;
  };
  users: Owned & {
    is_organization_owner: Generated<boolean>;
    approved_at: Date | null;
    approved_by: number | null;
    phone: string | null;
  };
  vouchers: Owned & {
    voucher_type_id: number | null;
    payment_method: string | null;
    payment_status: string | null;
    payment_amount: string | null;
    payment_date: Date | null;
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
    max_clients_per_session: Generated<number>;
    description: string | null;
    frequency: string;
    price: ColumnType<string, string | number, string | number>;
    validity_days: Generated<number>;
    booking_rules: ColumnType<BookingRules, string | undefined, string>;
    is_active: Generated<boolean>;
    deactivated_at: Date | null;
  };
  permissions: Owned & {
    id: Generated<number>;
    user_id: number;
    permission: string;
    granted_by: number | null;
    granted_at: Generated<Date>;
  };
  payment_transactions: Owned & {
    voucher_id: number;
    client_id: number | null;
    amount: string;
    currency: string;
    payment_method: string;
    status: string;
    created_at: Date;
    completed_at: Date | null;
  };
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

/** The database after the migration, with what was added to it. */
export function platformDatabase(db: Kysely<TherapyDatabase>) {
  return db.withTables<AfterMigration>();
}

/** What the platform is made from: many organizations, each with its own users, voucher types and vouchers. */
export function wiringOf(db: Kysely<TherapyDatabase>) {
  return {
    db: platformDatabase(db),
    plans,
    strategy: perOrg({ plan: 'practice' }),
    roles: {
      therapist: ['vouchers:read', 'voucher-types:read', 'sessions:*'],
      client: ['vouchers:read', 'vouchers:purchase', 'voucher-types:read', 'sessions:book'],
      staff: ['vouchers:*', 'voucher-types:read', 'users:read'],
    },
    tables: {
      organizations: own({ column: 'organization_id' }),
      users: own({ column: 'organization_id' }),
      vouchers: own({ column: 'organization_id' }),
      therapy_sessions: own({ column: 'organization_id' }),
      voucher_types: own({ column: 'organization_id' }),
      permissions: own({ column: 'organization_id' }),
      payment_transactions: own({ column: 'organization_id' }),
      audit_logs: own({ column: 'organization_id' }),
      holidays: shared(),
    },
  };
}

/** The platform after the migration, without its log-in, which `login.ts` adds. */
export function createPlatform(db: Kysely<TherapyDatabase>) {
  return createTenantry(wiringOf(db));
}

/** What {@link createPlatform} makes. */
export type Platform = Pick<ReturnType<typeof createPlatform>, 'tenancy' | 'plans' | 'organizations'>;

/** A transaction of one organization. */
export type PlatformTransaction = Parameters<Parameters<Platform['tenancy']['transaction']>[1]>[0];

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
    .select(['id', 'code', 'status', 'used_sessions', 'total_sessions', 'valid_until', 'invoice_number'])
    .where('client_id', '=', client)
    .orderBy('id')
    .execute();
}

/**
 * POST /api/vouchers/purchase: the voucher, its payment, the sessions that it grants and the record of it, or nothing. Until
 * the contract stage the migration writes the payment too, for the sake of the old application.
 */
export async function purchase(
  platform: Platform,
  organization: string,
  client: number,
  voucherType: number,
  method = 'card',
) {
  return platform.tenancy.transaction(organization, async (tx) => {
    const type = await tx
      .selectFrom('voucher_types')
      .select(['id', 'name', 'total_sessions', 'backup_sessions', 'price', 'validity_days'])
      .where('id', '=', voucherType)
      .where('is_active', '=', true)
      .executeTakeFirst();
    if (type === undefined) throw refusal(404, 'there is no such voucher type here');
    const now = new Date();
    const validUntil = new Date(now.getTime() + type.validity_days * 86_400_000);
    const code = `V-${randomUUID().replaceAll('-', '').slice(0, 12)}`;
    const voucher = await tx
      .insertInto('vouchers')
      .values({
        organization_id: organization,
        code,
        client_id: client,
        total_sessions: type.total_sessions,
        price: type.price,
        voucher_type_id: type.id,
        status: 'active',
        paid: true,
        paid_at: now,
        valid_until: validUntil,
        payment_method: method,
        payment_status: 'paid',
        payment_amount: type.price,
        payment_date: now,
        invoice_number: `INV-${code.slice(2).toUpperCase()}`,
      })
      .returning(['id', 'code', 'status', 'invoice_number', 'valid_until'])
      .executeTakeFirstOrThrow();
    const payment = { payment_method: method, status: 'completed' };
    await tx
      .insertInto('payment_transactions')
      .values({
        ...payment,
        organization_id: organization,
        voucher_id: voucher.id,
        client_id: client,
        amount: type.price,
        currency: 'USD',
        created_at: now,
        completed_at: now,
      })
      .onConflict((conflict) => conflict.column('voucher_id').doUpdateSet(payment))
      .execute();
    await platform.plans.grants.add(organization, 'sessions', {
      amount: type.total_sessions,
      ...(type.backup_sessions > 0 && { spare: type.backup_sessions }),
      expiresAt: validUntil,
      idempotencyKey: `voucher ${voucher.id}`,
      metadata: { voucherId: voucher.id, clientId: client, voucherType: type.name },
      db: tx,
    });
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
export async function approve(
  platform: Platform,
  organization: string,
  user: number,
  by: number | null,
  options: CallOptions = {},
): Promise<void> {
  const work = async (tx: PlatformTransaction): Promise<void> => {
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
  };
  await platform.tenancy.transaction(organization, work, options);
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
