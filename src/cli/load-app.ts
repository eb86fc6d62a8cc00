import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { sql } from 'kysely';
import { isTenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import type { createTenantry } from '../index.ts';
import type { RoleDefinitions } from '../organizations/index.ts';
import type { PlanDefinitions } from '../plans/index.ts';
import type { StrategyName } from '../tenancy/index.ts';
import { loadModule } from './load-module.ts';
import { UsageError } from './usage-error.ts';

/** The modules of an application, as `createTenantry` gives them. */
export type App = ReturnType<
  typeof createTenantry<Record<never, never>, PlanDefinitions, StrategyName, RoleDefinitions, undefined>
>;

const names = ['tenantry.config.ts', 'tenantry.config.mts', 'tenantry.config.js', 'tenantry.config.mjs'];

/**
 * The modules that the commands act on: those of the application, from the function that its configuration exports, so
 * that plans, roles and events are its own; or modules that know no limits and the built-in roles alone.
 *
 * @throws UsageError when the configuration gives something else.
 */
export async function loadApp(db: AnyDatabase, given: string | undefined): Promise<App> {
  const file = given ?? names.find((name) => existsSync(resolve(name)));
  if (file === undefined) return plainApp(db);
  const exported = (await loadModule(file)).default;
  if (typeof exported !== 'function') {
    throw new UsageError(
      `${file} must export by default a function that takes { db } and gives what createTenantry gives`,
    );
  }
  const app = await wired(file, () => exported({ db }));
  if (!isApp(app)) throw new UsageError(`the function of ${file} must give what createTenantry gives`);
  return app;
}

async function wired(file: string, wire: () => unknown): Promise<unknown> {
  try {
    return await wire();
  } catch (error) {
    // What the library says of it is plainer.
    if (isTenantryError(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the function of ${file} failed: ${message}`, { cause: error });
  }
}

async function plainApp(db: AnyDatabase): Promise<App> {
  const { createTenantry, definePlans, hybridSeats } = await import('../index.ts');
  const found = await sql<{ plan: string }>`select distinct plan from tenantry.tenants`.execute(db);
  const plans: PlanDefinitions = Object.fromEntries(
    ['default', ...found.rows.map(({ plan }) => plan)].map((plan) => [plan, {}]),
  );
  return createTenantry<Record<never, never>, PlanDefinitions, StrategyName, RoleDefinitions, undefined>({
    db,
    plans: definePlans(plans),
    strategy: hybridSeats({ plan: 'default' }),
  });
}

function isApp(value: unknown): value is App {
  const parts = ['organizations', 'apiKeys', 'plans', 'audit', 'tenancy', 'platform', 'webhooks'];
  return typeof value === 'object' && value !== null && parts.every((part) => part in value);
}
