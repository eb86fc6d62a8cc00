import type { SecretBox } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../../database/isolation-sql.ts';
import { execute } from '../../sql-text.ts';
import { membersName } from './library-tables.ts';
import { keyOfRow, type Ledger, ofTable, ofUnits, parentKey, rowOfEntry } from './row-sql.ts';
import { rekeySql } from './settle-references.ts';
import { type RowModel, type RowTable, tableOf } from './table.ts';
import type { UnknownRows } from './unknown-rows.ts';

type Params = readonly [string, readonly string[]];

/** Where a member went, as the people side worked it out; null: nowhere. */
export interface MemberPlace {
  readonly unit: string;
  readonly oldTenantId: string;
  readonly oldId: string;
  readonly to: { readonly tenantId: string; readonly id: string; readonly joined: boolean } | null;
}

/** Periods that go on at another moment, since the tenants count from different ones. */
export interface PeriodShift {
  readonly unit: string;
  readonly per: string;
  readonly from: string;
  readonly to: string;
}

/** Writes down where members went, so that what refers to them follows. */
export async function writeMemberPlaces(
  tx: AnyDatabase,
  retenanting: string,
  at: Pick<Ledger, 'rows'>,
  places: readonly MemberPlace[],
): Promise<void> {
  if (places.length === 0) return;
  const rows = places.map(({ unit, oldTenantId, oldId, to }) => ({
    unit,
    old_tenant_id: oldTenantId,
    old_key: oldId,
    new_tenant_id: to?.tenantId ?? oldTenantId,
    new_key: to?.id ?? oldId,
    action: to === null ? 'drop' : to.joined ? 'join' : 'move',
  }));
  await execute(
    tx,
    `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action)
select $1, r.unit, ${quoteLiteral(membersName)}, r.old_tenant_id, r.old_key, r.new_tenant_id, r.new_key, r.action
from jsonb_to_recordset($2::jsonb) as r (unit text, old_tenant_id uuid, old_key text, new_tenant_id uuid, new_key text, action text)
on conflict do nothing`,
    [retenanting, JSON.stringify(rows)],
  );
}

/**
 * Writes down what becomes of each row of one of the library's tables: it goes with all that it refers to, or with its tenant
 * when that ends and it refers to nothing. One whose parts go different ways, or that has no place at a tenant without members, ends; it is
 * kept whole, so that a way back has it.
 */
export async function decideLibrary(
  tx: AnyDatabase,
  model: RowModel,
  table: RowTable,
  at: Ledger,
  params: Params,
): Promise<void> {
  const key = keyOfRow(table, 'x');
  const { ofOrganizations = false, counts = false } = table.library ?? {};
  const parents = table.references.filter(({ parent }) => parent !== table.name);
  const joins = parents.map((reference, place) => {
    const parent = tableOf(model, reference.parent);
    return `left join lateral (select j.action, j.new_tenant_id from ${at.rows} j where j.retenanting = u.retenanting and j.unit = u.unit
  and ${ofTable('j', parent)} and j.old_tenant_id = u.old_tenant_id and j.old_key = ${parentKey(reference, parent, 'x')} limit 1) as e${place} on true`;
  });
  const places = parents.map(({ columns }, place) => {
    const none = columns.map((name) => `x.${quoteIdentifier(name)} is null`).join(' or ');
    return `case when ${none} then null else coalesce(e${place}.new_tenant_id, u.old_tenant_id) end`;
  });
  const apart =
    table.library?.billing === true ? ` or (${billedSql('u.old_tenant_id')} and ${billedSql('u.main_tenant_id')})` : '';
  const own = `case when u.chosen${apart} then u.old_tenant_id else u.main_tenant_id end`;
  const ends = [
    ...(ofOrganizations && model.memberless ? ['not u.chosen'] : []),
    ...parents.map((_, place) => `e${place}.action is not distinct from 'drop'`),
    ...places.slice(1).map((place) => `(${place}) <> (${places[0]})`),
  ];
  const goes = places.length === 0 ? own : `coalesce(${[...places, own].join(', ')})`;
  const left = counts && model.anew ? [`d.place <> u.old_tenant_id`] : [];
  const over = [`(${ends.length === 0 ? 'false' : ends.join(' or ')})`, ...left].join(' or ');
  await execute(
    tx,
    `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action, before)
select u.retenanting, u.unit, ${quoteLiteral(table.name)}, u.old_tenant_id, ${key}, case when f.over then u.old_tenant_id else d.place end, ${key},
  case when f.over then 'drop' else 'move' end, case when f.over then row_to_json(x) end
from ${at.units} u join ${table.sql} x on x.${table.column} = u.old_tenant_id
${joins.join('\n')}
cross join lateral (select ${goes} as place) d cross join lateral (select coalesce(${over}, false) as over) f
where ${ofUnits('u')} and (f.over or d.place <> u.old_tenant_id)`,
    params,
  );
}

/** Whether a tenant has a customer at a billing provider. */
const billedSql = (tenant: string): string =>
  `exists (select from tenantry.billing_customers b where b.tenant_id = ${tenant})`;

