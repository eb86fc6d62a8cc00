/**
 * Tenants and their strategies; queries and transactions of one tenant.
 *
 * @packageDocumentation
 */

export type { Page, PageOptions } from '../core/page.ts';
export type { TenantKind, TenantLookup, TenantStatus } from '../database/tenant-row.ts';
export type { DoctorReport } from './doctor/doctor.ts';
export { doctor, doctorReport } from './doctor/doctor.ts';
export type { Finding, Severity } from './doctor/finding.ts';
export type { FindingCode } from './doctor/finding-codes.ts';
export { findingCodes } from './doctor/finding-codes.ts';
export type { DoctorOptions } from './doctor/options.ts';
export type { TenancyEvent, TenantCreated } from './events.ts';
export type { ForEachOptions, ForEachReport, ForEachTenant } from './for-each-tenant.ts';
export type { ExportTenantInput } from './life/export-tenant.ts';
export { exportTenant } from './life/export-tenant.ts';
export type { ImportedTenant, ImportTenantInput } from './life/import-tenant.ts';
export { importTenant } from './life/import-tenant.ts';
export type { PlatformEvent, TenantRef } from './life/platform-event.ts';
export type { PurgeGuard, PurgeReceipt, PurgeTenantInput } from './life/purge-tenant.ts';
export { purgeTenant } from './life/purge-tenant.ts';
export type { TenantLife } from './life/tenant-life.ts';
export type { Platform, PlatformDeps, ViewInput } from './platform/platform.ts';
export { createPlatform } from './platform/platform.ts';
export type { PlatformMember, PlatformPlan, PlatformTenant, PlatformUsage } from './platform/store.ts';
export type { Hostnames, RequestTenants } from './request-tenants.ts';
export type { Scope, ScopeDeps, ScopeOptions } from './scope.ts';
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
export type { TenantContext } from './tenant-context.ts';
export { createTenantContext } from './tenant-context.ts';
export type { NamedTenant, RequestLike, TenantSource } from './tenant-sources.ts';
export { fromClaim, fromHeader, fromHostname, fromPath, fromSubdomain } from './tenant-sources.ts';
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
