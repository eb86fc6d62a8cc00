import { quoteIdentifier, quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, keyText, type Model } from '../model.ts';
import { keyColumnsSql } from '../parts/keys.ts';
import { liveStore, type Part, partOf } from '../parts/part.ts';
import {
  attemptSql,
  backFunctionSql,
  backName,
  backRowFunctionSql,
  backTriggerSql,
  changedSql,
  differSql,
  inTypeOf,
  leaveSql,
  lockedSql,
  markSql,
  oursSql,
  outcomeVariables,
  plainColumn,
} from './back-sql.ts';
import { deadDigestSql } from './dead-digest.ts';
import { firstRowSql } from './first-row.ts';

const columns = ['revoked_at', 'last_used_at', 'name', 'expires_at'];

/** What happens to API keys in the library is written into the rows that hold them. */
export function keyBackStatements(model: Model): string[] {
  const part = partOf(model, 'apiKeys');
  if (part === undefined) return [];
  const name = backName(model, 'keys');
  const held = `exists (select 1 from tenantry.migration_parts q where q.tenant_id = OLD.tenant_id and q.made = OLD.id::text
      and q.part = 'apiKeys' and q.migration = ${quoteLiteral(model.name)})`;
  const changed = `${changedSql(columns)} || case when OLD.enabled is distinct from NEW.enabled then '{revoked_at}' else '{}' end::text[]`;
  const body = `if TG_OP = 'DELETE' then
    if ${held} then
      perform tenantry.${name}(OLD.tenant_id, OLD.id, '{revoked_at}');
      ${leaveSql(model, 'api_keys', 'OLD.id::text', 'OLD.tenant_id', `'{deleted}'`, 'row_to_json(OLD)')}
    end if;
  elsif TG_OP = 'UPDATE' then
    perform tenantry.${name}(NEW.tenant_id, NEW.id, ${changed});
  end if;`;
  return [
    ...backFunctionSql(model, {
      name,
      parameters: [
        ['tenantry_tenant', 'uuid'],
        ['tenantry_id', 'uuid'],
        ['tenantry_columns', 'text[]'],
      ],
      returns: 'void',
      declare: `tenantry_row tenantry.api_keys; tenantry_key text; tenantry_digest text; tenantry_user text; tenantry_dead boolean := true; tenantry_first text; ${outcomeVariables}`,
      body: keyBody(model, part),
    }),
    ...backRowFunctionSql(model, 'keys', body),
    backTriggerSql(model, 'keys', 'api_keys', { on: 'update', when: differSql([...columns, 'enabled']) }),
    backTriggerSql(model, 'keys', 'api_keys', { on: 'delete' }),
  ];
}

/** All but the copy of what is so of the key. */
const ofDigest = ['digest', 'tenant_id', 'key_id', 'expires_at', 'hash'];

/** The digest comes after the key, or with it; another one when the key is rotated. */
export function digestBackStatements(model: Model): string[] {
  if (partOf(model, 'apiKeys') === undefined) return [];
  const back = (row: 'NEW' | 'OLD'): string =>
    `perform tenantry.${backName(model, 'keys')}(${row}.tenant_id, ${row}.key_id, '{secret}');`;
  const body = `if TG_OP <> 'INSERT' then
    ${back('OLD')}
  end if;
  if TG_OP <> 'DELETE' then
    ${back('NEW')}
  end if;`;
  return [
    ...backRowFunctionSql(model, 'digests', body),
    backTriggerSql(model, 'digests', 'api_key_digests', { on: 'insert' }),
    backTriggerSql(model, 'digests', 'api_key_digests', { on: 'update', when: differSql(ofDigest) }),
    backTriggerSql(model, 'digests', 'api_key_digests', { on: 'delete' }),
  ];
}

/** The keys of a member without access open nothing. */
export function suspendedBackStatements(model: Model): string[] {
  if (partOf(model, 'apiKeys') === undefined) return [];
  const body = `perform tenantry.${backName(model, 'keys')}(k.tenant_id, k.id, '{revoked_at}') from tenantry.api_keys k
    where k.tenant_id = NEW.tenant_id and k.member_id = NEW.id;`;
  return [
    ...backRowFunctionSql(model, 'suspended', body),
    backTriggerSql(model, 'suspended', 'members', { on: 'update', when: differSql(['status']) }),
  ];
}

/** The digest as the legacy column has it. */
function digestSql(model: Model, hex: string): string {
  return model.definition.apiKeys?.scheme === 'sha256-base64' ? `encode(decode(${hex}, 'hex'), 'base64')` : hex;
}

/**
 * SQL that makes a row's key as dead or alive as the library's; undefined when the row has no column that could say it.
 * Where the legacy table has no word for it, the digest itself is made unusable.
 */
