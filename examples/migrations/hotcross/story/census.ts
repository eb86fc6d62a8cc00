import { type Kysely, sql } from 'kysely';
import type { LegacyDatabase } from '../legacy-schema.ts';

/** What became of the customers, counted from the legacy columns and the library's tables. */
export interface Census {
  /** Customers who are no member, or whose key is not a key of theirs. */
  readonly lost: number;
  /** Customers who are more than one member, or whose key is there more than once. */
  readonly doubled: number;
  readonly organizations: number;
  readonly members: number;
  readonly keys: number;
}

/**
 * Counts who was lost and who was doubled. It reads nothing that the migration keeps for itself: a customer's member is
 * the one with the customer's id or, where two sign-ups of one person became one member, the one of the same tenant with
 * the same e-mail.
 */
export async function takeCensus(db: Kysely<LegacyDatabase>): Promise<Census> {
  const { rows } = await sql<{ [Kind in keyof Census]: string }>`
    with by_id as (
      select c.id, m.tenant_id, m.id as member_id from customers c join tenantry.members m on m.user_id = c.id::text
    ), represented as (
      select * from by_id
      union all
      select c.id, m.tenant_id, m.id from customers c join tenantry.members m
        on m.tenant_id = c.tenant_id and lower(trim(m.email)) = lower(trim(c.email))
      where not exists (select 1 from by_id where by_id.id = c.id)
    ), keyed as (
      select c.id, count(k.id) as keys from customers c
      join represented r on r.id = c.id
      join tenantry.api_key_digests d on d.digest = c.api_key_hash
      join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id
        and k.tenant_id = r.tenant_id and k.member_id = r.member_id
        and k.revoked_at is not distinct from c.api_key_revoked_at
      group by c.id
    ), each_customer as (
      select c.id, c.api_key_hash is not null as has_key, coalesce(max(keyed.keys), 0) as keys,
        count(r.member_id) as members
      from customers c left join represented r on r.id = c.id left join keyed on keyed.id = c.id
      group by c.id
    )
    select count(*) filter (where members = 0 or (has_key and keys = 0)) as lost,
      count(*) filter (where members > 1 or keys > 1) as doubled,
      (select count(*) from tenantry.organizations) as organizations,
      (select count(*) from tenantry.members) as members,
      (select count(*) from tenantry.api_keys) as keys
    from each_customer`.execute(db);
  const [row] = rows;
  return {
    lost: Number(row?.lost),
    doubled: Number(row?.doubled),
    organizations: Number(row?.organizations),
    members: Number(row?.members),
    keys: Number(row?.keys),
  };
}
