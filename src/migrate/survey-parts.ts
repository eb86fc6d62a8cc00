import { TenantryError } from '../core/index.ts';
import type { AnyDatabase } from '../database/index.ts';
import { countSamples } from './count-samples.ts';
import { type Model, tenantOfRow } from './model.ts';
import { auditColumns } from './parts/audit.ts';
import { fillGrantsSql, grantColumns } from './parts/grants.ts';
import { digestPattern, fillKeysSql, keyColumnsSql, keyIdSql, ownerThereSql } from './parts/keys.ts';
import { hasMembers, type Part, type PartStore, partsOf } from './parts/part.ts';
import { fillPeopleSql, memberStatuses, membersOf, peopleColumns, peopleRows } from './parts/people.ts';
import { subscriptionColumns } from './parts/subscriptions.ts';
import type { Decision } from './plan.ts';
import { liveStatuses, mappedRows } from './source-sql.ts';
import { execute, sqlList } from './sql-text.ts';

/** What a migration would make of rows beside the tenants. */
export interface SurveyedParts {
  readonly members: number;
  readonly keys: number;
  readonly subscriptions: number;
  readonly grants: number;
  readonly auditEntries: number;
  readonly decisions: readonly Decision[];
}

/** What a survey of one part found. */
interface Found {
  readonly count: number;
  readonly decisions: readonly Decision[];
}

/** A survey at work: a transaction that is rolled back, with a map and a store of its own. */
interface Survey {
  readonly tx: AnyDatabase;
  readonly model: Model;
  readonly map: string;
  readonly store: PartStore;
}

const people = 'pg_temp.tenantry_plan_people';
const parts = 'pg_temp.tenantry_plan_parts';

/**
 * Makes of the rows of each part what the migration would, in tables that are gone with the transaction, and tells what
 * comes of it.
 *
 * @throws TenantryError `migration_conflict`, `migration_definition_invalid`.
 */
export async function surveyParts(tx: AnyDatabase, model: Model, map: string): Promise<SurveyedParts> {
  const store: PartStore = { people, parts, tenantOf: (table, alias) => tenantOfRow(model, table, alias, map) };
  for (const [table, like] of [
    [people, 'migration_people'],
    [parts, 'migration_parts'],
  ] as const) {
    await execute(
      tx,
      `create temp table ${table.slice('pg_temp.'.length)} (like tenantry.${like} including indexes) on commit drop`,
    );
  }
  const survey: Survey = { tx, model, map, store };
  const found = new Map<Part['name'], Found>();
  for (const part of partsOf(model)) found.set(part.name, await surveyors[part.name](survey, part));
  await refuseWrongGroups(survey);
  const count = (name: Part['name']): number => found.get(name)?.count ?? 0;
  return {
    members: count('members'),
    keys: count('apiKeys'),
    subscriptions: count('subscriptions'),
    grants: count('grants'),
    auditEntries: count('audit'),
    decisions: [...found.values()].flatMap(({ decisions }) => decisions),
  };
}

const surveyors: Readonly<Record<Part['name'], (survey: Survey, part: Part) => Promise<Found>>> = {
  members: surveyMembers,
  subscriptions: surveySubscriptions,
  apiKeys: surveyKeys,
  grants: surveyGrants,
  audit: surveyAudit,
};

/** Throws when a query, which gives a text column `sample`, finds rows. */
async function refuse({ tx, model }: Survey, { table }: Part, query: string, remedy: string): Promise<void> {
  const { count, samples } = await countSamples(tx, query);
  if (count === 0) return;
  const details = { migration: model.name, table: table.name, rows: count, keys: samples, remedy };
  throw new TenantryError('migration_conflict', details);
}

/** Those of some questions to which rows answer. */
async function ask(
  { tx }: Survey,
  questions: readonly { readonly topic: string; readonly detail: string; readonly query: string }[],
): Promise<Decision[]> {
  const decisions: Decision[] = [];
  for (const { topic, detail, query } of questions) {
    const { count, samples } = await countSamples(tx, query);
    if (count > 0) decisions.push({ topic, count, detail, samples });
  }
  return decisions;
}

