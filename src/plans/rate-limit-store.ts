import type { CellRate } from '../core/cell-rate.ts';
import type { AnyDatabase } from '../database/index.ts';
import { run } from '../database/run.ts';
import type { Int8 } from './store.ts';

/*
 * The row is locked before it is looked at, so what is granted is granted by its newest value, whichever process asks. The
 * calls are granted in order, as far as they fit. A stored time further ahead than the limit can bring it was written by a
 * clock that runs ahead, or under a larger limit; it is taken for the furthest that can be.
 *
 * Where there is no row yet, it is made with what is granted. When somebody else made it meanwhile, nothing was granted, and
 * the next attempt finds it.
 */
const spendText = `
  with held as materialized (
    select tat from tenantry.rate_limits where tenant_id = $1::uuid and name = $2::text for no key update
  ), standing as materialized (
    select least(greatest(tat, $3::bigint), $3::bigint + $5::bigint) as tat from held
    union all
    select $3::bigint from tenantry.tenants where tenant_id = $1::uuid and not exists (select from held)
  ), asked as (
    select sum(cost) over (order by place) as sum from unnest($6::bigint[]) with ordinality as a (cost, place)
  ), fitting as materialized (
    select coalesce(max(a.sum), 0)::bigint as units, count(a.sum) as calls, s.tat from standing s
    left join asked a on a.sum <= ($3::bigint + $5::bigint - s.tat) / $4::bigint group by s.tat
  ), spent as (
    update tenantry.rate_limits r set tat = f.tat + f.units * $4::bigint from fitting f
    where r.tenant_id = $1::uuid and r.name = $2::text and f.units > 0
    returning r.tat
  ), made as (
    insert into tenantry.rate_limits (tenant_id, name, tat)
    select $1::uuid, $2::text, tat + units * $4::bigint from fitting where units > 0 and not exists (select from held)
    on conflict (tenant_id, name) do nothing
    returning tat
  )
  select calls, tat + units * $4::bigint as tat,
    units = 0 or exists (select from spent) or exists (select from made) as done from fitting`;

/** After the second attempt only a tenant that is being deleted and made anew has no row. */
const attempts = 3;

/** Spends calls of a rate limit in order, as far as they fit; `undefined` when there is no such tenant. */
export async function spendRate(
  db: AnyDatabase,
  {
    tenantId,
    name,
    now,
    rate,
    costs,
  }: {
    readonly tenantId: string;
    readonly name: string;
    /** Microseconds since 1970. */
    readonly now: number;
    readonly rate: CellRate;
    readonly costs: readonly number[];
  },
): Promise<{ readonly calls: number; readonly tat: number } | undefined> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const parameters = [tenantId, name, now, rate.step, rate.room, costs];
    const [row] = await run<{ calls: Int8; tat: Int8; done: boolean }>(db, spendText, parameters);
    if (row === undefined) return undefined;
    if (row.done) return { calls: Number(row.calls), tat: Number(row.tat) };
  }
  return undefined;
}
