import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, inTransaction, libraryOf } from '../database/handle.ts';
import { sqlstateOf } from '../database/install.ts';
import { type MemberRow, memberColumns, memberOf } from './member-row.ts';
import type { Member, MemberStatus } from './organization.ts';

/*
 * Changes of members are exact under any concurrency because each is one statement that first locks the row of the
 * organization, then the rows of the members that it judges, and only then decides and writes. A row that is locked is
 * read in its newest version, so a caller that waited decides on what the one before it left behind.
 *
 * What a waiting statement cannot see, since its snapshot is older, are rows that another caller made meanwhile. It
 * may then take a member to add for a new one, and either find no seat for them or meet their unique key (23505, which
 * undoes the whole statement and the counted seat with it); or it may take an owner for the last one when another has
 * come. These outcomes are therefore decided again, in a transaction that holds the lock before its statement begins.
 * In a caller's transaction, which an error would end, it is always done so.
 */

/** What a statement decided. */
export type Verdict = 'changed' | 'unchanged' | 'member_not_found' | 'last_owner' | 'seats_exhausted';

/** The outcome of a statement that may change a member. `member` is null when it was refused. */
export interface MemberOutcome {
  readonly verdict: Verdict;
  readonly member: Member | null;
  /** What the member was before; null when there was none. */
  readonly before: { readonly role: string; readonly status: MemberStatus } | null;
  readonly bought: number | null;
  readonly taken: number;
  readonly previousTaken: number;
}

/** A member to be. */
export interface NewMember {
  readonly tenantId: string;
  readonly id: string;
  readonly userId: string;
  readonly role: string;
  readonly status: 'active' | 'pending';
  readonly email: string | null;
  readonly name: string | null;
  readonly now: Date;
}

interface OutcomeRow extends MemberRow {
  readonly verdict: Verdict;
  readonly before_role: string | null;
  readonly before_status: MemberStatus | null;
  readonly seats_bought: number | null;
  readonly previous_taken: number;
  readonly seats_delta: number;
}

/** The row of the organization, locked first of all. Foreign keys to it are not kept waiting. */
const lockedOrganization = (tenantId: string): RawBuilder<unknown> => sql`
  select tenant_id, seats_bought, seats_taken from tenantry.organizations
  where tenant_id = ${tenantId}::uuid for no key update`;

const outcomeColumns = sql`d.verdict, d.role as before_role, d.status as before_status, d.seats_bought,
  d.seats_taken as previous_taken, case when d.verdict = 'changed' then d.seats_delta else 0 end as seats_delta,
  ${memberColumns}`;

/**
 * Adds a member, or brings a removed one back, and takes a seat. One who is there already stays as they are
 * (`unchanged`). Null: there is no such organization.
 */
