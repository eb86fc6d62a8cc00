import { uuidv7 } from '../../src/core/index.ts';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import type { Row, Suite } from '../harness.ts';

const amount = 1_000_000_000_000;
const plans = definePlans({ bench: { quotas: { calls: { amount, per: 'month' } } } });
const tenantCount = 10_000;

/**
 * `consume` against the usual guarded UPDATE, one statement for each call, written by hand on a table of the same shape:
 * on one hot tenant, and over 10,000 tenants in no order.
 */
export const suite: Suite = async (bench) => {
  const { db, pool, run } = await bench.database();
  const now = new Date();
  const tenants = Array.from({ length: tenantCount }, () => uuidv7());
  await run(
    `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
     select id, 'organization', 'Acme', 'bench', $2::timestamptz, $2::timestamptz, $2::timestamptz
     from unnest($1::uuid[]) as id`,
    [tenants, now],
  );
  await run(`create table bench.usage (
    tenant_id uuid not null, meter text not null, period_start timestamptz not null, used bigint not null,
    primary key (tenant_id, meter, period_start)) with (fillfactor = 50)`);
  await run(`insert into bench.usage select id, 'calls', $2::timestamptz, 0 from unnest($1::uuid[]) as id`, [
    tenants,
    now,
  ]);
  await run(
    `insert into tenantry.usage_counters (tenant_id, meter, per, period_start, used, entitlement_revision, updated_at)
     select id, 'calls', 'month', $2::timestamptz, 0, 1, $2::timestamptz from unnest($1::uuid[]) as id`,
    [tenants, now],
  );
  const { consume } = createPlans({ db, plans });
  // Every tenant has used something in this hour, as it is all the time but at its beginning.
  for (let start = 0; start < tenantCount; start += 100) {
    await Promise.all(tenants.slice(start, start + 100).map((tenantId) => consume(tenantId, 'calls', 1)));
  }
  await run('vacuum analyze');

  const ours = async (tenantId: string): Promise<void> => {
    const result = await consume(tenantId, 'calls', 1);
    if (!result.ok) throw new Error(result.reason);
  };
  const reference = async (tenantId: string): Promise<void> => {
    const { rowCount } = await pool.query({
      name: 'guarded-update',
      text: `update bench.usage set used = used + $4
        where tenant_id = $1 and meter = $2 and period_start = $3 and used + $4 <= $5 returning used`,
      values: [tenantId, 'calls', now, 1, amount],
    });
    if (rowCount !== 1) throw new Error('refused');
  };
  const [hot = ''] = tenants;
  const any = (): string => tenants[Math.floor(Math.random() * tenantCount)] ?? hot;
  const rows: Row[] = [];
  const at = [1, 16, 64];
  rows.push(
    ...(await bench.compare({
      name: 'consume-hot/guarded-update',
      at,
      ours: () => ours(hot),
      reference: () => reference(hot),
    })),
    ...(await bench.compare({
      name: 'consume-many/guarded-update',
      at,
      ours: () => ours(any()),
      reference: () => reference(any()),
    })),
  );
  return rows;
};
