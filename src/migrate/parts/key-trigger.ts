import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyText, type Model } from '../model.ts';
import { backName } from '../reverse/back-sql.ts';
import { deadDigestSql } from '../reverse/dead-digest.ts';
import {
  digestPattern,
  digestsSql,
  fillKeysSql,
  keyColumnsSql,
  keyIdSql,
  keysAsideSql,
  keysSql,
  ownerThereSql,
} from './keys.ts';
import { asideName, liveStore, type Part } from './part.ts';
import type { TriggerBody } from './triggers.ts';

/**
 * What happens when the old application writes a row with an API key: a new key opens, a key that was replaced or
 * deleted does not any more, one that was revoked or let in again follows, one whose row moved to another tenant opens
 * that one.
 */
export function keyTrigger(model: Model, part: Part): TriggerBody {
  const store = liveStore(model);
  const migration = quoteLiteral(model.name);
  const column = quoteIdentifier(model.column);
  const key = (row: 'NEW' | 'OLD'): string => keyText(part.table.key, row);
  const columns = (row: 'NEW' | 'OLD'): string => keyColumnsSql(model, part, `(select ${row}.*)`, store);
  const whose = (row: string): string => `q.row_key = ${row} and q.part = 'apiKeys' and q.migration = ${migration}`;
  const held = `q.row_key = ${key('NEW')}`;
  const body = `if TG_OP <> 'INSERT' then
    if TG_OP = 'UPDATE' and ${key('OLD')} is distinct from ${key('NEW')} then
      update ${store.parts} q set row_key = ${key('NEW')} where ${whose(key('OLD'))};
    end if;
    select q.tenant_id, q.made into tenantry_tenant, tenantry_key from ${store.parts} q
    where ${whose(`case TG_OP when 'DELETE' then ${key('OLD')} else ${key('NEW')} end`)};
    if TG_OP = 'UPDATE' and (select s::text from (${columns('OLD')}) as s) is not distinct from (select s::text from (${columns('NEW')}) as s) then return null; end if;
    delete from tenantry.migration_quarantine q where q.migration = ${migration} and q.table_name = ${quoteLiteral(asideName(part))} and q.row_key = ${key('OLD')};
  end if;
  if TG_OP <> 'DELETE' then
    tenantry_opens := exists (select 1 from tenantry.tenants t where t.tenant_id = NEW.${column});
    -- The key that the row holds may be one that the library issued, or the mark of one that it revoked.
    select coalesce((select d.key_id::text from tenantry.api_key_digests d where d.digest = s.digest and d.tenant_id = NEW.${column}),
      case when s.digest = ${deadDigestSql('tenantry_key')} then tenantry_key end, ${keyIdSql(model, 's.digest')}::text) into tenantry_new from (${columns('NEW')}) as s
    where s.digest ~ '${digestPattern}' and tenantry_opens and ${ownerThereSql(model, store)};
  end if;
  if tenantry_key is not null and tenantry_new is distinct from tenantry_key then
    update tenantry.api_keys k set revoked_at = coalesce(k.revoked_at, now()) where k.tenant_id = tenantry_tenant and k.id = tenantry_key::uuid;
    delete from ${store.parts} q where ${whose(`case TG_OP when 'DELETE' then ${key('OLD')} else ${key('NEW')} end`)};
  elsif tenantry_key is not null and tenantry_tenant <> NEW.${column} then
    insert into tenantry.api_keys (tenant_id, id, name, environment, start, scheme, scopes, enabled, created_at, expires_at, revoked_at, last_used_at)
    select NEW.${column}, k.id, k.name, k.environment, k.start, k.scheme, k.scopes, k.enabled, k.created_at, k.expires_at, k.revoked_at, k.last_used_at
    from tenantry.api_keys k where k.tenant_id = tenantry_tenant and k.id = tenantry_key::uuid on conflict do nothing;
    update tenantry.api_key_digests d set tenant_id = k.tenant_id, facts = k.facts from tenantry.api_keys k
    where k.tenant_id = NEW.${column} and k.id = tenantry_key::uuid and d.tenant_id = tenantry_tenant and d.key_id = tenantry_key::uuid;
    delete from tenantry.api_keys k where k.tenant_id = tenantry_tenant and k.id = tenantry_key::uuid;
    update ${store.parts} q set tenant_id = NEW.${column} where ${whose(key('NEW'))};
  end if;
  if tenantry_opens then
    ${fillKeysSql(model, part, '(select NEW.*)', store)};
    ${keysSql(model, part, held, store)};
    ${digestsSql(model, part, held, store)};
    ${keysAsideSql(model, part, '(select NEW.*)', store)};
    if TG_OP = 'UPDATE' and tenantry_new = tenantry_key and (select s.key_revoked from (${columns('OLD')}) as s) is not null
      and exists (select 1 from tenantry.migration_changes c where c.migration = ${migration} and c.table_name = 'tenantry.api_keys'
        and c.row_key = tenantry_key and c.row_data ->> 'revoked_at' is not null) then
      -- The new application revoked it: the old one does not let it in again.
      perform tenantry.${backName(model, 'keys')}(NEW.${column}, tenantry_key::uuid, '{revoked_at}');
    elsif TG_OP = 'UPDATE' and tenantry_new = tenantry_key and (select s.key_revoked from (${columns('OLD')}) as s) is not null then
      update tenantry.api_keys k set revoked_at = null from (${columns('NEW')}) as s
      where s.key_revoked is null and k.tenant_id = NEW.${column} and k.id = tenantry_key::uuid;
    end if;
  end if;
  return null;`;
  return {
    declare: 'declare tenantry_tenant uuid; tenantry_key text; tenantry_new text; tenantry_opens boolean := false;',
    body,
  };
}