export async function insertMember(db: AnyDatabase, member: NewMember): Promise<MemberOutcome | null> {
  const { tenantId, id, userId, role, status, email, name, now } = member;
  return decide(db, tenantId, async (handle) => {
    const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), target as materialized (
        select m.* from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and m.user_id = ${userId} for no key update of m
      ), d as materialized (
        select o.seats_bought, o.seats_taken, target.id as member_id, target.role, target.status, 1 as seats_delta,
          case
            when target.status <> 'removed' then 'unchanged'
            when o.seats_taken >= o.seats_bought then 'seats_exhausted'
            else 'changed'
          end as verdict
        from o left join target on true
      ), counted as (
        update tenantry.organizations u set seats_taken = u.seats_taken + d.seats_delta, updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and d.verdict = 'changed'
      ), revived as (
        update tenantry.members u set role = ${role}, status = ${status}, updated_at = ${now}::timestamptz,
          email = coalesce(${email}::text, u.email), name = coalesce(${name}::text, u.name)
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.verdict = 'changed'
        returning u.*
      ), inserted as (
        insert into tenantry.members (tenant_id, id, user_id, email, name, role, status, created_at, updated_at)
        select ${tenantId}::uuid, ${id}::uuid, ${userId}::text, ${email}::text, ${name}::text, ${role}::text,
          ${status}::text, ${now}::timestamptz, ${now}::timestamptz
        from d where d.member_id is null and d.verdict = 'changed'
        returning *
      )
      select ${outcomeColumns} from d left join (
        select * from revived union all select * from inserted
        union all select target.* from target, d where d.verdict = 'unchanged'
      ) m on true`.execute(libraryOf(handle));
    return rows[0];
  });
}

/** Which member is meant, what they are to be, and when. What is left out stays. */
export interface MemberPatch {
  readonly tenantId: string;
  readonly by: { readonly memberId: string } | { readonly userId: string };
  readonly role?: string;
  readonly status?: 'active' | 'suspended' | 'removed';
  readonly now: Date;
}

/**
 * Sets the role or the status of a member, and takes or gives back the seat that goes with it. The last active owner
 * stays one. Null: there is no such organization.
 */
export async function updateMember(db: AnyDatabase, patch: MemberPatch): Promise<MemberOutcome | null> {
  const { tenantId, by, role = null, status = null, now } = patch;
  const meant = 'memberId' in by ? sql`m.id = ${by.memberId}::uuid` : sql`m.user_id = ${by.userId}`;
  return decide(db, tenantId, async (handle) => {
    const { rows } = await sql<OutcomeRow>`
      with o as materialized (${lockedOrganization(tenantId)}), target as materialized (
        select m.* from o join tenantry.members m on m.tenant_id = o.tenant_id
        where m.tenant_id = ${tenantId}::uuid and ${meant} for no key update of m
      ), other_owner as materialized (
        select m.id from target join tenantry.members m on m.tenant_id = target.tenant_id and m.id <> target.id
        where m.tenant_id = ${tenantId}::uuid and m.role = 'owner' and m.status = 'active'
        limit 1 for no key update of m
      ), wanted as materialized (
        select o.tenant_id, o.seats_bought, o.seats_taken, target.id as member_id, target.role, target.status,
          coalesce(${role}::text, target.role) as new_role, coalesce(${status}::text, target.status) as new_status,
          (coalesce(${status}::text, target.status) in ('active', 'pending'))::integer
            - (target.status in ('active', 'pending'))::integer as seats_delta
        from o left join target on true
      ), d as materialized (
        select w.*, case
          when w.member_id is null or (w.status = 'removed' and w.new_status <> 'removed') then 'member_not_found'
          when w.status = 'removed' and ${role}::text is not null then 'member_not_found'
          when w.role = w.new_role and w.status = w.new_status then 'unchanged'
          when w.role = 'owner' and w.status = 'active' and not (w.new_role = 'owner' and w.new_status = 'active')
            and not exists (select 1 from other_owner) then 'last_owner'
          when w.seats_delta > 0 and w.seats_taken >= w.seats_bought then 'seats_exhausted'
          else 'changed'
        end as verdict
        from wanted w
      ), counted as (
        update tenantry.organizations u set seats_taken = u.seats_taken + d.seats_delta, updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and d.verdict = 'changed' and d.seats_delta <> 0
      ), changed as (
        update tenantry.members u set role = d.new_role, status = d.new_status, updated_at = ${now}::timestamptz
        from d where u.tenant_id = ${tenantId}::uuid and u.id = d.member_id and d.verdict = 'changed'
        returning u.*
      )
      select ${outcomeColumns} from d left join (
        select * from changed union all select target.* from target, d where d.verdict = 'unchanged'
      ) m on true`.execute(libraryOf(handle));
    return rows[0];
  });
}

/** Runs a deciding statement once, and once more behind the lock when its snapshot may have misled it. */
async function decide(
  db: AnyDatabase,
  tenantId: string,
  statement: (db: AnyDatabase) => Promise<OutcomeRow | undefined>,
): Promise<MemberOutcome | null> {
  const behindLock = (tx: AnyDatabase): Promise<OutcomeRow | undefined> =>
    lockedOrganization(tenantId)
      .execute(libraryOf(tx))
      .then(() => statement(tx));
  if (db.isTransaction) return outcomeOf(await behindLock(db));
  try {
    const row = await statement(db);
    if (row === undefined || !mayBeMistaken(row)) return outcomeOf(row);
  } catch (error) {
    if (sqlstateOf(error) !== '23505') throw error;
  }
  return outcomeOf(await inTransaction(db, undefined, behindLock));
}

function mayBeMistaken({ verdict, before_status: before }: OutcomeRow): boolean {
  return verdict === 'last_owner' || (verdict === 'seats_exhausted' && before === null);
}

function outcomeOf(row: OutcomeRow | undefined): MemberOutcome | null {
  if (row === undefined) return null;
  const { before_role: role, before_status: status } = row;
  return {
    verdict: row.verdict,
    member: row.id === null ? null : memberOf(row),
    before: role === null || status === null ? null : { role, status },
    bought: row.seats_bought,
    taken: row.previous_taken + row.seats_delta,
    previousTaken: row.previous_taken,
  };
}

/** Reads one member. */
export async function findMember(
  db: AnyDatabase,
  tenantId: string,
  by: { readonly memberId: string } | { readonly userId: string },
): Promise<Member | null> {
  const meant = 'memberId' in by ? sql`m.id = ${by.memberId}::uuid` : sql`m.user_id = ${by.userId}`;
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and ${meant}`.execute(libraryOf(db));
  return rows[0] === undefined ? null : memberOf(rows[0]);
}

/** Reads members of an organization in the order of their ids, which is the order in which they came. */
export async function listMembers(
  db: AnyDatabase,
  tenantId: string,
  part: { readonly statuses: readonly MemberStatus[]; readonly after: string | null; readonly limit: number },
): Promise<readonly Member[]> {
  const { rows } = await sql<MemberRow>`
    select ${memberColumns} from tenantry.members m
    where m.tenant_id = ${tenantId}::uuid and m.status = any(${sql.val([...part.statuses])}::text[])
      ${part.after === null ? sql`` : sql`and m.id > ${part.after}::uuid`}
    order by m.id limit ${part.limit}`.execute(libraryOf(db));
  return rows.map(memberOf);
}
