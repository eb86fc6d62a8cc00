import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import type { SourceExpression } from '../definition.ts';
import type { Model } from '../model.ts';
import { hasMembers, type Part, partOf } from '../parts/part.ts';
import { type Checker, contracted, none, numbers, type VerifyCheck } from './check.ts';

/**
 * From the switch to contract: what the new application wrote stands in the legacy columns, by joins and counts of their own. What
 * waits for a lock of another transaction is told, and no fault.
 */
export async function checkWayBack({ tx, model, column, done, switched }: Checker): Promise<VerifyCheck[]> {
  if (!switched || contracted(done)) return [];
  const checks: VerifyCheck[] = [];
  for (const { table, query, what, good } of [
    ...linkProofs(model, column),
    ...memberProofs(model),
    ...keyProofs(model),
  ]) {
    const { wrong = 0 } = await numbers<'wrong'>(tx, query);
    checks.push(none('way back', table, wrong, what, good));
  }
  const { waiting } = await numbers<'waiting'>(
    tx,
    `select count(*)::text as waiting from tenantry.migration_changes c where c.migration = ${quoteLiteral(model.name)} and c.pending <> '{}'`,
  );
  checks.push({
    name: 'way back',
    table: model.source.name,
    status: 'pass',
    detail: `${waiting} changes wait for a lock`,
  });
  return checks;
}

interface Proof {
  readonly table: string;
  /** Counts what is `wrong`. */
  readonly query: string;
  readonly what: string;
  readonly good: string;
}

/** Rows of a tenant that has source rows lead to one of them. */
function linkProofs({ own, source }: Model, column: string): Proof[] {
  return own.flatMap((table) => {
    const { via, unresolved } = table;
    if (via === undefined || via.parent.name !== source.name || unresolved.kind === 'default-tenant') return [];
    const open = via.columns.map((name) => `t.${quoteIdentifier(name)} is null`).join(' or ');
    return [
      {
        table: table.name,
        query: `select count(*)::text as wrong from ${table.sql} as t where (${open})
  and t.${column} in (select s.${column} from ${source.sql} as s)`,
        what: `rows of the new application lead to no row of "${source.name}"`,
        good: `every row leads to a row of "${source.name}"`,
      },
    ];
  });
}

/** A change that is recorded as carried back: the row of the member's own user says the same. */
function memberProofs(model: Model): Proof[] {
  const part = partOf(model, 'members');
  const { members } = model.definition;
  if (part === undefined || members === undefined || !hasMembers(model.definition)) return [];
  const wrong = Object.entries({ email: members.email, name: members.name }).flatMap(([name, expression]) =>
    typeof expression !== 'string'
      ? []
      : [
          `(c.done && '{${name}}' and btrim(r.${name}) is distinct from btrim(m.${name}) and btrim(coalesce(m.${name}, '')) <> '')`,
        ],
  );
  if (wrong.length === 0) return [];
  const rows = texts(model, part, { user_id: members.userId, email: members.email, name: members.name });
  return [
    {
      table: 'tenantry.members',
      query: `select count(*)::text as wrong from tenantry.migration_changes c
  join tenantry.members m on m.tenant_id = c.tenant_id and m.id::text = c.row_key
  join (${rows}) as r on r.tenant = m.tenant_id and r.user_id = m.user_id
  where c.migration = ${quoteLiteral(model.name)} and c.table_name = 'tenantry.members' and c.pending = '{}' and (${wrong.join(' or ')})`,
      what: 'members have another name or e-mail in the legacy row',
      good: 'what changed of members is in the legacy rows',
    },
  ];
}

/** A key that the new application revoked opens nothing in the old one. */
function keyProofs(model: Model): Proof[] {
  const part = partOf(model, 'apiKeys');
  const { apiKeys } = model.definition;
  if (part === undefined || apiKeys === undefined) return [];
  const rows = texts(model, part, { digest: apiKeys.digest, revoked: apiKeys.revokedAt });
  const digest =
    apiKeys.scheme === 'sha256-hex'
      ? 'lower(btrim(r.digest)) = d.digest'
      : `btrim(r.digest) = encode(decode(d.digest, 'hex'), 'base64')`;
  return [
    {
      table: 'tenantry.api_keys',
      query: `select count(*)::text as wrong from (${rows}) as r join tenantry.api_key_digests d on ${digest}
  join tenantry.api_keys k on k.tenant_id = d.tenant_id and k.id = d.key_id
  where r.tenant = k.tenant_id and k.revoked_at is not null and r.revoked is null and not exists (select 1 from tenantry.migration_changes c
    where c.migration = ${quoteLiteral(model.name)} and c.table_name = 'tenantry.api_keys' and c.row_key = k.id::text
      and (c.left_out <> '{}' or c.pending <> '{}'))`,
      what: 'keys are revoked and open in the old application',
      good: 'a key that was revoked opens in neither application',
    },
  ];
}

/** Columns of the rows of a part as texts, with their tenant. */
function texts(model: Model, { table }: Part, columns: Record<string, SourceExpression | undefined>): string {
  const alias = quoteIdentifier(table.name);
  const list = Object.entries(columns).map(([name, expression]) =>
    expression === undefined ? `null::text as ${name}` : `(${model.text(expression, table.name)})::text as ${name}`,
  );
  return `select ${alias}.${quoteIdentifier(model.column)} as tenant, ${list.join(', ')} from ${table.sql} as ${alias}`;
}
