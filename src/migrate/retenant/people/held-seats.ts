import type { AnyDatabase } from '../../../database/index.ts';
import { execute } from '../../sql-text.ts';
import type { RetenantingUnit } from '../units.ts';

/** Counts anew how many seats pending invitations hold, and whether more are taken than bought. */
export async function countHeldSeats(
  tx: AnyDatabase,
  units: readonly Pick<RetenantingUnit, 'oldTenantId' | 'targets'>[],
  now: Date,
): Promise<void> {
  const tenants = units.flatMap(({ oldTenantId, targets }) => [
    oldTenantId,
    ...targets.map(({ tenantId }) => tenantId),
  ]);
  await execute(
    tx,
    `update tenantry.organizations o set seats_held = n.held, seats_exceeded_at = n.exceeded_at
from (select c.tenant_id, case when c.seats_taken > c.seats_bought then coalesce(c.seats_exceeded_at, $2::timestamptz) end as exceeded_at,
    (select count(*) from tenantry.invitations i where i.tenant_id = c.tenant_id and i.status = 'pending' and i.seat_held)::integer as held
  from tenantry.organizations c where c.tenant_id = any($1::uuid[])) n
where o.tenant_id = n.tenant_id and (o.seats_held <> n.held or o.seats_exceeded_at is distinct from n.exceeded_at)`,
    [[...new Set(tenants)], now],
  );
}