async function surveyMembers(survey: Survey, part: Part): Promise<Found> {
  const { tx, model, store } = survey;
  const columns = peopleColumns(model, part, part.table.sql, store);
  const led = `(${columns}) as s where s.tenant_id is not null`;
  await refuse(
    survey,
    part,
    `select s.k as sample from ${led} and s.user_id is null`,
    'members.userId is empty; choose a column that every row has.',
  );
  await refuse(
    survey,
    part,
    `select s.k as sample from ${led} and s.said_status is not null and s.said_status not in (${sqlList(memberStatuses)})`,
    `members.status gives other words than ${memberStatuses.join(', ')}; translate them with SQL.`,
  );
  await execute(tx, fillPeopleSql(model, part, part.table.sql, store));
  await execute(tx, `analyze ${people}`);
  await refuse(
    survey,
    part,
    `select min(p.row_key) as sample from ${people} p group by p.tenant_id, p.user_id having count(distinct p.member_id) > 1`,
    'members.userId is the same for two persons of one tenant; choose a unique column, or join them with sameMember.',
  );
  const totals = await execute<{ count: string }>(
    tx,
    `select count(distinct (p.tenant_id, p.member_id))::text as count from ${people} p`,
  );
  const count = Number(totals.rows[0]?.count ?? 0);
  const joined = {
    topic: 'persons',
    detail: 'rows are the same person as another row of their tenant: they become one member, all their keys kept',
    query: `select p.row_key || ' = ' || f.first as sample from ${people} p join (select x.tenant_id, x.member_id, min(x.row_key) as first
  from ${people} x group by 1, 2 having count(*) > 1) as f on f.tenant_id = p.tenant_id and f.member_id = p.member_id where p.row_key <> f.first`,
  };
  if (!hasMembers(model.definition)) return { count, decisions: await ask(survey, [joined]) };
  const members = membersOf(model, part, 'true', store);
  const named = (
    query: string,
  ): string => `select coalesce(min(t.tenant_name), 'a tenant') || ': ' || min(o.sample) as sample
  from (${query}) as o left join lateral (select r.tenant_name from ${mappedRows(model, 'm.tenant_id = o.tenant_id', survey.map)}
    order by r.ord, r.k limit 1) as t on true group by o.tenant_id`;
  const decisions = await ask(survey, [
    joined,
    ...(model.definition.members?.role.kind === 'expression'
      ? [
          {
            topic: 'owners',
            detail: 'organizations have no owner by members.role: their oldest member becomes owner',
            query: named(
              `select r.tenant_id, r.user_id as sample from (${members}) as r where r.place = 1 and not r.owned`,
            ),
          },
          {
            topic: 'several owners',
            detail: 'organizations have several owners by members.role: all of them stay',
            query:
              named(`select r.tenant_id, string_agg(r.user_id, ', ' order by r.place) as sample from (${members}) as r
  where r.role = 'owner' group by r.tenant_id having count(*) > 1`),
          },
        ]
      : []),
    {
      topic: 'nobody',
      detail: 'organizations have no members at all',
      query: `select coalesce(min(r.tenant_name), min(r.k)) as sample from ${mappedRows(model, 'true', survey.map)}
  where not exists (select 1 from ${people} p where p.tenant_id = r.tenant_id) group by r.tenant_id`,
    },
    {
      topic: 'pending',
      detail: 'members are pending or suspended: they may not act before they are let in',
      query: `select s.k || ': ' || coalesce(s.said_status, 'pending') as sample from ${peopleRows(model, part, 'true', store)} as s
  where s.said_status is distinct from 'active'`,
    },
  ]);
  return { count, decisions };
}

async function surveyKeys(survey: Survey, part: Part): Promise<Found> {
  const { tx, model, store } = survey;
  const led = `(${keyColumnsSql(model, part, part.table.sql, store)}) as s where s.tenant_id is not null and s.digest is not null`;
  await refuse(
    survey,
    part,
    `select s.k as sample from ${led} and s.digest !~ '${digestPattern}'`,
    'These API key digests are no SHA-256; correct them or set them to NULL.',
  );
  await refuse(
    survey,
    part,
    `select s.k as sample from ${led} and exists (select 1 from tenantry.api_key_digests d where d.digest = s.digest
  and (d.tenant_id <> s.tenant_id or d.key_id <> ${keyIdSql(model, 's.digest')}))`,
    'The library holds these API keys already, and a key opens one door only. Set them to NULL.',
  );
  const policy = model.definition.apiKeys?.onConflict ?? 'fail';
  const doubled = `select s.k as sample from (select s.k, count(*) over (partition by s.digest) as same from ${led}) as s where s.same > 1`;
  if (policy === 'fail') {
    await refuse(
      survey,
      part,
      doubled,
      `Two rows hold the same API key: a key opens one door only. Set all but one to NULL, or choose apiKeys.onConflict.`,
    );
  }
  await execute(tx, fillKeysSql(model, part, part.table.sql, store));
  const made = await execute<{ count: string }>(
    tx,
    `select count(*)::text as count from ${parts} q where q.part = 'apiKeys'`,
  );
  const decisions = await ask(survey, [
    {
      topic: 'keys held twice',
      detail: `rows hold an API key that another row holds too: the one with the ${policy === 'keep-newest' ? 'newest' : 'oldest'} key keeps it, the others are recorded in quarantine`,
      query: doubled,
    },
    {
      topic: 'keys of nobody',
      detail:
        'rows hold an API key of a user who is no member of the tenant: no key is made, they are recorded in quarantine',
      query: `select s.k || ': ' || s.key_user as sample from ${led} and not ${ownerThereSql(model, store)}`,
    },
  ]);
  return { count: Number(made.rows[0]?.count ?? 0), decisions };
}

