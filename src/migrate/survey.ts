import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { quoteIdentifier, quoteLiteral } from '../database/isolation-sql.ts';
import { keyText, type Model, type OwnTable, sameColumns, tenantOfRow } from './model.ts';
import type { Decision } from './plan.ts';
import { referrersOf } from './referrers.ts';
import { fillMapSql, mappedRows, sourceColumns } from './source-sql.ts';
import { execute } from './sql-text.ts';
import { hasQuarantineAbove } from './stages/enforce.ts';

/** The map of a plan: the same columns as the real one, gone when the plan's transaction ends. */
const planMap = 'pg_temp.tenantry_plan_map';

/** What a migration would make and meet, counted on the live rows. */
export interface Survey {
  readonly sourceRows: number;
  readonly tenants: number;
  readonly members: number;
  readonly keys: number;
  readonly tables: readonly {
    readonly table: OwnTable;
    readonly rows: number;
    readonly unresolved: number;
    readonly samples: readonly string[];
  }[];
  readonly decisions: readonly Decision[];
}

/**
 * Groups the source rows and leads every row to its tenant, in a transaction that is rolled back, with the expressions
 * that the backfill uses.
 *
 * @throws TenantryError `migration_rows_unresolved`, `migration_rows_ambiguous`, `migration_conflict`.
 */
export async function survey(tx: AnyDatabase, model: Model): Promise<Survey> {
  await execute(
    tx,
    `create temp table tenantry_plan_map (migration text collate "C", source_key text collate "C", group_key text, tenant_id uuid,
  member_key text, rule text, primary key (migration, source_key)) on commit drop`,
  );
  await execute(tx, fillMapSql(model, planMap));
  await execute(tx, `analyze ${planMap}`);
  await refuseUngrouped(tx, model);
  await refuseConflicts(tx, model);
  await refuseWrongGroups(tx, model);
  const rows = mappedRows(model, 'true', planMap);
  const totals = await execute<Record<'source' | 'tenants' | 'members' | 'keys', string>>(
    tx,
    `select count(*)::text as source, count(distinct r.tenant_id)::text as tenants,
  count(distinct r.member_key)::text as members, count(r.digest)::text as keys from ${rows}`,
  );
  const total = totals.rows[0];
  const tables: Survey['tables'][number][] = [];
  for (const table of model.own) tables.push(await surveyTable(tx, model, table));
  for (const table of model.own) await refuseCrossing(tx, model, table);
  for (const { table, unresolved } of tables) if (unresolved > 0) await refuseReferred(tx, model, table);
  return {
    sourceRows: Number(total?.source ?? 0),
    tenants: Number(total?.tenants ?? 0),
    members: model.definition.members === undefined ? 0 : Number(total?.members ?? 0),
    keys: Number(total?.keys ?? 0),
    tables,
    decisions: await decisions(tx, model, rows),
  };
}

interface Counted {
  readonly count: string;
  readonly samples: string[] | null;
}

/** Counts what a query finds and keeps five samples. The query gives one text column, `sample`. */
async function countSamples(tx: AnyDatabase, query: string): Promise<{ count: number; samples: string[] }> {
  const found = await execute<Counted>(
    tx,
    `with found as (${query}) select count(*)::text as count,
  (select array_agg(sample order by sample) from (select sample from found order by sample limit 5) as s) as samples from found`,
  );
  return { count: Number(found.rows[0]?.count ?? 0), samples: found.rows[0]?.samples ?? [] };
}

async function refuseUngrouped(tx: AnyDatabase, model: Model): Promise<void> {
  const { count, samples } = await countSamples(
    tx,
    `select s.k as sample from (${sourceColumns(model, model.source.sql)}) as s where s.g is null`,
  );
  if (count === 0) return;
  throw new TenantryError('migration_rows_unresolved', {
    migration: model.name,
    table: model.source.name,
    rows: count,
    keys: samples,
    remedy: 'Add a rule to tenants.sameTenant that every row has, such as the primary key.',
  });
}