export function revokeSql(
  model: Model,
  part: Part,
  key: { readonly dead: string; readonly at: string; readonly digest: string; readonly id: string },
): string | undefined {
  const { table } = part;
  const { apiKeys } = model.definition;
  const revoked = plainColumn(table, apiKeys?.revokedAt);
  const x = (column: string): string => `x.${quoteIdentifier(column)}`;
  if (revoked !== undefined) {
    return `${quoteIdentifier(revoked)} = case when ${key.dead} then coalesce(${x(revoked)}, ${inTypeOf(table, revoked, key.at)}) end`;
  }
  const digest = plainColumn(table, apiKeys?.digest);
  if (digest === undefined) return undefined;
  const notNull = table.table.columns.find(({ name }) => name === digest)?.notNull === true;
  const dead = notNull ? inTypeOf(table, digest, digestSql(model, deadDigestSql(key.id))) : 'null';
  return `${quoteIdentifier(digest)} = case when ${key.dead} then ${dead} else coalesce(${inTypeOf(table, digest, digestSql(model, key.digest))}, ${x(digest)}) end`;
}

function keyBody(model: Model, part: Part): string {
  const { table } = part;
  const { apiKeys } = model.definition;
  const migration = quoteLiteral(model.name);
  const here = keyEquals(table.key, 'x', 'tenantry_key');
  const set = (name: string, assignment: string | undefined): string => {
    const statement =
      assignment === undefined
        ? `tenantry_left := tenantry_left || '${name}'::text;`
        : attemptSql(name, `update ${table.sql} as x set ${assignment} where ${here};`);
    return `if '${name}' = any(tenantry_columns) then
      ${statement}
    end if;`;
  };
  const assigned = (column: string | undefined, value: (column: string) => string): string | undefined =>
    column === undefined ? undefined : `${quoteIdentifier(column)} = ${value(column)}`;
  const used = plainColumn(table, apiKeys?.lastUsedAt);
  const plain = (column: string | undefined, value: string): string | undefined =>
    assigned(column, (name) => inTypeOf(table, name, value));
  const digest = plainColumn(table, apiKeys?.digest);
  const start = plainColumn(table, apiKeys?.start);
  const secret = [
    ...(digest === undefined
      ? []
      : [`${quoteIdentifier(digest)} = ${inTypeOf(table, digest, digestSql(model, 'tenantry_digest'))}`]),
    ...(start === undefined ? [] : [`${quoteIdentifier(start)} = ${inTypeOf(table, start, 'tenantry_row.start')}`]),
  ];
  const writes = [
    // The row holds one secret: the current one, and of a dead key none.
    `if 'secret' = any(tenantry_columns) and tenantry_dead then
      tenantry_columns := array_append(array_remove(tenantry_columns, 'secret'), 'revoked_at');
    end if;`,
    set('secret', digest === undefined ? undefined : secret.join(', ')),
    set(
      'revoked_at',
      revokeSql(model, part, {
        dead: 'tenantry_dead',
        at: 'coalesce(tenantry_row.revoked_at, now())',
        digest: 'tenantry_digest',
        id: 'tenantry_id::text',
      }),
    ),
    set(
      'last_used_at',
      assigned(
        used,
        (name) => `greatest(x.${quoteIdentifier(name)}, ${inTypeOf(table, name, 'tenantry_row.last_used_at')})`,
      ),
    ),
    set('name', plain(plainColumn(table, apiKeys?.name), 'tenantry_row.name')),
    set('expires_at', plain(plainColumn(table, apiKeys?.expiresAt), 'tenantry_row.expires_at')),
  ];
  return `if not ${oursSql(model, 'tenantry_tenant')} then return; end if;
  select * into tenantry_row from tenantry.api_keys k where k.tenant_id = tenantry_tenant and k.id = tenantry_id;
  if found then
    tenantry_dead := tenantry_row.revoked_at is not null or not tenantry_row.enabled or tenantry_row.member_id is not null
      and (select m.status <> 'active' from tenantry.members m where m.tenant_id = tenantry_tenant and m.id = tenantry_row.member_id);
  end if;
  select d.digest into tenantry_digest from tenantry.api_key_digests d where d.tenant_id = tenantry_tenant and d.key_id = tenantry_id
  order by d.expires_at desc nulls first, d.digest limit 1;
  tenantry_dead := tenantry_dead or tenantry_digest is null;
  select q.row_key into tenantry_key from tenantry.migration_parts q
  where q.tenant_id = tenantry_tenant and q.made = tenantry_id::text and q.part = 'apiKeys' and q.migration = ${migration};
  if tenantry_key is not null then
    ${lockedSql(`perform 1 from ${table.sql} as x where ${here} for no key update`, writes.join('\n    '))}
  elsif tenantry_digest is not null and tenantry_row.scheme = 'sha256' and not tenantry_dead then
    ${makeKey(model, part)}
    tenantry_left := '{}';
  end if;
  if tenantry_row.id is not null then
    ${markSql(model, 'api_keys', 'tenantry_id::text', 'tenantry_tenant', 'row_to_json(tenantry_row)')}
  end if;`;
}

