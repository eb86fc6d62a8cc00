import type { AnyDatabase } from '../../../database/index.ts';
import type { Strategy } from '../../../tenancy/index.ts';
import { execute } from '../../sql-text.ts';

/**
 * Finds the tenants that users have of their own already under a strategy, by user; the program's tenant for each of
 * them where there is one for all. Name these as targets instead of making new ones.
 *
 * @example
 * ```ts
 * import type { Kysely } from 'kysely';
 * import { perUser } from 'tenantry';
 * import { existingTargets } from 'tenantry/migrate';
 *
 * async function ownTenantOf(db: Kysely<Record<string, never>>, userId: string): Promise<string | undefined> {
 *   return (await existingTargets(db, perUser({ plan: 'free' }), [userId])).get(userId);
 * }
 * ```
 */
export async function existingTargets(
  tx: AnyDatabase,
  to: Strategy,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = userIds.flatMap((userId) => {
    const lookup = to.lookupOf(userId);
    return lookup === null ? [] : [{ userId, ...lookup }];
  });
  const found = await execute<{ user_id: string; tenant_id: string }>(
    tx,
    `select w."userId" as user_id, t.tenant_id
from jsonb_to_recordset($1::jsonb) as w ("userId" text, kind text, value text)
join tenantry.tenant_lookups l on l.kind = w.kind and l.value = w.value
join tenantry.tenants t on t.tenant_id = l.tenant_id
where t.kind = $2 and t.status <> 'moved'`,
    [JSON.stringify(wanted), to.tenantKind],
  );
  return new Map(found.rows.map(({ user_id, tenant_id }) => [user_id, tenant_id]));
}