async function refuseConflicts(tx: AnyDatabase, model: Model): Promise<void> {
  const rows = mappedRows(model, 'true', planMap);
  const conflict = async (query: string, remedy: string): Promise<void> => {
    const { count, samples } = await countSamples(tx, query);
    if (count === 0) return;
    const details = { migration: model.name, table: model.source.name, rows: count, keys: samples, remedy };
    throw new TenantryError('migration_conflict', details);
  };
  if (model.definition.apiKeys !== undefined) {
    await conflict(
      `select r.k as sample from ${rows} where r.digest !~ '^[0-9a-f]{64}$'`,
      'These API key digests are no SHA-256; correct them or set them to NULL.',
    );
    await conflict(
      `select r.k as sample from (select r.k, count(*) over (partition by r.digest) as same, r.digest from ${rows}) as r
  where r.digest is not null and (r.same > 1 or exists (select 1 from tenantry.api_key_digests d where d.digest = r.digest))`,
      'Two rows hold the same API key: a key opens one door only. Set all but one to NULL.',
    );
  }
  if (model.definition.members !== undefined && model.definition.to.tenantKind === 'organization') {
    await conflict(
      `select r.k as sample from (select r.k, r.user_id, count(*) over (partition by r.tenant_id, r.user_id) as same from ${rows}
  where r.source_key = r.member_key) as r where r.same > 1 or r.user_id is null or btrim(r.user_id) = ''`,
      'members.userId is empty, or the same for two persons of one tenant; choose a unique column, or join them with sameMember.',
    );
  }
}

/** Strategies without organizations have one tenant for each user, or one for all; the groups must fit that. */
async function refuseWrongGroups(tx: AnyDatabase, model: Model): Promise<void> {
  const { to, members } = model.definition;
  if (to.tenantKind === 'organization') return;
  const rows = mappedRows(model, 'true', planMap);
  const invalid = (path: string, problem: string): TenantryError =>
    new TenantryError('migration_definition_invalid', { migration: model.name, path, problem });
  if (to.tenantKind === 'program') {
    const { count } = await countSamples(tx, `select distinct r.tenant_id::text as sample from ${rows}`);
    if (count <= 1) return;
    throw invalid('tenants.sameTenant', `makes ${count} tenants, and ${to.name} has one: group by a constant`);
  }
  if (members === undefined) throw invalid('members', `is missing: ${to.name} names each tenant by its user`);
  const { count, samples } = await countSamples(
    tx,
    `select min(r.k) as sample from ${rows} group by r.tenant_id having count(distinct r.user_id) <> 1`,
  );
  if (count === 0) return;
  throw new TenantryError('migration_conflict', {
    migration: model.name,
    table: model.source.name,
    rows: count,
    keys: samples,
    remedy: 'These rows make tenants with no user or with several; group by what members.userId is.',
  });
}

/**
 * Rows that go to quarantine are deleted from their table, so nothing that stays may refer to them: by the rules of its
 * foreign key it would be deleted with them, or changed, or would forbid it.
 */
async function refuseReferred(tx: AnyDatabase, model: Model, table: OwnTable): Promise<void> {
  for (const referrer of await referrersOf(tx, table)) {
    const own = model.own.find(({ name }) => referrer.schema === model.schema && referrer.name === name);
    const stays = own === undefined ? 'true' : `${tenantOfRow(model, own, 'r', planMap)} is not null`;
    const { count, samples } = await countSamples(
      tx,
      `select ${keyText(table.key, 't')} as sample from ${referrer.sql} as r join ${table.sql} as t on ${referrer.on}
  where ${tenantOfRow(model, table, 't', planMap)} is null and ${stays}`,
    );
    if (count === 0) continue;
    throw new TenantryError('migration_conflict', {
      migration: model.name,
      table: table.name,
      rows: count,
      keys: samples,
      remedy: `They lead to no tenant and would go to quarantine, but rows of ${referrer.sql} that stay refer to them. Mend them, let ${referrer.sql} find its tenant through them, or choose defaultTenant(key).`,
    });
  }
}

async function surveyTable(tx: AnyDatabase, model: Model, table: OwnTable): Promise<Survey['tables'][number]> {
  const counted = await execute<{ count: string }>(tx, `select count(*)::text as count from ${table.sql}`);
  const tenant = tenantOfRow(model, table, 't', planMap);
  const { count, samples } = await countSamples(
    tx,
    `select ${keyText(table.key, 't')} as sample from ${table.sql} as t where ${tenant} is null`,
  );
  if (count > 0 && table.unresolved.kind !== 'quarantine' && !hasQuarantineAbove(table)) {
    throw new TenantryError('migration_rows_unresolved', {
      migration: model.name,
      table: table.name,
      rows: count,
      keys: samples,
      remedy:
        'Mend the rows, or choose { unresolved: quarantine() } or { unresolved: defaultTenant(key) } for the table.',
    });
  }
  return { table, rows: Number(counted.rows[0]?.count ?? 0), unresolved: count, samples };
}

