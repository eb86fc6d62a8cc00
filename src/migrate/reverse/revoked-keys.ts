import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { keyColumnsSql } from '../parts/keys.ts';
import { liveStore, type Part, type PartStore, partOf } from '../parts/part.ts';
import { keepRows } from '../quarantine-sql.ts';
import { countReturned } from './count-returned.ts';
import { revokeSql } from './keys.ts';

/** Keys that are revoked in the new shape and open in the old one. */
interface OpenKeys {
  readonly part: Part;
  /** What is joined to the legacy table, which is `x`. */
  readonly rows: string;
  readonly where: string;
}

function openKeys(model: Model): OpenKeys | undefined {
  const part = partOf(model, 'apiKeys');
  if (part === undefined) return undefined;
  // Whose a row is does not matter here, and the column may not be there.
  const store: PartStore = { ...liveStore(model), tenantOf: () => 'null::uuid' };
  return {
    part,
    rows: `tenantry.migration_parts q join tenantry.api_keys k on k.tenant_id = q.tenant_id and k.id::text = q.made
    join tenantry.api_key_digests d on d.tenant_id = k.tenant_id and d.key_id = k.id`,
    where: `q.migration = ${quoteLiteral(model.name)} and q.part = 'apiKeys' and k.revoked_at is not null
    and ${keyEquals(part.table.key, 'x', 'q.row_key')}
    and exists (select 1 from (${keyColumnsSql(model, part, '(select x.*)', store)}) as s where s.digest = d.digest and s.key_revoked is null)`,
  };
}

/** Revokes in the old shape what is revoked in the new one; nothing where a legacy row has no plain column for it. */
export function revokeOpenKeysStatements(model: Model): string[] {
  const open = openKeys(model);
  if (open === undefined) return [];
  const { part, rows, where } = open;
  const set = revokeSql(model, part, { dead: 'true', at: 'k.revoked_at', digest: 'null::text', id: 'k.id::text' });
  return set === undefined ? [] : [`update ${part.table.sql} as x set ${set} from ${rows} where ${where}`];
}

/** A key that was revoked in the new shape never comes alive again, at whatever stage the migration is taken back. */
export function revokedKeysStatements(model: Model): string[] {
  const open = openKeys(model);
  if (open === undefined) return [];
  const { part, rows, where } = open;
  const [update] = revokeOpenKeysStatements(model);
  if (update !== undefined) {
    return [
      `with gone as (${update} returning 1)
  ${countReturned(model, 'tenantry.api_keys', '(select count(*) from gone)')}`,
    ];
  }
  return [
    keepRows(model, {
      table: 'tenantry.api_keys',
      rows: `(select k.* from ${part.table.sql} as x cross join ${rows} where ${where})`,
      key: 'n.id::text',
      reason:
        'revoked in the new shape, and alive in the old one, which has no plain column that says so: revoke it there',
    }),
  ];
}
