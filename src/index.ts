/**
 * Tenants, organizations, API keys and plans, wired into one.
 *
 * @packageDocumentation
 */

import type { Kysely } from 'kysely';
import { checkWiring, createGate, type Gate } from './access/index.ts';
import { type ApiKeyEvent, type ApiKeys, type ApiKeysOptions, createApiKeys, tellKeys } from './api-keys/index.ts';
import { type Audit, createAudit } from './audit/index.ts';
import type { EventSink } from './core/index.ts';
import type { AnyDatabase, ModuleDeps } from './database/index.ts';
import {
  createOrganizations,
  type OrganizationEvent,
  type Organizations,
  type OrganizationsOptions,
  type RoleDefinitions,
  type RoleName,
} from './organizations/index.ts';
import {
  createPlans,
  type NamesOf,
  type PlanCatalogue,
  type PlanDefinitions,
  type PlanEvent,
  type PlanNameOf,
  type Plans,
} from './plans/index.ts';
import {
  createPlatform,
  createTenancy,
  type DeclarationsOf,
  type DeclaredTables,
  type Platform,
  type Strategy,
  type StrategyName,
  type Tenancy,
  type TenancyEvent,
  type TenantSource,
} from './tenancy/index.ts';

export type { Access, AccessResult } from './access/index.ts';
export { isTenantryError, TenantryError } from './core/index.ts';
export { definePlans } from './plans/index.ts';
export {
  createTenantContext,
  fromClaim,
  fromHeader,
  fromHostname,
  fromPath,
  fromSubdomain,
  hybridSeats,
  none,
  own,
  perOrg,
  perUser,
  shared,
  trusted,
} from './tenancy/index.ts';

/** Everything that happens to tenants. */
export type TenantryEvent = TenancyEvent | OrganizationEvent | ApiKeyEvent | PlanEvent;

/** What {@link createTenantry} is made from. */
export interface TenantryOptions<
  DB,
  Definitions extends PlanDefinitions,
  Name extends StrategyName,
  Roles extends RoleDefinitions,
  Tables extends DeclarationsOf<DB> | undefined,
> extends Omit<ModuleDeps<TenantryEvent>, 'db'> {
  /** The application's database, where `installSchema` has run. */
  readonly db: Kysely<DB>;
  /** The plans, made by `definePlans`. */
  readonly plans: PlanCatalogue<Definitions>;
  /** Who the tenant is, and on which plan it starts. */
  readonly strategy: Strategy<Name, PlanNameOf<NoInfer<Definitions>>>;
  /** How API keys look and when they open. */
  readonly apiKeys?: ApiKeysOptions;
  /** The application's own roles, added to `owner`, `admin` and `member`, with the permissions that they allow. */
  readonly roles?: Roles;
  /** Who takes a seat, what happens when too many do, and how invitations, teams and their limits are. */
  readonly organizations?: Omit<OrganizationsOptions<Roles, RoleDefinitions>, 'plan' | 'seats' | 'roles'>;
  /** Whose rows the application's tables hold; without it each is taken for a tenant's own, with `tenant_id`. */
  readonly tables?: DeclaredTables<DB, Tables>;
  /** Where requests name their tenant, in the order in which it is looked for; nowhere when absent. */
  readonly resolution?: readonly TenantSource[];
  /** False leaves what happens out of the audit trail; `audit.record` still writes to it. */
  readonly audit?: boolean;
}

/** The modules, bound to one database, one clock and one sink of events. */
export interface Tenantry<
  DB,
  Definitions extends PlanDefinitions,
  Name extends StrategyName,
  Roles extends RoleDefinitions,
  Tables extends DeclarationsOf<DB> | undefined,
> {
  readonly tenancy: Tenancy<DB, Tables, Strategy<Name, PlanNameOf<Definitions>>, PlanNameOf<Definitions>>;
  readonly organizations: Organizations<RoleName<Roles>>;
  readonly apiKeys: ApiKeys;
  readonly plans: Plans<NamesOf<Definitions>>;
  /** The audit trail, which has an entry for everything that the modules change. */
  readonly audit: Audit;
  /** The views across all tenants. Each look is recorded in `audit.platform`. */
  readonly platform: Platform;
  readonly access: Gate<DB, NamesOf<Definitions>, Tables>;
}

