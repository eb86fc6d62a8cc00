import { quoteLiteral } from '../../database/isolation-sql.ts';
import { stepOf } from '../additions.ts';
import { auditEntrySql, sqlRunner } from '../audit-trail.ts';
import { setsAside } from '../model.ts';
import { type Estimate, type MigrationPlan, type StageName, stageNames } from '../plan.ts';
import { dollarQuoted, qualified } from '../sql-text.ts';
import { archiveSchema } from '../stages/archive-schema.ts';
import { columnStepId } from '../stages/expand.ts';
import { releaseLease, takeLease } from './lease.ts';
import type { Export, Piece } from './piece.ts';
import { block, raise } from './plpgsql.ts';
import { tablesSql, watched } from './shapes.ts';
import { isDone } from './steps.ts';

/** What must hold before a stage begins or goes on: the library's schema, the same plan, tables and rights, the lease. */
export function beginPiece(x: Export, stage: StageName): Piece {
  const first = stage === stageNames[0];
  const statements = [
    schemaThere(),
    refuseTables(x),
    first ? makeRecord(x) : '',
    requireMigration(x),
    takeLease(x),
    refuseWayBack(x),
    first ? storePlan(x) : '',
    requirePlan(x),
    first ? refuseLostTables(x) : requireStages(x, stageNames.slice(0, stageNames.indexOf(stage))),
  ];
  return {
    kind: 'transaction',
    title: `before ${stage}: the plan, the tables, the rights, and the lease of ${x.plan.migration}`,
    body: block(
      [
        'tenantry_table record',
        `tenantry_planned jsonb := ${dollarQuoted(JSON.stringify(x.shapes), 'tenantry_plan')}`,
        `tenantry_seen text[] := '{}'`,
        `tenantry_changed text[] := '{}'`,
      ],
      statements.filter((text) => text !== '').join('\n'),
    ),
  };
}

/** The stage is whole when all its steps are; a later one stays as it is. */
export function endPiece(x: Export, stage: StageName | undefined): Piece {
  const earlier = ['planned', ...stageNames.slice(0, stage === undefined ? 0 : stageNames.indexOf(stage))];
  const whole = `if (select stage in (${earlier.map(quoteLiteral).join(', ')}) from tenantry.migrations where name = ${quoteLiteral(x.plan.migration)}) then
${auditEntrySql(x.plan.migration, 'stage', stage ?? null, sqlRunner)};
end if;`;
  const set = `case when stage in (${earlier.map(quoteLiteral).join(', ')}) then ${quoteLiteral(stage ?? '')} else stage end`;
  return {
    kind: 'transaction',
    title: stage === undefined ? 'give the lease back' : `${stage} is whole; give the lease back`,
    body:
      stage === undefined
        ? releaseLease(x)
        : `${requireStages(x, stageNames.slice(0, stageNames.indexOf(stage) + 1))}\n${whole}\n${releaseLease(x, set)}`,
  };
}

/** SQL of a boolean: whether a step of a stage is open. */
export function stageOpen(x: Export, stage: StageName): string {
  const all = stagesSteps(x, [stage]);
  return `(select count(*) from (${doneOf(x, all)}) as s) < ${all.length}`;
}

function stagesSteps(x: Export, stages: readonly StageName[]): string[] {
  return x.plan.steps.filter((step) => stages.includes(step.stage)).map((step) => step.id);
}

/** SQL of those of some steps that are recorded as done. */
export function doneOf(x: Export, steps: readonly string[]): string {
  return `select step from tenantry.migration_steps where migration = ${quoteLiteral(x.plan.migration)} and finished_at is not null
and step in (${steps.map(quoteLiteral).join(', ')})`;
}

/** Refuses a database without the library's schema. */
export function schemaThere(): string {
  return `if to_regclass('tenantry.migrations') is null then ${raise(`'the schema "tenantry" is missing'`, 'Run the file before this one, which installs it.')} end if;`;
}

/** The engine's own conditions on the tables and on the role, table by table. */
function refuseTables(x: Export): string {
  const { model } = x;
  const list = (names: readonly string[]): string => `array[${names.map(quoteLiteral).join(', ')}]::text[]`;
  const untouched = Object.keys(model.definition.tables).filter((table) => !watched(model, table));
  const archive = list(model.definition.contract?.archive ?? []);
  const archived = `(p.name = any (${archive}) and to_regclass(format('${archiveSchema}.%I', p.name)) is not null)`;
  const right = (name: string): string => `(select rolsuper or ${name} from pg_roles where rolname = current_user)`;
  const table = `tenantry_table.name`;
  const changed = model.additions
    .filter(({ changes = [] }) => changes.length > 0)
    .map(
      (addition) => ` and not (${table} = any (${list(addition.changes ?? [])}) and ${isDone(x, stepOf(addition))})`,
    );
  return `for tenantry_table in
${tablesSql(model)}
loop
  tenantry_seen := array_append(tenantry_seen, ${table}::text);
  if (tenantry_planned ->> ${table}) is distinct from tenantry_table.shape and ${table} <> all (${list(untouched)})${changed.join('')} then
    tenantry_changed := array_append(tenantry_changed, ${table}::text);
  end if;
  if ${table} = any (${list(model.own.map(({ name }) => name))}) then
    if not tenantry_table.owned then ${raise(`current_user || ' does not own table ' || ${table}`)} end if;
    if tenantry_table."rowSecurity" and not ${right('rolbypassrls')} then
      ${raise(`current_user || ' cannot see all rows past the row-level security of table ' || ${table}`, 'alter role … bypassrls')}
    end if;
    if json_array_length(tenantry_table."alwaysTriggers") > 0 then
      ${raise(`'these fire on the backfill of table ' || ${table} || ' too: ' || tenantry_table."alwaysTriggers"`, 'alter table … enable trigger or rule, without ALWAYS and REPLICA')}
    end if;
    if tenantry_table."publishedWithoutIdentity" then
      ${raise(`'a publication sends updates of table ' || ${table} || ', whose rows have no identity'`, 'alter table … replica identity full')}
    end if;
    if (json_array_length(tenantry_table."updateTriggers") > 0 or ${table} = any (${list(model.own.filter(setsAside).map(({ name }) => name))})
      and json_array_length(tenantry_table."deleteTriggers") > 0) and not ${right(`has_parameter_privilege('session_replication_role', 'set')`)} then
      ${raise(`'triggers of table ' || ${table} || ' would fire on what this writes: ' || tenantry_table."updateTriggers" || tenantry_table."deleteTriggers"`, 'grant set on parameter session_replication_role to the role that runs this')}
    end if;
  end if;
end loop;
tenantry_changed := tenantry_changed || array(select p.name from jsonb_object_keys(tenantry_planned) as p (name)
  where p.name <> all (tenantry_seen) and not ${archived});
if cardinality(tenantry_changed) > 0 then ${raise(`'these tables changed since the plan: ' || array_to_string(tenantry_changed, ', ')`, 'Look at what changed, make a new plan, and export it.')} end if;
if not pg_has_role('tenantry_service', 'usage') then ${raise(`current_user || ' is no member of tenantry_service'`, 'grant tenantry_service to the role that runs this')} end if;
if not has_schema_privilege('tenantry', 'create') then ${raise(`current_user || ' may not create in schema tenantry'`, 'grant create on schema tenantry to the role that runs this')} end if;`;
}