/** What is written in rows of the library that move, beside their tenant and what they refer to. */
export async function adjustLibrary(
  tx: AnyDatabase,
  table: RowTable,
  at: Ledger,
  params: Params,
  { now, shifts, anew }: { readonly now: string; readonly shifts: readonly PeriodShift[]; readonly anew: boolean },
): Promise<void> {
  if (table.name === 'tenantry.usage_hours') {
    await execute(tx, renameSubjects(table, at), params);
    await execute(tx, rekeySql(table, at), params);
  }
  if (table.name === 'tenantry.member_usage' && shifts.length > 0) {
    await execute(tx, shiftPeriods(table, at), [...params, JSON.stringify(shifts)]);
    await execute(tx, rekeySql(table, at), params);
  }
  if (table.name === 'tenantry.usage_reservations' && anew) await execute(tx, forgetCounters(table, at), params);
  else if (table.name === 'tenantry.usage_reservations' && shifts.length > 0) {
    await execute(tx, shiftCounters(table, at), [...params, JSON.stringify(shifts)]);
  }
  if (table.name === 'tenantry.invitations') {
    for (const text of answerInvitations(table, at)) await execute(tx, text, [...params, now]);
  }
}

/**
 * Seals what rows hold that is sealed for their tenant. Gives the tables in which something would not open any more, since
 * nothing was handed in to seal it with.
 */
export async function sealAnew(
  tx: AnyDatabase,
  table: RowTable,
  at: Ledger,
  params: Params,
  secrets: SecretBox | undefined,
): Promise<readonly UnknownRows[]> {
  const unreadable: UnknownRows[] = [];
  for (const column of table.library?.sealed ?? []) {
    const own = quoteIdentifier(column);
    const found = await execute<Sealed>(
      tx,
      `select j.unit, j.old_tenant_id, j.old_key, j.new_tenant_id, x.id::text as id, x.${own} as sealed
from ${at.rows} j join ${table.sql} x on ${rowOfEntry(table, 'x', 'j')}
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and x.${own} is not null`,
      params,
    );
    if (found.rows.length === 0) continue;
    if (secrets === undefined) {
      const tenants = [...new Set(found.rows.map((row) => row.old_tenant_id))];
      unreadable.push({ table: table.name, rows: found.rows.length, tenants, sealed: true });
      continue;
    }
    const place = { column: `${table.name.split('.').at(-1)}.${column}` };
    const anew = found.rows.map(({ sealed, ...row }) => {
      const plain = secrets.open(sealed, { ...place, tenantId: row.old_tenant_id, rowId: row.id });
      return { ...row, sealed: secrets.seal(plain, { ...place, tenantId: row.new_tenant_id, rowId: row.id }) };
    });
    await execute(
      tx,
      `update ${at.rows} j set ${after(`jsonb_build_object(${quoteLiteral(column)}, r.sealed)`)}
from ${table.sql} x, jsonb_to_recordset($3::jsonb) as r (unit text, old_tenant_id uuid, old_key text, sealed text)
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')}
  and r.unit = j.unit and r.old_tenant_id = j.old_tenant_id and r.old_key = j.old_key`,
      [...params, JSON.stringify(anew)],
    );
  }
  return unreadable;
}

interface Sealed {
  readonly unit: string;
  readonly old_tenant_id: string;
  readonly old_key: string;
  readonly new_tenant_id: string;
  readonly id: string;
  readonly sealed: string;
}

const after = (value: string): string =>
  `before = coalesce(j.before, row_to_json(x)), after = (coalesce(j.after::jsonb, '{}') || ${value})::json`;

/** What a member used by the hour is told under the member's id, which is another where two became one. */
function renameSubjects(table: RowTable, at: Ledger): string {
  return `update ${at.rows} j set ${after(`jsonb_build_object('subject', 'm:' || p.new_key)`)}
from ${table.sql} x, ${at.rows} p
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')}
  and p.retenanting = j.retenanting and p.unit = j.unit and ${ofTable('p', { name: membersName })} and p.old_tenant_id = j.old_tenant_id
  and x.subject = 'm:' || p.old_key and p.new_key <> p.old_key`;
}

/** What a member used in the running period counts in the running period of the target. */
function shiftPeriods(table: RowTable, at: Ledger): string {
  return `update ${at.rows} j set ${after(`jsonb_build_object('period_start', s."to")`)}
from ${table.sql} x, jsonb_to_recordset($3::jsonb) as s (unit text, per text, "from" timestamptz, "to" timestamptz)
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')}
  and s.unit = j.unit and s.per = x.per and s."from" = x.period_start`;
}

/** What was reserved in the running period is given back to the counter that has its units now. */
function shiftCounters(table: RowTable, at: Ledger): string {
  const shift = `jsonb_to_recordset($3::jsonb) as s (unit text, per text, "from" timestamptz, "to" timestamptz)
    on s.unit = j.unit and s.per = c.value ->> 'per' and s."from" = (c.value ->> 'start')::timestamptz`;
  const shifted = `select jsonb_agg(case when s.unit is null then c.value else c.value || jsonb_build_object('start', s."to") end order by c.place)
    from jsonb_array_elements(x.counters) with ordinality as c (value, place) left join ${shift}`;
  return `update ${at.rows} j set ${after(`jsonb_build_object('counters', (${shifted}))`)}
from ${table.sql} x
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')} and x.status = 'held'
  and exists (select from jsonb_array_elements(x.counters) as c (value) join ${shift})`;
}

