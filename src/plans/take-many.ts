import { type AnyDatabase, createCoalescer } from '../database/index.ts';
import { type CounterKey, type Int8, run, type TakeConditions, type Taken, takenOf, takeUnits } from './store.ts';

interface Item {
  readonly key: CounterKey;
  readonly conditions: TakeConditions;
}

/** Adds units to counters; see `takeUnits`. */
export type Take = (key: CounterKey, conditions: TakeConditions) => Promise<Taken | null>;

/*
 * The statement of `takeUnits` for many counters at once, each under its own conditions. Rows that somebody else holds are
 * skipped, so that it never waits: nobody is held up by another tenant's transaction, and two of these statements cannot
 * wait for each other. A row that is locked is looked at in its newest version, and nobody changes it until the commit.
 * It is then found by its place in the table, which is the quickest; one that was changed since the snapshot is not found
 * there. What is skipped, not found, or does not keep its conditions is tried again alone.
 */
const takeManyText = `
  with locked as materialized (
    select w.place, w.tenant_id, w.meter, w.per, w.period_start, w.units, w.revision, c.ctid as row
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
      with ordinality as w (tenant_id, meter, per, period_start, units, ceiling, revision, fence, place)
    join tenantry.usage_counters c on c.tenant_id = w.tenant_id and c.meter = w.meter and c.per = w.per
      and c.period_start = w.period_start
    join tenantry.tenants t on t.tenant_id = w.tenant_id and t.entitlement_revision = w.revision and t.status = 'active'
    where c.used <= w.ceiling - w.units and c.entitlement_revision <= w.fence
    for no key update of c skip locked
  ), counted as (
    update tenantry.usage_counters c set used = c.used + l.units, entitlement_revision = l.revision, updated_at = $9::timestamptz
    from locked l where c.ctid = l.row
    returning l.place, l.tenant_id, l.meter, l.per, l.period_start, l.units, c.used, c.alerted, c.held_until is not null as held
  )`;

/** What each tenant used in the hour: all that there is to record where neither members nor keys are told of. */
const sums = `, sums as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select c.tenant_id, c.meter, '', date_trunc('hour', $9::timestamptz, 'UTC'), c.units from counted c
    order by c.tenant_id, c.meter
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  )`;

const kept = `, members as (
    insert into tenantry.member_usage as k (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select c.tenant_id, u.member_id, c.meter, c.per, c.period_start, u.units, $9::timestamptz
    from unnest($10::int[], $11::uuid[], $12::bigint[]) as u (place, member_id, units) join counted c on c.place = u.place
    where exists (select from tenantry.members m where m.tenant_id = c.tenant_id and m.id = u.member_id)
    order by c.tenant_id, u.member_id, c.meter
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = k.used + excluded.used, updated_at = excluded.updated_at
  ), hours as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select c.tenant_id, c.meter, h.subject, date_trunc('hour', $9::timestamptz, 'UTC'), h.units
    from unnest($13::int[], $14::text[], $15::bigint[]) as h (place, subject, units) join counted c on c.place = h.place
    order by c.tenant_id, c.meter, h.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  )`;

const selected = ' select place, used, alerted, held from counted';
const texts = {
  plain: `${takeManyText}${selected}`,
  sums: `${takeManyText}${sums}${selected}`,
  all: `${takeManyText}${kept}${selected}`,
} as const;

interface Row {
  readonly place: Int8;
  readonly used: Int8;
  readonly alerted: number | null;
  readonly held: boolean;
}

async function takeMany(db: AnyDatabase, items: readonly Item[]): Promise<ReadonlyMap<number, Taken>> {
  const last = items.at(-1);
  if (last === undefined) return new Map();
  const parameters: unknown[] = [
    items.map(({ key }) => key.tenantId),
    items.map(({ key }) => key.meter),
    items.map(({ key }) => key.per),
    items.map(({ key }) => key.start),
    items.map(({ conditions }) => conditions.units),
    items.map(({ conditions }) => conditions.ceiling),
    items.map(({ conditions }) => conditions.revision),
    items.map(({ conditions }) => conditions.fence),
    last.conditions.now,
  ];
  const members = items.flatMap(({ conditions }, index) => conditions.members.map((one) => ({ ...one, index })));
  const hours = items.flatMap(({ conditions }, index) => conditions.hours.map((one) => ({ ...one, index })));
  const kind = kindOf(items, members.length, hours.length);
  if (kind === 'all') {
    parameters.push(
      members.map(({ index }) => index + 1),
      members.map(({ memberId }) => memberId),
      members.map(({ units }) => units),
      hours.map(({ index }) => index + 1),
      hours.map(({ subject }) => subject),
      hours.map(({ units }) => units),
    );
  }
  const rows = await run<Row>(db, texts[kind], parameters);
  return new Map(rows.map((row) => [Number(row.place) - 1, takenOf(row)]));
}

/** How much there is to record: nothing, one sum for each counter, or more. */
function kindOf(items: readonly Item[], members: number, hours: number): keyof typeof texts {
  if (members === 0 && hours === 0) return 'plain';
  return members === 0 && items.every(({ conditions }) => conditions.hours.length === 1) ? 'sums' : 'all';
}

/**
 * How many statements are under way at once, and how many counters each has; while they are, calls gather for the next.
 * More than one, so that one is prepared here while the other runs there.
 */
const concurrency = 3;
const maxBatch = 32;
/** After so many milliseconds a lonely call, which waits for its row, holds up the others no longer. */
const patience = 5;

/** Makes what adds units, the calls for many tenants that come together in one statement. */
export function createTake(db: AnyDatabase): Take {
  const share = createCoalescer<Item, { readonly taken: Promise<Taken | null> }>({
    concurrency,
    maxBatch,
    async run(_, items) {
      const [first] = items;
      if (items.length === 1 && first !== undefined) {
        const taken = takeUnits(db, first.key, first.conditions);
        await settledOrLate(taken);
        return [{ taken }];
      }
      const found = await takeMany(db, items);
      return items.map(({ key, conditions }, index) => {
        const taken = found.get(index);
        return { taken: taken === undefined ? takeUnits(db, key, conditions) : Promise.resolve(taken) };
      });
    },
  });
  return async (key, conditions) => (await share('', { key, conditions })).taken;
}

async function settledOrLate(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patience);
  });
  await Promise.race([
    work.then(
      () => undefined,
      () => undefined,
    ),
    late,
  ]);
  clearTimeout(timer);
}
