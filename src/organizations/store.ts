import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { wayOfTenant } from '../database/moved-tenant.ts';
import { newTenantSql, type TenantStatus } from '../database/tenant-row.ts';
import { type Authority, actorSql } from './authority.ts';
import { decide, lockedTenant } from './decide.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { Member, Organization } from './organization.ts';

interface OrganizationRow {
  readonly tenant_id: string;
  readonly name: string;
  readonly slug: string;
  readonly plan: string;
  readonly status: TenantStatus;
  readonly seats_bought: number | null;
  readonly seats_taken: number;
  readonly seats_held: number;
  readonly metadata: Record<string, unknown>;
  readonly created_at: Date;
}

const organizationColumns = sql.raw(
  't.tenant_id, t.name, o.slug, t.plan, t.status, o.seats_bought, o.seats_taken, o.seats_held, t.metadata, o.created_at',
);

/** An organization to be, with its owner. */
export interface NewOrganization {
  readonly tenantId: string;
  readonly name: string;
  readonly plan: string;
  /** In the order in which they are tried; the first that is free is taken. */
  readonly slugs: readonly string[];
  readonly seatsBought: number | null;
  /** Whether the owner takes a seat. */
  readonly seated: boolean;
  /** The application's own facts, as JSON. */
  readonly metadata: string;
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
  { tenantId, name, plan, slugs, seatsBought, seated, metadata, owner, now }: NewOrganization,
): Promise<{ organization: Organization; owner: Member } | null> {
  const free = sql`
    select c.slug from unnest(${sql.val([...slugs])}::text[]) with ordinality as c (slug, position)
    where not exists (select 1 from tenantry.tenant_lookups l where l.kind = 'slug' and l.value = c.slug)
    order by c.position limit 1`;
  const { rows } = await sql<MemberRow & { slug: string }>`
    with ${newTenantSql({ tenantId, kind: 'organization', name, plan, metadata, now }, 'slug', free)}, o as (
      insert into tenantry.organizations (tenant_id, slug, seats_bought, seats_taken, created_at, updated_at)
      select tenant_id, value, ${seatsBought}::integer, ${seated ? 1 : 0}::integer, ${now}::timestamptz, ${now}::timestamptz from looked_up
      returning *
    ), m as (
      insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, seat_exempt, created_at, updated_at)
      select tenant_id, ${owner.id}::uuid, ${owner.userId}, ${owner.email}, ${owner.name}, 'owner', 'active',
        ${!seated}::boolean, ${now}::timestamptz, ${now}::timestamptz
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
      seatsTaken: seated ? 1 : 0,
      seatsHeld: 0,
      metadata: JSON.parse(metadata),
      createdAt: now,
    },
    owner: memberOf(row),
  };
}

/** Reads one organization, by its tenant or by its slug; the tenant of one that was merged gives where it went. */
export async function findOrganization(
  db: AnyDatabase,
  by: { readonly tenantId: string } | { readonly slug: string },
): Promise<Organization | null> {
  const tenantId =
    'tenantId' in by
      ? wayOfTenant(by.tenantId)
      : sql`select l.tenant_id from tenantry.tenant_lookups l where l.kind = 'slug' and l.value = ${by.slug}`;
  const { rows } = await sql<OrganizationRow>`
    select ${organizationColumns} from tenantry.organizations o join tenantry.tenants t on t.tenant_id = o.tenant_id
    where o.tenant_id in (${tenantId})`.execute(libraryOf(db));
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

/** Locks whoever makes organizations, so that only one call at a time counts what the user has. */
export async function lockCreator(tx: AnyDatabase, userId: string, now: Date): Promise<void> {
  await sql`insert into tenantry.organization_creators (user_id, locked_at) values (${userId}, ${now}::timestamptz)
    on conflict (user_id) do update set locked_at = excluded.locked_at`.execute(libraryOf(tx));
}

/** Counts the organizations that a user is an active owner of. */
export async function countOwned(db: AnyDatabase, userId: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from tenantry.members m join tenantry.tenants t on t.tenant_id = m.tenant_id
    where m.user_id = ${userId} and m.role = 'owner' and m.status = 'active' and t.status <> 'moved'`.execute(
    libraryOf(db),
  );
  return rows[0]?.n ?? 0;
}

