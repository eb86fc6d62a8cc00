/**
 * Audit trails: append-only entries in the transaction of the change, chained by hashes, with erasable personal data.
 *
 * @packageDocumentation
 */

export type { Acting } from './acting.ts';
export type {
  Audit,
  AuditExportInput,
  AuditListInput,
  AuditVerifyInput,
  ErasureSubject,
  PlatformTrail,
} from './audit.ts';
export { createAudit } from './audit.ts';
export { auditHash } from './canonical.ts';
export type {
  AuditActor,
  AuditAnchor,
  AuditChange,
  AuditContext,
  AuditEntry,
  AuditFacts,
  AuditFilter,
  AuditPage,
  AuditRecord,
  AuditTarget,
  JsonValue,
  PersonalFields,
} from './entry.ts';
export type { AnyEvent } from './event-record.ts';
export type { ExportFormat } from './export-entries.ts';
export type { AuditProblem, AuditVerification } from './verify.ts';
