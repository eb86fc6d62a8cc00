import { type Selectable, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import type { OrganizationDomainTable } from '../database/tables.ts';
import type { Domain } from './domains-interface.ts';

/** The kind of look-up by which a proven domain leads to its organization. */
const lookupKind = 'email_domain';

type Row = Selectable<OrganizationDomainTable>;

/** A claim to be. */
export interface NewDomain {
  readonly tenantId: string;
  readonly domain: string;
  readonly challenge: string;
  readonly mode: 'join' | 'request';
  readonly role: string;
  readonly addedBy: string | null;
  readonly now: Date;
}

/** Makes a claim, or sets its mode and role. */
export async function putDomain(
  db: AnyDatabase,
  { tenantId, domain, challenge, mode, role, addedBy, now }: NewDomain,
): Promise<Domain> {
  const { rows } = await sql<Row>`
    insert into tenantry.organization_domains as d (tenant_id, domain, challenge, mode, role, added_by, created_at)
    values (${tenantId}::uuid, ${domain}, ${challenge}, ${mode}, ${role}, ${addedBy}, ${now}::timestamptz)
    on conflict (tenant_id, domain) do update set mode = excluded.mode, role = excluded.role
    returning d.*`.execute(libraryOf(db));
  const [row] = rows;
  if (row === undefined) throw new TypeError('a claim was neither made nor found');
  return domainOf(row);
}

/** Reads one claim. */
export async function findDomain(db: AnyDatabase, tenantId: string, domain: string): Promise<Domain | null> {
  const row = await libraryOf(db)
    .selectFrom('tenantry.organization_domains')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('domain', '=', domain)
    .executeTakeFirst();
  return row === undefined ? null : domainOf(row);
}

/** Reads the claim of the organization that has proven a domain. */
export async function findProvenDomain(db: AnyDatabase, domain: string): Promise<Domain | null> {
  const { rows } = await sql<Row>`
    select d.* from tenantry.tenant_lookups l
      join tenantry.organization_domains d on d.tenant_id = l.tenant_id and d.domain = l.value
    where l.kind = ${lookupKind} and l.value = ${domain} and d.verified_at is not null`.execute(libraryOf(db));
  return rows[0] === undefined ? null : domainOf(rows[0]);
}

/** Reads claims ordered by domain. */
export async function listDomains(
  db: AnyDatabase,
  tenantId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly Domain[]> {
  let query = libraryOf(db).selectFrom('tenantry.organization_domains').selectAll().where('tenant_id', '=', tenantId);
  if (after !== null) query = query.where('domain', '>', after);
  const rows = await query.orderBy('domain').limit(limit).execute();
  return rows.map(domainOf);
}

/** Notes that a claim is proven, and takes the look-up; false when another organization has it. */
export async function proveDomain(db: AnyDatabase, tenantId: string, domain: string, now: Date): Promise<boolean> {
  const { rows } = await sql`
    with taken as (
      insert into tenantry.tenant_lookups (kind, value, tenant_id)
      values (${lookupKind}, ${domain}, ${tenantId}::uuid)
      on conflict (kind, value) do nothing
      returning tenant_id
    ), mine as materialized (
      select tenant_id from taken
      union select l.tenant_id from tenantry.tenant_lookups l
      where l.kind = ${lookupKind} and l.value = ${domain} and l.tenant_id = ${tenantId}::uuid
    )
    update tenantry.organization_domains d set verified_at = ${now}::timestamptz, checked_at = ${now}::timestamptz
    from mine where d.tenant_id = ${tenantId}::uuid and d.domain = ${domain}
    returning d.domain`.execute(libraryOf(db));
  return rows.length > 0;
}

/** Notes that a claim is not proven, and gives the look-up up. */
export async function disproveDomain(db: AnyDatabase, tenantId: string, domain: string, now: Date): Promise<void> {
  await sql`
    with given as (
      delete from tenantry.tenant_lookups
      where kind = ${lookupKind} and value = ${domain} and tenant_id = ${tenantId}::uuid
    )
    update tenantry.organization_domains set verified_at = null, checked_at = ${now}::timestamptz
    where tenant_id = ${tenantId}::uuid and domain = ${domain}`.execute(libraryOf(db));
}

/** Gives a claim up. */
export async function deleteDomain(db: AnyDatabase, tenantId: string, domain: string): Promise<void> {
  await sql`
    with given as (
      delete from tenantry.tenant_lookups
      where kind = ${lookupKind} and value = ${domain} and tenant_id = ${tenantId}::uuid
    )
    delete from tenantry.organization_domains where tenant_id = ${tenantId}::uuid and domain = ${domain}`.execute(
    libraryOf(db),
  );
}

function domainOf(row: Row): Domain {
  return {
    tenantId: row.tenant_id,
    domain: row.domain,
    mode: row.mode,
    role: row.role,
    verifiedAt: row.verified_at,
    createdAt: row.created_at,
    record: { type: 'TXT', name: `_tenantry.${row.domain}`, value: `tenantry-verification=${row.challenge}` },
  };
}
