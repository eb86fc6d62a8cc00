import { quoteLiteral } from '../../database/isolation-sql.ts';
import type { Model } from '../model.ts';
import { optionalSql } from '../source-sql.ts';
import { uuidSql } from '../sql-text.ts';
import { beginningSql, keyColumns, type Part, type PartStore, selectSql } from './part.ts';

/**
 * What is read of a row that tells of something that happened. Columns: `k`, `tenant_id`, `action`, `occurred_at`,
 * `actor_id`, `target_type`, `target_id`, `metadata`.
 */
export function auditColumns(model: Model, { table }: Part, from: string, store: PartStore): string {
  const { audit } = model.definition;
  const filled = (expression: Parameters<typeof optionalSql>[2]): string =>
    `nullif(btrim(${optionalSql(model, table, expression)}), '')`;
  const columns = {
    ...keyColumns(store, table),
    action: filled(audit?.action),
    occurred_at: optionalSql(model, table, audit?.occurredAt, 'timestamptz'),
    actor_id: filled(audit?.actorId),
    target_type: filled(audit?.targetType),
    target_id: filled(audit?.targetId),
    metadata: optionalSql(model, table, audit?.metadata, 'jsonb'),
  };
  return selectSql(columns, from, table);
}

/** What an entry that a migration brought over says of where it came from. */
function auditOrigin(model: Model): string {
  return `jsonb_build_object('migration', ${quoteLiteral(model.name)}::text)`;
}

/**
 * Makes entries of the audit trail. They are history: one that was made stays as it is, in the tenant in which it
 * happened, whatever becomes of its row.
 */
export function auditSql(model: Model, part: Part, from: string, store: PartStore): string {
  return `insert into tenantry.audit_entries
    (tenant_id, id, action, occurred_at, actor_type, actor_id, targets, context, metadata)
  select s.tenant_id, ${uuidSql(`${model.name}:audit`, 's.k')}, coalesce(s.action, 'unknown'),
    coalesce(s.occurred_at, ${beginningSql(model)}), case when s.actor_id is null then 'system' else 'user' end, s.actor_id,
    case when coalesce(s.target_type, s.target_id) is null then '[]'::jsonb
      else jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('type', s.target_type, 'id', s.target_id))) end,
    ${auditOrigin(model)}, case when s.metadata is null then '{}'::jsonb
      when jsonb_typeof(s.metadata) = 'object' then s.metadata else jsonb_build_object('value', s.metadata) end
  from (${auditColumns(model, part, from, store)}) as s where s.tenant_id is not null
  on conflict do nothing`;
}
