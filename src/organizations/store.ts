import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { newTenantSql } from '../database/tenant-row.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { Member, Organization } from './organization.ts';

interface OrganizationRow {
  readonly tenant_id: string;
  readonly name: string;
  readonly slug: string;
  readonly plan: string;
  readonly status: 'active' | 'suspended';
  readonly seats_bought: number | null;
  readonly seats_taken: number;
  readonly created_at: Date;
}

const organizationColumns = sql.raw(
  't.tenant_id, t.name, o.slug, t.plan, t.status, o.seats_bought, o.seats_taken, o.created_at',
);

/** An organization to be, with its owner. */
export interface NewOrganization {
  readonly tenantId: string;
  readonly name: string;
  readonly plan: string;
  /** In the order in which they are tried; the first that is free is taken. */
  readonly slugs: readonly string[];
  readonly seatsBought: number | null;
  readonly owner: {
    readonly id: string;
    readonly userId: string;
    readonly email: string | null;
    readonly name: string | null;
  };
  readonly now: Date;
}

/**
 * Makes an organization, its tenant and its owner in one statement, or nothing. Null: every slug was taken, or the one
 * that was free was taken by another caller in the same moment.
 */
export async function insertOrganization(
  db: AnyDatabase,
  { tenantId, name, plan, slugs, seatsBought, owner, now }: NewOrganization,
): Promise<{ organization: Organization; owner: Member } | null> {
  const free = sql`
    select c.slug from unnest(${sql.val([...slugs])}::text[]) with ordinality as c (slug, position)
    where not exists (select 1 from tenantry.tenant_lookups l where l.kind = 'slug' and l.value = c.slug)
    order by c.position limit 1`;
  const { rows } = await sql<MemberRow & { slug: string }>`
    with ${newTenantSql({ tenantId, kind: 'organization', name, plan, now }, 'slug', free)}, o as (
      insert into tenantry.organizations (tenant_id, slug, seats_bought, seats_taken, created_at, updated_at)
      select tenant_id, value, ${seatsBought}::integer, 1, ${now}::timestamptz, ${now}::timestamptz from looked_up
      returning *
    ), m as (
      insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, created_at, updated_at)
      select tenant_id, ${owner.id}::uuid, ${owner.userId}, ${owner.email}, ${owner.name}, 'owner', 'active',
        ${now}::timestamptz, ${now}::timestamptz
      from looked_up
      returning *
    )
    select o.slug, ${memberColumns} from o join m on m.tenant_id = o.tenant_id`.execute(libraryOf(db));
  const row = rows[0];
  if (row === undefined) return null;
  return {
    organization: {
      tenantId,
      name,
      slug: row.slug,
      plan,
      status: 'active',
      seatsBought,
      seatsTaken: 1,
      createdAt: now,
    },
    owner: memberOf(row),
  };
}

/** Reads one organization, by its tenant or by its slug. */
export async function findOrganization(
  db: AnyDatabase,
  by: { readonly tenantId: string } | { readonly slug: string },
): Promise<Organization | null> {
  const tenantId =
    'tenantId' in by
      ? sql`${by.tenantId}::uuid`
      : sql`(select l.tenant_id from tenantry.tenant_lookups l where l.kind = 'slug' and l.value = ${by.slug})`;
  const { rows } = await sql<OrganizationRow>`
    select ${organizationColumns} from tenantry.organizations o join tenantry.tenants t on t.tenant_id = o.tenant_id
    where o.tenant_id = ${tenantId}`.execute(libraryOf(db));
  return rows[0] === undefined ? null : organizationOf(rows[0]);
}

/** Reads the organizations that a user is an active member of, in the order of their ids. */
export async function listOrganizationsOf(
  db: AnyDatabase,
  userId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly { organization: Organization; memberId: string; role: string }[]> {
  const { rows } = await sql<OrganizationRow & { member_id: string; role: string }>`
    select ${organizationColumns}, m.id as member_id, m.role
    from tenantry.members m
      join tenantry.organizations o on o.tenant_id = m.tenant_id
      join tenantry.tenants t on t.tenant_id = m.tenant_id
    where m.user_id = ${userId} and m.status = 'active'
      ${after === null ? sql`` : sql`and m.tenant_id > ${after}::uuid`}
    order by m.tenant_id limit ${limit}`.execute(libraryOf(db));
  return rows.map((row) => ({ organization: organizationOf(row), memberId: row.member_id, role: row.role }));
}

/** How many seats an organization has, before and after a change. */
export interface SeatCounts {
  readonly bought: number | null;
  readonly taken: number;
  readonly previousBought: number | null;
}

/**
 * Sets the number of seats bought in one statement, and counts the revision of the tenant's entitlements up. The tenant
 * is locked first, so that a transaction that sets the plan and then the seats meets no deadlock.
 */
export async function updateSeatsBought(
  db: AnyDatabase,
  tenantId: string,
  bought: number | null,
  now: Date,
): Promise<SeatCounts | null> {
  const { rows } = await sql<{ seats_bought: number | null; seats_taken: number }>`
    with t as materialized (
      select tenant_id from tenantry.tenants where tenant_id = ${tenantId}::uuid for no key update
    ), o as materialized (
      select o.tenant_id, o.seats_bought, o.seats_taken from t join tenantry.organizations o on o.tenant_id = t.tenant_id
      where o.tenant_id = ${tenantId}::uuid for no key update of o
    ), changed as (
      update tenantry.organizations u set seats_bought = ${bought}::integer, updated_at = ${now}::timestamptz
      from o
      where u.tenant_id = ${tenantId}::uuid and o.tenant_id = u.tenant_id
        and o.seats_bought is distinct from ${bought}::integer
    ), counted as (
      update tenantry.tenants u set entitlement_revision = u.entitlement_revision + 1, updated_at = ${now}::timestamptz
      from o
      where u.tenant_id = ${tenantId}::uuid and o.tenant_id = u.tenant_id
        and o.seats_bought is distinct from ${bought}::integer
    )
    select seats_bought, seats_taken from o`.execute(libraryOf(db));
  const row = rows[0];
  return row === undefined ? null : { bought, taken: row.seats_taken, previousBought: row.seats_bought };
}

function organizationOf(row: OrganizationRow): Organization {
  return {
    tenantId: row.tenant_id,
    name: row.name,
    slug: row.slug,
    plan: row.plan,
    status: row.status,
    seatsBought: row.seats_bought,
    seatsTaken: row.seats_taken,
    createdAt: row.created_at,
  };
}