/**
 * Binds the modules to a database, a catalogue of plans and a strategy. Each module can be had alone as well, from its
 * own entry point.
 *
 * @throws TenantryError `config_invalid` when the parts do not fit together.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createTenantry, definePlans, hybridSeats } from 'tenantry';
 * import { installSchema } from 'tenantry/database';
 *
 * const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });
 * const tenantry = createTenantry({ db, plans, strategy: hybridSeats({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
 *
 * const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Acme' });
 * const { secret } = await tenantry.apiKeys.issue({ tenantId });
 * const access = await tenantry.access.authenticate({ authorization: `Bearer ${secret}` });
 * await access.consume('calls', 1); // { used: 1, limit: 50, remaining: 49, … }
 * ```
 */
export function createTenantry<
  DB,
  const Definitions extends PlanDefinitions,
  Name extends StrategyName,
  const Roles extends RoleDefinitions = Record<never, never>,
  const Tables extends DeclarationsOf<DB> | undefined = undefined,
>({
  db,
  plans: catalogue,
  strategy,
  apiKeys: keyOptions,
  roles,
  organizations: organizationOptions,
  tables,
  resolution,
  audit: audited = true,
  events: told,
  ...rest
}: TenantryOptions<DB, Definitions, Name, Roles, Tables>): Tenantry<DB, Definitions, Name, Roles, Tables> {
  checkWiring({ db, plans: catalogue, strategy, roles: roles ?? {} });
  const audit = createAudit({ db, ...rest });
  const sinks = joinSinks(audited ? audit.sink : undefined, told);
  // Processes that remember keys hear of what happens to tenants and members.
  const events = sinks === undefined && keyOptions?.cache === undefined ? undefined : joinSinks(sinks, tellKeys);
  const deps = { ...rest, ...(events !== undefined && { events }) };
  const { plan, seats } = strategy;
  const organizations = createOrganizations<Roles, RoleDefinitions>({
    db,
    ...deps,
    ...organizationOptions,
    plan,
    seats: strategy.tenantKind === 'organization' ? seats.initial : null,
    ...(roles !== undefined && { roles }),
    // A suspended member's keys are refused meanwhile; those of a removed one must not open again when they come back.
    async cutAccess(ended, tx) {
      const { tenantId, memberId, how } = ended;
      if (how === 'removed') await apiKeys.revokeAll({ tenantId, memberId }, { db: tx });
      await organizationOptions?.cutAccess?.(ended, tx);
    },
  });
  const tenancy = createTenancy({
    db,
    ...deps,
    strategy,
    plans: Object.keys(catalogue.plans),
    createOrganization: organizations.create,
    platformEvents: audit.sink,
    ...(tables !== undefined && { tables }),
    ...(resolution !== undefined && { resolution }),
  });
  const seatPolicy = organizationOptions?.whenSeatsExceeded;
  const apiKeys = createApiKeys({
    db,
    ...deps,
    ...keyOptions,
    // Where there is a policy, the gate applies it to keys and users alike.
    ...(seatPolicy !== undefined && { seatsExceeded: 'allow' as const }),
  });
  const plans = createPlans({ db, ...deps, plans: catalogue });
  const access = createGate({
    apiKeys,
    plans,
    tenancy,
    permissionsOf: organizations.permissionsOf,
    ...(deps.clock !== undefined && { clock: deps.clock }),
    ...(seatPolicy !== undefined && { seatPolicy }),
    seatPlaceOf: organizations.seatPlaceOf,
    usageByMember: strategy.bill === 'base+seats+usage',
  });
  const platform = createPlatform({ db, ...rest, events: audit.sink });
  return { tenancy, organizations, apiKeys, plans, audit, platform, access };
}

type Sink = EventSink<TenantryEvent, AnyDatabase>;

function joinSinks(first: Sink | undefined, second: Sink | undefined): Sink | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return async (event, tx) => {
    await first(event, tx);
    await second(event, tx);
  };
}
