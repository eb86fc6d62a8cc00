/**
 * Moves a live database from one tenancy to another: a definition, a plan, stages that can be killed and run again, a
 * proof by another path, and a way back.
 *
 * @packageDocumentation
 */

export type { ApplyOptions, ApplyResult } from './apply-migration.ts';
export { applyMigration } from './apply-migration.ts';
export type { MigrationAuditEntry, MigrationEvent } from './audit-trail.ts';
export { readAudit } from './audit-trail.ts';
export {
  bySql,
  defaultTenant,
  defineMigration,
  derived,
  firstIsOwner,
  lookup,
  quarantine,
  roleFrom,
  shared,
  untouched,
  via,
} from './define.ts';
export type {
  Addition,
  AnyMigration,
  ApiKeySource,
  AuditSource,
  DerivedTable,
  FallbackTenant,
  FromTable,
  GrantSource,
  LookupRule,
  MemberSource,
  MigrationDefinition,
  OwnRule,
  RoleRule,
  SharedRule,
  SourceExpression,
  SqlRule,
  SubscriptionSource,
  TableRule,
  TenantSource,
  UnresolvedPolicy,
  UntouchedRule,
  ViaRule,
} from './definition.ts';
export type { DryRunOptions, DryRunReport, DryRunStep } from './dry-run-migration.ts';
export { dryRunMigration } from './dry-run-migration.ts';
export type { SqlFile } from './export/psql.ts';
export type { ExportOptions, ExportSource, SqlExport } from './export-sql.ts';
export { exportSql } from './export-sql.ts';
export type { MigrationFailure } from './failure.ts';
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
export type { ListedMigration } from './list-migrations.ts';
export { listMigrations } from './list-migrations.ts';
export type { KeptRows, MigrationReport, ReportOptions } from './migration-report.ts';
export { migrationReport } from './migration-report.ts';
export type { MigrationStatus } from './migration-status.ts';
export { migrationStatus } from './migration-status.ts';
export { pauseMigration, resumeMigration } from './pause-migration.ts';
export type {
  Decision,
  Estimate,
  MigrationPlan,
  PlannedStep,
  PlannedTable,
  StageName,
  Step,
  StepLock,
} from './plan.ts';
export { planMigration } from './plan-migration.ts';
export { reportMarkdown } from './report-markdown.ts';
export type { AppliedRetenanting, ApplyRetenantingOptions, RetenantingProgress } from './retenant/apply-retenanting.ts';
export { applyRetenanting } from './retenant/apply-retenanting.ts';
export {
  copied,
  defineRetenanting,
  everyTenant,
  follows,
  mergeTenants,
  moveRows,
  ofTarget,
  ofUser,
  splitTenant,
  whole,
} from './retenant/define-retenanting.ts';
export type {
  AnyRetenanting,
  CopiedRule,
  Destination,
  EveryTenant,
  FollowsRule,
  MergeTenants,
  MoveRows,
  OfTargetRule,
  OfUserRule,
  OwnRowRule,
  RetenantingChange,
  RetenantingDefinition,
  RowOptions,
  RowRule,
  SplitTenant,
  UniquePolicy,
  UsersTable,
  WholeRule,
} from './retenant/definition.ts';
export { finishRetenanting } from './retenant/finish-retenanting.ts';
export type {
  KeptRow,
  MovedPeople,
  PeopleConflict,
  PeopleCounts,
  PeopleDecision,
  PeoplePolicies,
  PeopleTarget,
  PeopleUnit,
  PeopleUser,
  PlannedPeople,
  ReturnedPeople,
  UnitName,
} from './retenant/people/index.ts';
export { existingTargets, movePeople, planPeople, returnPeople, verifyPeople } from './retenant/people/index.ts';
export type { PlannedRows, RetenantingConflict, RetenantingPlan } from './retenant/plan.ts';
export type { PlanRetenantingOptions } from './retenant/plan-retenanting.ts';
export { planRetenanting } from './retenant/plan-retenanting.ts';
export type { RetenantingStatus } from './retenant/retenanting-status.ts';
export { retenantingStatus } from './retenant/retenanting-status.ts';
export type { ReturnedRetenanting, RollbackRetenantingOptions } from './retenant/rollback-retenanting.ts';
export { rollbackRetenanting } from './retenant/rollback-retenanting.ts';
export type { RetenantingStage } from './retenant/store.ts';
export type { RetenantingUnit, Way } from './retenant/units.ts';
export type { RetenantingReport } from './retenant/verify-retenanting.ts';
export { verifyRetenanting } from './retenant/verify-retenanting.ts';
export type { CountedRows, RollbackOptions, RollbackResult } from './rollback-migration.ts';
export { rollbackMigration } from './rollback-migration.ts';

export type { ThrottleSettings } from './run/await-turn.ts';
export type { BatchSettings } from './run/batches.ts';
export type { MigrationBlocker } from './run/blockers.ts';
export type { MigrationHold } from './run/hold.ts';
export type { MigrationProgress, OnProgress } from './run/progress.ts';
export type { RunnerSettings } from './run/session.ts';
export type { MigrationStage } from './state.ts';
export type { VerifyCheck } from './verify/check.ts';
export type { VerifyOptions, VerifyReport } from './verify-migration.ts';
export { verifyMigration } from './verify-migration.ts';