/** A key that the library issued gets a row, or the place on its member's row, where the legacy table can hold it. */
function makeKey(model: Model, part: Part): string {
  const { table } = part;
  const { apiKeys, members } = model.definition;
  const migration = quoteLiteral(model.name);
  const digest = plainColumn(table, apiKeys?.digest);
  const nowhere = '-- The legacy tables have no place for it.';
  if (digest === undefined) return nowhere;
  const values = new Map<string, string>([[digest, inTypeOf(table, digest, digestSql(model, 'tenantry_digest'))]]);
  const add = (column: string | undefined, value: string): void => {
    if (column !== undefined && !values.has(column)) values.set(column, inTypeOf(table, column, value));
  };
  add(plainColumn(table, apiKeys?.start), 'tenantry_row.start');
  add(plainColumn(table, apiKeys?.name), 'tenantry_row.name');
  add(plainColumn(table, apiKeys?.createdAt), 'tenantry_row.created_at');
  add(plainColumn(table, apiKeys?.expiresAt), 'tenantry_row.expires_at');
  add(plainColumn(table, apiKeys?.revokedAt), 'tenantry_row.revoked_at');
  add(plainColumn(table, apiKeys?.lastUsedAt), 'tenantry_row.last_used_at');
  const store = liveStore(model);
  const onPersons = apiKeys?.userId === undefined && members?.source === table.name;
  const onTenants = !onPersons && table.name === model.source.name;
  const made = `(select * from ${table.sql} as x where ${keyEquals(table.key, 'x', 'tenantry_key')})`;
  const remember = `insert into ${store.parts} (migration, part, row_key, tenant_id, made)
      select ${migration}, 'apiKeys', s.k, tenantry_tenant, tenantry_id::text from (${keyColumnsSql(model, part, made, store)}) as s where s.digest = tenantry_digest;
      if not found then raise exception 'the row would hold another key'; end if;`;
  if (onPersons || onTenants) {
    const x = `x.${quoteIdentifier(digest)}`;
    const dead = `exists (select 1 from ${store.parts} q join tenantry.api_keys o on o.tenant_id = q.tenant_id and o.id::text = q.made
          where q.row_key = ${keyText(table.key, 'x')} and q.part = 'apiKeys' and q.migration = ${migration} and o.revoked_at is not null)`;
    const those = onPersons
      ? `${store.people} p join ${table.sql} as x on ${keyEquals(table.key, 'x', 'p.row_key')}
        where p.tenant_id = tenantry_tenant and p.member_id = tenantry_row.member_id and p.migration = ${migration}`
      : `${table.sql} as x where ${keyEquals(table.key, 'x', 'tenantry_first')}`;
    return attemptSql(
      'row',
      `tenantry_first := ${firstRowSql(model, 'tenantry_tenant')};
      select ${keyText(table.key, 'x')} into tenantry_key from ${those} and (btrim(coalesce(${x}::text, '')) = '' or ${dead})
      order by btrim(coalesce(${x}::text, '')) <> '', 1 limit 1 for no key update of x;
      if not found then raise exception 'the row holds another key'; end if;
      update ${table.sql} as x set ${[...values].map(([column, value]) => `${quoteIdentifier(column)} = ${value}`).join(', ')}
      where ${keyEquals(table.key, 'x', 'tenantry_key')};
      delete from ${store.parts} q where q.row_key = tenantry_key and q.part = 'apiKeys' and q.migration = ${migration};
      ${remember}`,
    );
  }
  const user = plainColumn(table, apiKeys?.userId);
  add(
    user,
    '(select m.user_id from tenantry.members m where m.tenant_id = tenantry_tenant and m.id = tenantry_row.member_id)',
  );
  const via = table.via;
  const parent = via?.parent.name;
  if (via === undefined || (parent !== model.source.name && parent !== members?.source)) return nowhere;
  via.columns.forEach((column, place) => {
    const from = quoteIdentifier(via.parentKey[place] ?? '');
    add(
      column,
      parent === model.source.name
        ? `select f.${from} from ${model.source.sql} f where ${keyEquals(model.source.key, 'f', 'tenantry_first')}`
        : `select f.${from} from ${store.people} p join ${via.parent.sql} as f on ${keyEquals(via.parent.key, 'f', 'p.row_key')}
        where p.tenant_id = tenantry_tenant and p.member_id = tenantry_row.member_id and p.migration = ${migration} order by p.row_key limit 1`,
    );
  });
  values.set(model.column, 'tenantry_tenant');
  return attemptSql(
    'row',
    `tenantry_first := ${firstRowSql(model, 'tenantry_tenant')};
      insert into ${table.sql} as x (${[...values.keys()].map(quoteIdentifier).join(', ')}) overriding system value
      values (${[...values.values()].join(', ')}) returning ${keyText(table.key, 'x')} into tenantry_key;
      ${remember}`,
  );
}
