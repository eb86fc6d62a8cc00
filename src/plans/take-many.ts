import { type AnyDatabase, createCoalescer } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { CounterKey, Int8 } from './store.ts';
import {
  beginUnits,
  nothingDue,
  type Take,
  type TakeConditions,
  type Taking,
  takenOf,
  takeUnits,
} from './take-units.ts';

interface Item {
  readonly key: CounterKey;
  readonly conditions: TakeConditions;
  /** Whether the counter may have to be made first, or to begin another hour. */
  readonly fresh: boolean;
}

/** Two ways to see that the tenant is as was assumed; the second one locks it. */
const tenantHolds = `and (select t.entitlement_revision from tenantry.tenants t
        where t.tenant_id = w.tenant_id and t.status = 'active') = ($8::bigint[])[w.kind]`;
const lockedTenant = `cross join lateral (select from tenantry.tenants t
      where t.tenant_id = c.tenant_id and t.entitlement_revision = ($8::bigint[])[w.kind] and t.status = 'active'
      for key share skip locked) t`;

/*
 * The statement of `takeUnits` for many counters at once, each under its own conditions. Rows that somebody else holds are
 * skipped, so that it never waits: nobody is held up by another tenant's transaction, and two of these statements cannot
 * wait for each other. A row that is locked is looked at in its newest version, and nobody changes it until the commit.
 * It is then found by its place in the table, which is the quickest; one that was changed since the snapshot is not found
 * there. What is skipped, not found, or does not keep its conditions is tried again alone.
 *
 * The tenant is looked up for each row by itself: of a join the planner makes a scan of all tenants. Where rows are added
 * beside the counter, it is locked, too, as they would lock it later: who moves a tenant locks it before its counters.
 *
 * What calls have in common (meter, amounts, revision) is sent once, and each call names its kind ($2, from 1). Periods begin
 * when each tenant's do, in milliseconds since 1970 ($5).
 */
const takeManyText = (records: boolean): string => `
  with locked as materialized (
    select w.place, w.kind, c.ctid as row
    from unnest($1::uuid[], $2::int[], $5::float8[]) with ordinality as w (tenant_id, kind, period_start, place)
    join tenantry.usage_counters c on c.tenant_id = w.tenant_id and c.meter = ($3::text[])[w.kind]
      and c.per = ($4::text[])[w.kind] and c.period_start = to_timestamp(w.period_start / 1000)
    ${records ? lockedTenant : ''}
    where c.used <= ($7::bigint[])[w.kind] - ($6::bigint[])[w.kind] and c.entitlement_revision <= ($9::bigint[])[w.kind]
      and ($11::timestamptz is null or c.hour between $11::timestamptz and $12::timestamptz)
      and ${nothingDue('c.tenant_id', 'c.meter', 'c.held_until', '$10')}
      ${records ? '' : tenantHolds}
    for no key update of c skip locked
  ), counted as (
    update tenantry.usage_counters c set used = c.used + ($6::bigint[])[l.kind],
      entitlement_revision = ($8::bigint[])[l.kind], updated_at = $10::timestamptz,
      hour_units = case when $11::timestamptz is null then c.hour_units else c.hour_units + ($6::bigint[])[l.kind] end
    from locked l where c.ctid = l.row
    returning l.place, c.tenant_id, c.meter, c.per, c.period_start, c.used, c.alerted, c.held_until is not null as held
  )`;

/** What is written down by the hour of members and keys, and what members used. */
const hoursText = `, hours as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select c.tenant_id, c.meter, h.subject, date_trunc('hour', $10::timestamptz, 'UTC'), h.units
    from unnest($13::int[], $14::text[], $15::bigint[]) as h (place, subject, units) join counted c on c.place = h.place
    order by c.tenant_id, c.meter, h.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  )`;

const membersText = `, members as (
    insert into tenantry.member_usage as k (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select c.tenant_id, u.member_id, c.meter, c.per, c.period_start, u.units, $10::timestamptz
    from unnest($16::int[], $17::uuid[], $18::bigint[]) as u (place, member_id, units) join counted c on c.place = u.place
    where exists (select from tenantry.members m where m.tenant_id = c.tenant_id and m.id = u.member_id)
    order by c.tenant_id, u.member_id, c.meter
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = k.used + excluded.used, updated_at = excluded.updated_at
  )`;

const selected = ' select place, used, alerted, held from counted';
const texts = {
  plain: `${takeManyText(false)}${selected}`,
  hours: `${takeManyText(true)}${hoursText}${selected}`,
  members: `${takeManyText(true)}${hoursText}${membersText}${selected}`,
} as const;

interface Row {
  readonly place: Int8;
  readonly used: Int8;
  readonly alerted: number | null;
  readonly held: boolean;
}

/** So many kinds are looked through for a call's own, before it gets one of its own. */
const kindsTried = 8;

function parametersOf(items: readonly Item[]): unknown[] {
  const kinds: Item[] = [];
  const kindOf = items.map((item) => numberOfKind(kinds, item));
  // They are of one moment, or nearly.
  const last = items.at(-1)?.conditions;
  return [
    arrayOf(items.map(({ key }) => key.tenantId)),
    arrayOf(kindOf),
    kinds.map(({ key }) => key.meter),
    kinds.map(({ key }) => key.per),
    arrayOf(items.map(({ key }) => key.start.getTime())),
    arrayOf(kinds.map(({ conditions }) => conditions.units)),
    arrayOf(kinds.map(({ conditions }) => conditions.ceiling)),
    arrayOf(kinds.map(({ conditions }) => conditions.revision)),
    arrayOf(kinds.map(({ conditions }) => conditions.fence)),
    last?.now.toISOString(),
    last?.hour?.start.toISOString() ?? null,
    last?.hour?.latest.toISOString() ?? null,
  ];
}