/** The plan is stored for the library, which can verify, go on or roll back from it. It holds no values of rows. */
function planJson(plan: MigrationPlan): string {
  const bare: MigrationPlan = {
    ...plan,
    tables: plan.tables.map((table) => ({
      ...table,
      unresolved: { ...table.unresolved, samples: [] },
      estimate: untimed(table.estimate),
    })),
    // How fast the server was when the plan was made would make another text of the same plan.
    steps: plan.steps.map((step) => ({ ...step, estimate: untimed(step.estimate), statements: [] })),
    decisions: plan.decisions.map((decision) => ({ ...decision, samples: [] })),
  };
  return `${dollarQuoted(JSON.stringify(bare), 'tenantry_plan')}::jsonb`;
}

/** A record to take the lease of; the plan is filled in under the lease. */
function makeRecord({ plan }: Export): string {
  return `insert into tenantry.migrations (name, stage, definition_hash, plan_hash, catalogue, plan, actor, created_at, updated_at)
values (${quoteLiteral(plan.migration)}, 'planned', '', '', '{}', '{}', current_user, now(), now())
on conflict (name) do nothing;`;
}

/** A plan of which nothing was done yet, or which was rolled back, gives way to this one. */
function storePlan({ plan }: Export): string {
  const name = quoteLiteral(plan.migration);
  return `update tenantry.migrations set stage = 'planned', definition_hash = ${quoteLiteral(plan.definitionHash)}, plan_hash = ${quoteLiteral(plan.hash)},
catalogue = ${dollarQuoted(JSON.stringify(plan.catalogue), 'tenantry_plan')}::jsonb,
plan = ${planJson(plan)},
actor = current_user, created_at = date_trunc('milliseconds', now()), updated_at = now()
where name = ${name} and stage in ('planned', 'rolled-back')
  and not exists (select 1 from tenantry.migration_steps where migration = ${name} and finished_at is not null);`;
}

/** Refuses a database that has no record of the migration. */
export function requireMigration({ plan }: Export): string {
  return `if not exists (select 1 from tenantry.migrations where name = ${quoteLiteral(plan.migration)}) then ${raise(`${quoteLiteral(plan.migration)} || ' was not begun here'`, 'Run the files in their order.')} end if;`;
}

/** Refuses a migration that was begun with another plan. */
export function requirePlan({ plan }: Export): string {
  const name = quoteLiteral(plan.migration);
  return `if (select plan_hash from tenantry.migrations where name = ${name}) <> ${quoteLiteral(plan.hash)} then
  ${raise(`${name} || ' was begun with another plan than ${plan.hash.slice(0, 12)}'`, 'Go on with the files of that plan, or roll back first.')}
end if;`;
}

function refuseWayBack({ plan }: Export): string {
  const name = quoteLiteral(plan.migration);
  return `if (select stage from tenantry.migrations where name = ${name}) = 'rolling-back' then
  ${raise(`'a rollback of ' || ${name} || ' was begun'`, 'Finish it first.')}
end if;`;
}

function requireStages(x: Export, stages: readonly StageName[]): string {
  const all = stagesSteps(x, stages);
  return `if (select count(*) from (${doneOf(x, all)}) as s) < ${all.length} then
  ${raise(`'not all steps of ${stages.join(', ')} are done'`, 'Run the files in their order.')}
end if;`;
}

/** A reset of the application's schema leaves the record behind, which then speaks of tables that are gone. */
function refuseLostTables(x: Export): string {
  const { plan, model } = x;
  return `if ${isDone(x, columnStepId(model.source))} and not exists (select 1 from pg_attribute
    where attrelid in (to_regclass(${quoteLiteral(model.source.sql)}), to_regclass(${quoteLiteral(qualified(archiveSchema, model.source.name))})) and attname = ${quoteLiteral(model.column)} and not attisdropped) then
  ${raise(
    `'${plan.migration} is recorded as begun, and its tables do not have what it made'`,
    `Were they made anew? Then: delete from tenantry.migrations where name = '${plan.migration}'; and run this again.`,
  )}
end if;`;
}

function untimed({ rows }: Estimate): Estimate {
  return { rows, seconds: 0 };
}