/** What of an organization is to be set; what is left out stays. */
export interface OrganizationPatch {
  readonly name?: string;
  readonly slug?: string;
  /** As JSON. */
  readonly metadata?: string;
}

/** What became of an organization that was to be changed. */
export interface OrganizationChange {
  readonly verdict: 'changed' | 'unchanged' | 'slug_taken' | 'actor_changed';
  readonly before: { readonly name: string; readonly slug: string };
  readonly metadataChanged: boolean;
}

/**
 * Sets the name, slug or facts of an organization in one statement. The slug it had stays its alias. Null: there is no
 * such organization.
 */
export async function updateOrganization(
  db: AnyDatabase,
  tenantId: string,
  read: (db: AnyDatabase) => Promise<Authority>,
  { name = null, slug = null, metadata = null }: { readonly [Key in keyof OrganizationPatch]?: string | null },
  now: Date,
): Promise<OrganizationChange | null> {
  const row = await decide(
    db,
    tenantId,
    async (handle) => {
      const authority = await read(handle);
      const { rows } = await sql<{
        name: string;
        slug: string;
        facts_differ: boolean;
        verdict: OrganizationChange['verdict'];
      }>`
      with t as materialized (
        select tenant_id, name, metadata from tenantry.tenants where tenant_id = ${tenantId}::uuid for no key update
      ), o as materialized (
        select o.tenant_id, o.slug from t join tenantry.organizations o on o.tenant_id = t.tenant_id
        where o.tenant_id = ${tenantId}::uuid for no key update of o
      ), ${actorSql(tenantId, authority)}, named as (
        insert into tenantry.tenant_lookups (kind, value, tenant_id)
        select 'slug', ${slug}::text, o.tenant_id from o cross join actor
        where actor.fit and ${slug}::text is not null and o.slug <> ${slug}::text
        on conflict (kind, value) do nothing
        returning tenant_id
      ), d as materialized (
        select t.name, o.slug, coalesce(${metadata}::jsonb <> t.metadata, false) as facts_differ, case
          when not actor.fit then 'actor_changed'
          when ${slug}::text <> o.slug and not exists (select 1 from named) and not exists (
            select 1 from tenantry.tenant_lookups l
            where l.kind = 'slug' and l.value = ${slug}::text and l.tenant_id = ${tenantId}::uuid) then 'slug_taken'
          when coalesce(${name}::text, t.name) = t.name and coalesce(${slug}::text, o.slug) = o.slug
            and coalesce(${metadata}::jsonb, t.metadata) = t.metadata then 'unchanged'
          else 'changed'
        end as verdict
        from t join o on o.tenant_id = t.tenant_id cross join actor
      ), tenant as (
        update tenantry.tenants u set name = coalesce(${name}::text, u.name),
          metadata = coalesce(${metadata}::jsonb, u.metadata), updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and d.verdict = 'changed'
      ), organization as (
        update tenantry.organizations u set slug = coalesce(${slug}::text, u.slug), updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and d.verdict = 'changed'
      )
      select * from d`.execute(libraryOf(handle));
      return rows[0];
    },
    ({ verdict }) => verdict === 'actor_changed' || verdict === 'slug_taken',
    lockedTenant,
  );
  if (row === undefined) return null;
  const { verdict, name: nameBefore, slug: slugBefore, facts_differ: metadataChanged } = row;
  return { verdict, before: { name: nameBefore, slug: slugBefore }, metadataChanged };
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
    seatsHeld: row.seats_held,
    metadata: row.metadata,
    createdAt: row.created_at,
  };
}