/** The number of an item's kind, from 1; it becomes one of its own where none of the last ones is like it. */
function numberOfKind(kinds: Item[], item: Item): number {
  for (let number = kinds.length; number > Math.max(0, kinds.length - kindsTried); number -= 1) {
    const kind = kinds[number - 1];
    if (kind !== undefined && isAlike(kind, item)) return number;
  }
  return kinds.push(item);
}

function isAlike({ key, conditions }: Item, other: Item): boolean {
  return (
    conditions.units === other.conditions.units &&
    conditions.ceiling === other.conditions.ceiling &&
    conditions.revision === other.conditions.revision &&
    conditions.fence === other.conditions.fence &&
    key.meter === other.key.meter &&
    key.per === other.key.per
  );
}

/** PostgreSQL's text of an array of ids or numbers, which need no quotes: drivers look at each character for them. */
function arrayOf(values: readonly (string | number)[]): string {
  return `{${values.join()}}`;
}

/** What was added, in the place of each item that anything was added for. */
async function takeMany(db: AnyDatabase, items: readonly Item[]): Promise<readonly (Taking | undefined)[]> {
  const taken: (Taking | undefined)[] = items.map(() => undefined);
  for (const row of await run<Row>(db, ...statementOf(items))) taken[Number(row.place) - 1] = { taken: takenOf(row) };
  return taken;
}

function statementOf(items: readonly Item[]): [text: string, parameters: readonly unknown[]] {
  const parameters = parametersOf(items);
  const hours = createColumns();
  const members = createColumns();
  for (const [index, { conditions }] of items.entries()) {
    for (const { subject, units } of conditions.hours) hours.add(index + 1, subject, units);
    for (const { memberId, units } of conditions.members) members.add(index + 1, memberId, units);
  }
  if (hours.isEmpty() && members.isEmpty()) return [texts.plain, parameters];
  parameters.push(...hours.texts());
  if (members.isEmpty()) return [texts.hours, parameters];
  parameters.push(...members.texts());
  return [texts.members, parameters];
}

/** Places, names that need no escape, and units, as the texts of three arrays. A name may be empty, so it is quoted. */
function createColumns() {
  let places = '';
  let names = '';
  let amounts = '';
  return {
    isEmpty: () => places === '',
    texts: () => [`{${places}}`, `{${names}}`, `{${amounts}}`],
    add(place: number, name: string, units: number): void {
      const comma = places === '' ? '' : ',';
      places += `${comma}${place}`;
      names += `${comma}"${name}"`;
      amounts += `${comma}${units}`;
    },
  };
}

/** How many statements are under way at once: two, so that one is prepared here while the other runs there. */
const concurrency = 2;

/** Half of the calls go into each, as long as that is enough to be worth a commit. */
function maxBatch(outstanding: number): number {
  return Math.min(200, Math.max(32, Math.ceil(outstanding / 2)));
}

/** After so many milliseconds a lonely call, which waits for its row, holds up the others no longer. */
const patience = 5;

/** Makes what adds units, the calls for many tenants that come together in one statement. */
export function createTake(db: AnyDatabase): { readonly take: Take; readonly begin: Take } {
  const alone = ({ key, conditions, fresh }: Item): Promise<Taking> =>
    fresh ? beginUnits(db, key, conditions) : takeUnits(db, key, conditions);

  const settledOrLate = createPatience();
  const share = createCoalescer<Item, Taking>({
    concurrency,
    maxBatch,
    gather: true,
    async run(_, items) {
      const [first] = items;
      if (items.length === 1 && first !== undefined) {
        const begun = alone(first);
        await settledOrLate(begun);
        return [begun];
      }
      const taken = await takeMany(db, items);
      return items.map((item, place) => taken[place] ?? alone(item));
    },
  });
  // What is counted by the hour and what is not are statements of their own.
  const queueOf = ({ hour }: TakeConditions): string => (hour === null ? '' : 'hour');
  return {
    take: (key, conditions) => share(queueOf(conditions), { key, conditions, fresh: false }),
    begin: (key, conditions) => share(queueOf(conditions), { key, conditions, fresh: true }),
  };
}

/**
 * Makes what waits for work to be settled, but not for long. Its timers are used again and again: to make one and to clear
 * it for each call would cost more than all the rest here.
 */
function createPatience(): (work: Promise<unknown>) => Promise<void> {
  interface Watch {
    end: () => void;
    readonly timer: NodeJS.Timeout;
  }
  const idle: Watch[] = [];
  const nothing = (): void => undefined;

  function make(): Watch {
    const watch: Watch = { end: nothing, timer: setTimeout(() => watch.end(), patience) };
    watch.timer.unref();
    return watch;
  }

  return (work) =>
    new Promise((resolve) => {
      const watch = idle.pop() ?? make();
      watch.end = resolve;
      watch.timer.refresh();
      const done = (): void => {
        watch.end = nothing;
        idle.push(watch);
        resolve();
      };
      work.then(done, done);
    });
}
