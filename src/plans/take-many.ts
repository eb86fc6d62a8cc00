import { type AnyDatabase, createCoalescer } from '../database/index.ts';
import { type CounterKey, type Int8, run } from './store.ts';
import { type Take, type TakeConditions, type Taken, takenOf, takeUnits } from './take-units.ts';

interface Item {
  readonly key: CounterKey;
  readonly conditions: TakeConditions;
}

/*
 * The statement of `takeUnits` for many counters at once, each under its own conditions. Rows that somebody else holds are
 * skipped, so that it never waits: nobody is held up by another tenant's transaction, and two of these statements cannot
 * wait for each other. A row that is locked is looked at in its newest version, and nobody changes it until the commit.
 * It is then found by its place in the table, which is the quickest; one that was changed since the snapshot is not found
 * there. What is skipped, not found, or does not keep its conditions is tried again alone.
 *
 * The tenant is looked up for each row by itself: of a join the planner makes a scan of all tenants.
 */
const takeManyText = `
  with locked as materialized (
    select w.place, w.units, w.revision, c.ctid as row
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
      with ordinality as w (tenant_id, meter, per, period_start, units, ceiling, revision, fence, place)
    join tenantry.usage_counters c on c.tenant_id = w.tenant_id and c.meter = w.meter and c.per = w.per
      and c.period_start = w.period_start
    where c.used <= w.ceiling - w.units and c.entitlement_revision <= w.fence
      and ($10::timestamptz is null or c.hour between $10::timestamptz and $11::timestamptz)
      and (select t.entitlement_revision from tenantry.tenants t
        where t.tenant_id = w.tenant_id and t.status = 'active') = w.revision
    for no key update of c skip locked
  ), counted as (
    update tenantry.usage_counters c set used = c.used + l.units, entitlement_revision = l.revision,
      updated_at = $9::timestamptz,
      hour_units = case when $10::timestamptz is null then c.hour_units else c.hour_units + l.units end
    from locked l where c.ctid = l.row
    returning l.place, c.tenant_id, c.meter, c.per, c.period_start, c.used, c.alerted, c.held_until is not null as held
  )`;

/** What members used, and what is written down by the hour of them and of keys. */
const recorded = `, members as (
    insert into tenantry.member_usage as k (tenant_id, member_id, meter, per, period_start, used, updated_at)
    select c.tenant_id, u.member_id, c.meter, c.per, c.period_start, u.units, $9::timestamptz
    from unnest($12::int[], $13::uuid[], $14::bigint[]) as u (place, member_id, units) join counted c on c.place = u.place
    where exists (select from tenantry.members m where m.tenant_id = c.tenant_id and m.id = u.member_id)
    order by c.tenant_id, u.member_id, c.meter
    on conflict (tenant_id, member_id, meter, per, period_start)
      do update set used = k.used + excluded.used, updated_at = excluded.updated_at
  ), hours as (
    insert into tenantry.usage_hours as k (tenant_id, meter, subject, hour, units)
    select c.tenant_id, c.meter, h.subject, date_trunc('hour', $9::timestamptz, 'UTC'), h.units
    from unnest($15::int[], $16::text[], $17::bigint[]) as h (place, subject, units) join counted c on c.place = h.place
    order by c.tenant_id, c.meter, h.subject
    on conflict (tenant_id, meter, subject, hour) do update set units = k.units + excluded.units
  )`;

const selected = ' select place, used, alerted, held from counted';
const plainText = `${takeManyText}${selected}`;
const recordingText = `${takeManyText}${recorded}${selected}`;

interface Row {
  readonly place: Int8;
  readonly used: Int8;
  readonly alerted: number | null;
  readonly held: boolean;
}

function parametersOf(items: readonly Item[]): unknown[] {
  // They are of one moment, or nearly.
  const last = items.at(-1)?.conditions;
  return [
    items.map(({ key }) => key.tenantId),
    items.map(({ key }) => key.meter),
    items.map(({ key }) => key.per),
    items.map(({ key }) => key.start.toISOString()),
    items.map(({ conditions }) => conditions.units),
    items.map(({ conditions }) => conditions.ceiling),
    items.map(({ conditions }) => conditions.revision),
    items.map(({ conditions }) => conditions.fence),
    last?.now,
    last?.hour?.start ?? null,
    last?.hour?.latest ?? null,
  ];
}

/** What was added, by the place of the item. */
async function takeMany(db: AnyDatabase, items: readonly Item[]): Promise<ReadonlyMap<number, Taken>> {
  const parameters = parametersOf(items);
  const members = items.flatMap(({ conditions }, index) => conditions.members.map((one) => ({ ...one, index })));
  const hours = items.flatMap(({ conditions }, index) => conditions.hours.map((one) => ({ ...one, index })));
  const plain = members.length === 0 && hours.length === 0;
  if (!plain) {
    parameters.push(
      members.map(({ index }) => index + 1),
      members.map(({ memberId }) => memberId),
      members.map(({ units }) => units),
      hours.map(({ index }) => index + 1),
      hours.map(({ subject }) => subject),
      hours.map(({ units }) => units),
    );
  }
  const rows = await run<Row>(db, plain ? plainText : recordingText, parameters);
  return new Map(rows.map((row) => [Number(row.place) - 1, takenOf(row)]));
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
      return items.map(({ key, conditions }, place) => {
        const taken = found.get(place);
        return { taken: taken === undefined ? takeUnits(db, key, conditions) : Promise.resolve(taken) };
      });
    },
  });
  // What is counted by the hour and what is not are statements of their own.
  return async (key, conditions) => (await share(conditions.hour === null ? '' : 'hour', { key, conditions })).taken;
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