/** A row and what it refers to must have the same tenant; otherwise the row leads to two. */
async function refuseCrossing(tx: AnyDatabase, model: Model, table: OwnTable): Promise<void> {
  for (const { key, parent: parentName } of table.references) {
    const parent = model.own.find((candidate) => candidate.name === parentName);
    const led = table.via?.parent.name === parentName && sameColumns(key.columns, table.via.columns);
    if (parent === undefined || led) continue;
    const on = key.columns.map(
      (column, place) => `t.${quoteIdentifier(column)} = o.${quoteIdentifier(key.targetColumns[place] ?? '')}`,
    );
    const { count, samples } = await countSamples(
      tx,
      `select ${keyText(table.key, 't')} as sample from ${table.sql} as t join ${parent.sql} as o on ${on.join(' and ')}
  where ${tenantOfRow(model, table, 't', planMap)} <> ${tenantOfRow(model, parent, 'o', planMap)}`,
    );
    if (count === 0) continue;
    throw new TenantryError('migration_rows_ambiguous', {
      migration: model.name,
      table: table.name,
      rows: count,
      keys: samples,
      remedy: `By "${table.via?.columns.join(', ') ?? 'its own key'}" they lead to one tenant, by foreign key "${key.name}" to another. Mend the rows or the definition.`,
    });
  }
}

/** What is right by the rules and still worth a person's look. */
async function decisions(tx: AnyDatabase, model: Model, rows: string): Promise<Decision[]> {
  const asked: { topic: string; detail: string; query: string }[] = [
    {
      topic: 'persons',
      detail:
        'source rows are the same person as an older row of their tenant: they become one member, all their keys kept',
      query: `select r.k || ' = ' || r.member_key as sample from ${rows} where r.source_key <> r.member_key`,
    },
    {
      topic: 'tenants',
      detail: 'tenants are made from several source rows',
      query: `select min(r.tenant_name) || ' (' || count(*) || ' rows, by ' || min(r.mapped_by) || ')' as sample from ${rows}
  group by r.tenant_id having count(*) > 1`,
    },
    {
      topic: 'subscriptions',
      detail: 'tenants whose source rows differ in the state of the subscription: the most alive one counts',
      query: `select min(r.tenant_name) || ': ' || string_agg(distinct coalesce(r.status, 'none'), ', ') as sample from ${rows}
  group by r.tenant_id having count(distinct r.status) > 1`,
    },
    {
      topic: 'providers',
      detail: 'tenants have more than one customer at the provider: none is joined there, the tenant keeps both ids',
      query: `select min(r.tenant_name) || ': ' || string_agg(distinct r.provider_id, ', ') as sample from ${rows}
  group by r.tenant_id having count(distinct nullif(btrim(r.provider_id), '')) > 1`,
    },
    {
      topic: 'names',
      detail: 'tenants have a name in common with another one, and a slug with a suffix',
      query: `select min(n.name) as sample from (select min(btrim(r.tenant_name)) as name, r.tenant_id from ${rows} group by r.tenant_id) as n
  group by lower(n.name) having count(*) > 1`,
    },
  ];
  const found: Decision[] = [];
  for (const { topic, detail, query } of asked) {
    const { count, samples } = await countSamples(tx, query);
    if (count > 0) found.push({ topic, count, detail, samples });
  }
  const readers = new Map<string, string[]>();
  for (const { name, table } of model.own)
    for (const role of table.readers) readers.set(role, [...(readers.get(role) ?? []), name]);
  for (const [role, tables] of readers) {
    const detail = `reads these tables and will see no rows once row-level security is on: grant tenantry_service to ${quoteIdentifier(role)} while the old application runs`;
    found.push({ topic: `role ${role}`, count: tables.length, detail, samples: tables });
  }
  return found;
}

/** For people: what happens to rows that lead to no tenant. */
export function policyText(table: OwnTable): string {
  if (table.unresolved.kind === 'default-tenant') return `default tenant ${quoteLiteral(table.unresolved.sourceKey)}`;
  return table.unresolved.kind === 'quarantine' || hasQuarantineAbove(table) ? 'quarantine' : 'fail';
}