async function surveySubscriptions(survey: Survey, part: Part): Promise<Found> {
  const { model, store } = survey;
  const led = `(${subscriptionColumns(model, part, part.table.sql, store)}) as s where s.tenant_id is not null`;
  const { count } = await countSamples(survey.tx, `select s.k as sample from ${led}`);
  const several = (column: string, kind: string) => ({
    topic: `${kind}s of several`,
    detail: `ids of a ${kind} at the provider stand in several tenants: the one whose subscription is most alive is found by it`,
    query: `select s.${column} as sample from ${led} and s.${column} is not null group by s.${column} having count(distinct s.tenant_id) > 1`,
  });
  const decisions = await ask(survey, [
    {
      topic: 'live subscriptions',
      detail:
        'tenants have several live subscriptions: none is joined or ended at the provider, the most alive one counts, all ids are kept',
      query: `select string_agg(coalesce(s.subscription_id, s.k) || ' ' || s.status, ', ' order by s.k) as sample from ${led}
  and s.status in (${sqlList(liveStatuses)}) group by s.tenant_id having count(*) > 1`,
    },
    several('customer_id', 'customer'),
    several('subscription_id', 'subscription'),
  ]);
  return { count, decisions };
}

async function surveyGrants(survey: Survey, part: Part): Promise<Found> {
  const { tx, model, store } = survey;
  await execute(tx, fillGrantsSql(model, part, part.table.sql, store));
  const made = await execute<{ count: string }>(
    tx,
    `select count(distinct (q.tenant_id, q.made))::text as count from ${parts} q where q.part = 'grants'`,
  );
  const decisions = await ask(survey, [
    {
      topic: 'grants to nobody',
      detail:
        'rows grant a permission to a user who is no member of the tenant, or grant nothing: no grant is made, they are recorded in quarantine',
      query: `select s.k || ': ' || coalesce(s.grant_user, 'nobody') || ' ' || coalesce(s.permission, 'nothing') as sample
  from (${grantColumns(model, part, part.table.sql, store)}) as s where s.tenant_id is not null
    and not exists (select 1 from ${parts} q where q.row_key = s.k and q.part = 'grants')`,
    },
  ]);
  return { count: Number(made.rows[0]?.count ?? 0), decisions };
}

async function surveyAudit(survey: Survey, part: Part): Promise<Found> {
  const { tx, model, store } = survey;
  const led = `(${auditColumns(model, part, part.table.sql, store)}) as s where s.tenant_id is not null`;
  await refuse(
    survey,
    part,
    `select s.k as sample from ${led} and (s.action is null or s.occurred_at is null)`,
    'audit.action or audit.occurredAt is empty; say with SQL what stands there instead.',
  );
  const { count } = await countSamples(tx, `select s.k as sample from ${led}`);
  return { count, decisions: [] };
}

/** Strategies without organizations have one tenant for each user, or one for all; the groups must fit that. */
async function refuseWrongGroups(survey: Survey): Promise<void> {
  const { tx, model, map } = survey;
  const { to, members } = model.definition;
  if (to.tenantKind === 'organization') return;
  const invalid = (path: string, problem: string): TenantryError =>
    new TenantryError('migration_definition_invalid', { migration: model.name, path, problem });
  if (to.tenantKind === 'program') {
    const { count } = await countSamples(tx, `select distinct m.tenant_id::text as sample from ${map} m`);
    if (count <= 1) return;
    throw invalid('tenants.sameTenant', `makes ${count} tenants, and ${to.name} has one: group by a constant`);
  }
  if (members === undefined) throw invalid('members', `is missing: ${to.name} names each tenant by its user`);
  const rows = { name: 'members', table: model.source } as const;
  await refuse(
    survey,
    rows,
    `select min(m.source_key) as sample from ${map} m left join ${people} p on p.tenant_id = m.tenant_id
  group by m.tenant_id having count(distinct p.user_id) <> 1`,
    'These rows make tenants with no user or with several; group by what members.userId is.',
  );
  await refuse(
    survey,
    rows,
    `select min(p.row_key) as sample from ${people} p group by p.user_id having count(distinct p.tenant_id) > 1`,
    'These users have several tenants, and each has one of their own; group by what members.userId is.',
  );
}