/** The units of a reservation are in no counter where everybody begins at nothing: they are given back to none. */
function forgetCounters(table: RowTable, at: Ledger): string {
  return `update ${at.rows} j set ${after(`jsonb_build_object('counters', '[]'::jsonb)`)}
from ${table.sql} x
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')} and x.status = 'held'`;
}

const revoked = `jsonb_build_object('status', 'revoked', 'seat_held', false, 'decided_at', $3::text)`;

/**
 * Nobody is invited who is a member already, or twice at a time: the invitation that comes ends, and one of the target to
 * somebody who comes as a member.
 */
function answerInvitations(table: RowTable, at: Ledger): string[] {
  const sameAddress = `lower(btrim(m.email)) = x.email_key and m.status <> 'removed'`;
  return [
    `update ${at.rows} j set ${after(revoked)} from ${table.sql} x
where ${ofUnits('j')} and ${ofTable('j', table)} and j.action = 'move' and ${rowOfEntry(table, 'x', 'j')} and x.status = 'pending' and (
  exists (select from tenantry.members m where m.tenant_id = j.new_tenant_id and ${sameAddress})
  or exists (select from ${table.sql} o where o.tenant_id = j.new_tenant_id and o.email_key = x.email_key and o.status = 'pending'))`,
    `insert into ${at.rows} (retenanting, unit, table_name, old_tenant_id, old_key, new_tenant_id, new_key, action, before, after)
select distinct on (p.retenanting, p.unit, x.tenant_id, x.id) p.retenanting, p.unit, ${quoteLiteral(table.name)}, x.tenant_id, x.id::text, x.tenant_id, x.id::text,
  'change', row_to_json(x), ${revoked}::json
from ${at.rows} p join tenantry.members m on m.tenant_id = p.old_tenant_id and m.id = p.old_key::uuid
join ${table.sql} x on x.tenant_id = p.new_tenant_id and x.status = 'pending' and ${sameAddress}
where ${ofUnits('p')} and ${ofTable('p', { name: membersName })} and p.action in ('move', 'join') and p.new_tenant_id <> p.old_tenant_id
on conflict do nothing`,
  ];
}

/** Something that was found of rows of the library, for people to look at. */
export interface LibraryNote {
  readonly topic: 'teams-renamed' | 'invitations-revoked' | 'rows-ended' | 'rows-stay';
  readonly about: readonly string[];
  readonly detail: string;
}

/** Tells what was decided over rows of the library that somebody may miss. */
export async function libraryNotes(
  tx: AnyDatabase,
  { memberless }: RowModel,
  at: Ledger,
  params: Params,
): Promise<LibraryNote[]> {
  const stays = (table: string, condition = 'true'): string =>
    `select '${table}' as name, count(*) as rows from ${at.units} u join tenantry.${table} x on x.tenant_id = u.old_tenant_id and ${condition}
    where ${ofUnits('u')} and u.targets > 1`;
  const found = await execute<{ topic: LibraryNote['topic']; about: string[] }>(
    tx,
    `select 'teams-renamed' as topic, array_agg(j.after ->> 'name' order by j.after ->> 'name') as about from ${at.rows} j
  where ${ofUnits('j')} and j.table_name = 'tenantry.teams' and j.action = 'move' and j.after ->> 'name' is not null
union all select 'invitations-revoked', array_agg(j.before ->> 'email' order by j.before ->> 'email') from ${at.rows} j
  where ${ofUnits('j')} and j.table_name = 'tenantry.invitations' and j.after ->> 'status' = 'revoked'
union all select 'rows-ended', array_agg(e.text order by e.text) from (select count(*) || ' in ' || j.table_name as text from ${at.rows} j
  where ${ofUnits('j')} and j.action = 'drop' and j.before is not null and starts_with(j.table_name, 'tenantry.') group by j.table_name) as e
union all select 'rows-stay', array_agg(s.rows || ' in tenantry.' || s.name order by s.name) from (
  ${[stays('teams'), stays('invitations', `x.status = 'pending'`), stays('organization_domains')].join('\n  union all ')}) as s
  where s.rows > 0 and not ${memberless}`,
    params,
  );
  return found.rows.flatMap(({ topic, about }) =>
    about === null ? [] : [{ topic, about, detail: noteDetails[topic] }],
  );
}

const noteDetails: { readonly [Topic in LibraryNote['topic']]: string } = {
  'teams-renamed': 'are the names of teams that got a number: the target has teams of these names',
  'invitations-revoked': 'are not invited any more: they are members, or invited to the target already',
  'rows-ended': 'end: what they belong to went different ways or has no place; a way back has them',
  'rows-stay': 'stay with the first target',
};
