import {
  defineRetenanting,
  everyTenant,
  follows,
  ofUser,
  type RetenantingPlan,
  shared,
} from '../../src/migrate/index.ts';
import type { StrategyName } from '../../src/tenancy/index.ts';
import { everybody, type Filled, stranger, strategyOf, type World } from './transition-world.ts';

/** A change of the whole program from one strategy to another; users of one company become one organization. */
export const transitionOf = (from: StrategyName, to: StrategyName, { keyIds }: Filled) =>
  defineRetenanting<World>()({
    name: `${from}-to-${to}`,
    to: strategyOf[to],
    changes: [
      everyTenant({
        from: strategyOf[from],
        users: { table: 'people', id: 'id', email: 'email', organization: 'company' },
        ...(from === 'none' && { keys: Object.fromEntries([...keyIds].map(([user, id]) => [user, [id]])) }),
      }),
    ],
    tables: { projects: ofUser('user_id'), notes: follows('project_id'), people: shared() },
  });

/** The tenant of each user after it, and of what is nobody's by the tenant where it stood. */
export function tenantsAfter(
  { units }: RetenantingPlan,
  { tenantOf }: Filled,
): { readonly after: ReadonlyMap<string, string>; readonly rest: ReadonlyMap<string, string> } {
  const after = new Map<string, string>();
  for (const { id } of everybody) {
    const unit = units.find(({ oldTenantId }) => oldTenantId === tenantOf.get(id));
    const named = unit?.targets.find(({ users = [] }) => users.some(({ userId }) => userId === id));
    after.set(id, (named ?? unit?.targets[0])?.tenantId ?? '');
  }
  // A program without tenants knows everybody whom the application knows.
  const found = units
    .flatMap(({ targets }) => targets)
    .find(({ users = [] }) => users.some(({ userId }) => userId === stranger.id));
  if (found !== undefined) after.set(stranger.id, found.tenantId);
  return { after, rest: new Map(units.map(({ oldTenantId, targets }) => [oldTenantId, targets[0].tenantId])) };
}
