/**
 * The library's tables in schema `tenantry`, their installation, and helpers for PostgreSQL that modules share.
 *
 * @packageDocumentation
 */

export type { CoalescerOptions } from './coalesce.ts';
export { createCoalescer } from './coalesce.ts';
export type { AnyDatabase, CallOptions, ModuleDeps } from './handle.ts';
export { inTransaction } from './handle.ts';
export type { InstallOptions, InstallResult } from './install.ts';
export { installSchema } from './install.ts';
export type { IsolatedTable } from './isolation-sql.ts';
export { isolateTable, unisolateTable } from './isolation-sql.ts';
export type { ExceededSeats, GrantsValue } from './member-facts.ts';
export type {
  ClientOf,
  Connect,
  ConnectablePool,
  NameStatementsOptions,
  QueryClient,
  TransactionPool,
} from './named-statements.ts';
export { nameStatements } from './named-statements.ts';
export type { ReencryptInput, ReencryptResult } from './reencrypt.ts';
export { reencrypt } from './reencrypt.ts';
export { appRole, librarySchema, purgeRole, serviceRole, tenantSetting } from './roles.ts';
