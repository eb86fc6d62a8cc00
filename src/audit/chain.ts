import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { auditHash, canonicalSql, firstPrevious } from './canonical.ts';
import type { TrailTables } from './trail-tables.ts';

/*
 * Entries are written without a place in the chain: to give one, the head of the chain would be locked until the
 * transaction of the change ends, and everybody who changes something in that tenant would wait for everybody else.
 * Committed entries are taken into the chain afterwards, by whoever comes. That takes two statements and holds no lock
 * between them: the first reads the head and what waits, the second moves the head if it is still where it was, and only
 * then gives the places. Who comes too late has changed nothing and looks again.
 */

const batch = 1000;

interface Waiting {
  readonly sequence: string | number;
  readonly hash: string | null;
  readonly id: string | null;
  readonly canonical: string | null;
}

/** Takes the committed entries of a tenant into its chain. Gives how many this call took in. */
export async function chainTenant(db: AnyDatabase, tables: TrailTables, tenantId: string): Promise<number> {
  let taken = 0;
  for (;;) {
    const { rows } = await sql<Waiting>`
      select coalesce(h.sequence, 0) as sequence, encode(h.hash, 'hex') as hash, w.id, w.canonical
      from (select ${tenantId}::uuid as tenant_id) t
        left join ${tables.heads} h on h.tenant_id = t.tenant_id
        left join (
          select e.tenant_id, e.id, ${canonicalSql} as canonical from ${tables.entries} e
          where e.tenant_id = ${tenantId}::uuid and e.id = any (array(
            select p.id from ${tables.entries} p where p.tenant_id = ${tenantId}::uuid and p.sequence is null
            order by p.id limit ${batch}
          ))
        ) w on w.tenant_id = t.tenant_id
      order by w.id`.execute(libraryOf(db));
    const head = { sequence: Number(rows[0]?.sequence ?? 0), hash: rows[0]?.hash ?? firstPrevious };
    const links: { id: string; sequence: number; hash: string }[] = [];
    for (const { id, canonical } of rows) {
      if (id === null || canonical === null) continue;
      const last = links.at(-1) ?? head;
      const sequence = last.sequence + 1;
      links.push({ id, sequence, hash: auditHash({ previous: last.hash, sequence, canonical }) });
    }
    const last = links.at(-1);
    if (last === undefined) return taken;
    const given = await givePlaces(db, tables, { tenantId, head, last, links });
    taken += given;
    if (given > 0 && links.length < batch) return taken;
  }
}

async function givePlaces(
  db: AnyDatabase,
  tables: TrailTables,
  {
    tenantId,
    head,
    last,
    links,
  }: {
    readonly tenantId: string;
    readonly head: { readonly sequence: number; readonly hash: string };
    readonly last: { readonly sequence: number; readonly hash: string };
    readonly links: readonly { readonly id: string; readonly sequence: number; readonly hash: string }[];
  },
): Promise<number> {
  const { rows } = await sql`
    with moved as (
      insert into ${tables.heads} as h (tenant_id, sequence, hash)
      values (${tenantId}::uuid, ${last.sequence}::bigint, decode(${last.hash}, 'hex'))
      on conflict (tenant_id) do update set sequence = excluded.sequence, hash = excluded.hash
        where h.sequence = ${head.sequence}::bigint and h.hash = decode(${head.hash}, 'hex')
      returning tenant_id
    )
    update ${tables.entries} e set sequence = c.sequence, hash = decode(c.hash, 'hex')
    from moved, json_to_recordset(${JSON.stringify(links)}::json) as c (id uuid, sequence bigint, hash text)
    where e.tenant_id = ${tenantId}::uuid and e.id = any (${sql.val(links.map(({ id }) => id))}::uuid[]) and e.id = c.id and e.sequence is null and moved.tenant_id = e.tenant_id
    returning e.id`.execute(libraryOf(db));
  return rows.length;
}

/** The tenants of which entries wait for their places, at most so many. */
export async function waitingTenants(db: AnyDatabase, tables: TrailTables, limit: number): Promise<string[]> {
  const { rows } = await sql<{ tenant_id: string }>`
    select distinct e.tenant_id from ${tables.entries} e where e.sequence is null limit ${limit}`.execute(
    libraryOf(db),
  );
  return rows.map((row) => row.tenant_id);
}

/** Reads the head of a chain; null when nothing is in it. */
export async function readHead(
  db: AnyDatabase,
  tables: TrailTables,
  tenantId: string,
): Promise<{ readonly sequence: number; readonly hash: string } | null> {
  const { rows } = await sql<{ sequence: string | number; hash: string }>`
    select sequence, encode(hash, 'hex') as hash from ${tables.heads} where tenant_id = ${tenantId}::uuid`.execute(
    libraryOf(db),
  );
  return rows[0] === undefined ? null : { sequence: Number(rows[0].sequence), hash: rows[0].hash };
}
