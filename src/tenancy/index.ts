/**
 * Tenants and their strategies; queries and transactions of one tenant.
 *
 * @packageDocumentation
 */

export type { TenantKind, TenantLookup } from '../database/tenant-row.ts';
export type { TenancyEvent, TenantCreated } from './events.ts';
export type { Scope, ScopeDeps } from './scope.ts';
export { createScope, scope } from './scope.ts';
export type { HybridSeatsOptions } from './strategies/hybrid-seats.ts';
export { hybridSeats } from './strategies/hybrid-seats.ts';
export type { NoneOptions } from './strategies/none.ts';
export { none } from './strategies/none.ts';
export type { PerOrgOptions } from './strategies/per-org.ts';
export { perOrg } from './strategies/per-org.ts';
export type { PerUserOptions } from './strategies/per-user.ts';
export { perUser } from './strategies/per-user.ts';
export type { SeatRule, Strategy, StrategyName } from './strategies/strategy.ts';
export type {
  DeclarationsOf,
  OwnTable,
  SharedTable,
  TableDeclaration,
  TableDeclarations,
} from './tables.ts';
export { defineTables, own, shared } from './tables.ts';
export type { Tenancy, TenancyOptions } from './tenancy.ts';
export { createTenancy } from './tenancy.ts';
export type {
  Provisioned,
  ProvisionInput,
  Resolution,
  ResolutionDenial,
  ResolveInput,
  Tenant,
  TenantChange,
} from './tenant.ts';
export type { CreateOrganization, MembershipOf, Tenants, TenantsOptions } from './tenants.ts';
export { createTenants } from './tenants.ts';
export type { RunTransaction, TenantTransactionOptions, TransactionOptions } from './transaction.ts';
export { createTransaction, transaction } from './transaction.ts';
export { trusted } from './trusted.ts';
export type {
  DeclaredRow,
  DeclaredTables,
  ReadonlyRow,
  ScopedDatabase,
  ScopedRow,
  TenantDb,
  TenantQueries,
  TenantTransaction,
} from './types.ts';
