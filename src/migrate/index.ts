/**
 * Moves a live database from one tenancy to another: a definition, a plan, stages that can be killed and run again, a
 * proof by another path, and a way back.
 *
 * @packageDocumentation
 */

export type { ApplyOptions, ApplyResult } from './apply-migration.ts';
export { applyMigration } from './apply-migration.ts';
export { defaultTenant, defineMigration, firstIsOwner, quarantine, shared, untouched, via } from './define.ts';
export type {
  AnyMigration,
  ApiKeySource,
  MemberSource,
  MigrationDefinition,
  RoleRule,
  SharedRule,
  SourceExpression,
  TableRule,
  TenantSource,
  UnresolvedPolicy,
  UntouchedRule,
  ViaRule,
} from './definition.ts';
export type { SqlFile } from './export/psql.ts';
export type { ExportOptions, ExportSource, SqlExport } from './export-sql.ts';
export { exportSql } from './export-sql.ts';
export type { DraftOptions } from './inspect/draft-definition.ts';
export { draftDefinition } from './inspect/draft-definition.ts';
export type {
  Grouping,
  InspectedColumn,
  InspectedForeignKey,
  InspectedFunction,
  InspectedReference,
  InspectedTable,
  InspectedUnique,
  InspectedView,
  Inspection,
  Judged,
  KeyDigests,
  OtherPath,
  Question,
  QuestionTopic,
  SchemaTable,
  SharedGuess,
  SourceCandidate,
  SourceGuess,
  TableGuess,
  UntouchedGuess,
  ViaGuess,
} from './inspect/inspection.ts';
export type { InspectOptions } from './inspect-database.ts';
export { inspectDatabase } from './inspect-database.ts';
export type { MigrationStatus } from './migration-status.ts';
export { migrationStatus } from './migration-status.ts';
export type { Decision, MigrationPlan, PlannedTable, StageName, Step, StepLock } from './plan.ts';
export { planMigration } from './plan-migration.ts';
export type { RollbackOptions, RollbackResult } from './rollback-migration.ts';
export { rollbackMigration } from './rollback-migration.ts';
export type { BatchSettings } from './run/batches.ts';
export type { MigrationProgress, OnProgress } from './run/progress.ts';
export type { RunnerSettings } from './run/session.ts';
export type { MigrationStage } from './state.ts';
export type { VerifyCheck } from './verify/check.ts';
export type { VerifyReport } from './verify-migration.ts';
export { verifyMigration } from './verify-migration.ts';
