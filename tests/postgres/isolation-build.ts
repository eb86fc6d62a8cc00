import { expressionBuilder, NOOP_QUERY_EXECUTOR, QueryCreator, sql } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import { trusted } from '../../src/tenancy/index.ts';
import {
  type Choice,
  type ConditionSpec,
  type CteSpec,
  isWrite,
  type JoinSpec,
  type SelectSpec,
  type SourceSpec,
  type StatementSpec,
  type ValueSpec,
  type WriteSpec,
} from './isolation-specs.ts';
import { ownTables, tenantA, tenantB, type World } from './isolation-world.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a generated query holds is only known when it is built.
type Loose = any;

/** Where the queries are built, and whether inserts must name the tenant. */
export interface Ground {
  readonly root: Loose;
  readonly naming: 'scope' | 'always' | 'never';
}

/** What a source of rows is called, and the column with the tenant where it has one. */
interface Source {
  readonly name: string;
  readonly column?: string;
}

interface Place {
  /** Visible common table expressions. */
  readonly ctes: readonly string[];
  /** Names that would be a reference of a recursive query to itself. */
  readonly hidden: readonly string[];
  /** Sources of the queries around. */
  readonly outer: readonly Source[];
}

const top: Place = { ctes: [], hidden: [], outer: [] };
const eb: Loose = expressionBuilder<World, string>();
const columns = ['id', 'ref', 'n', 'label', 'marker'] as const;
type Column = (typeof columns)[number];
const cteNames = ['projects', 'notes', 'fresh', 'calls', 'entries'];
const operators = ['=', '<', '>=', '<>'];

function pick<T>(things: readonly T[], choice: Choice): T {
  const thing = things[choice % things.length];
  if (thing === undefined) throw new Error('nothing to choose from');
  return thing;
}

/** Tells whether a query knows both by one name: that of a table without its schema. */
function isAlike(one: Source, other: Source): boolean {
  return one.name.split('.').at(-1) === other.name.split('.').at(-1);
}

function ref(source: Source, column: string): Loose {
  return sql.ref(`${source.name}.${column}`);
}

/** Builds the statement of a spec. */
export function buildStatement(spec: StatementSpec, ground: Ground): Loose {
  return isWrite(spec)
    ? buildWrite(spec, ground.root, top, ground)
    : buildSelect(spec, ground.root, top, ground, { ordered: true });
}

/** Tells whether two databases that hold the same rows must answer a statement alike. */
export function isExact(spec: StatementSpec): boolean {
  const writes = spec.ctes.map((cte) => cte.body).filter(isWrite);
  const all = isWrite(spec) ? [spec, ...writes] : writes;
  return (
    all.length <= 1 &&
    all.every((write) => !write.evil && !(write.write === 'insert' && targetOf(write).table === 'handles'))
  );
}

function detached(): Loose {
  return new QueryCreator({ executor: NOOP_QUERY_EXECUTOR });
}

interface SelectForm {
  readonly ordered: boolean;
  readonly only?: readonly Column[];
}

function buildSelect(spec: SelectSpec, creator: Loose, place: Place, ground: Ground, form: SelectForm): Loose {
  const ctes = buildCtes(spec.ctes, spec.recursive, creator, place, ground);
  const from = buildFrom(spec.from, spec.joins, ctes.place, ground, []);
  let query = from.apply(ctes.creator.selectFrom(from.items));
  const hidden = ctes.place.outer.filter((source) => from.sources.every((each) => !isAlike(each, source)));
  const all = [...hidden, ...from.sources];
  const inner: Place = { ...ctes.place, outer: all };
  const wanted = form.only ?? columns;
  query = spec.grouped
    ? grouped(query, wanted, from.sources, spec)
    : query.select(wanted.map((column) => buildValue(column, spec, all, inner, ground).as(column)));
  if (spec.where !== null) query = query.where(buildCondition(spec.where, all, inner, ground));
  if (spec.distinct) query = query.distinct();
  for (const { operator, query: arm } of spec.sets) {
    const combine = pick(['union', 'unionAll', 'intersect', 'except'], operator);
    query = query[combine](buildSelect(arm, detached(), ctes.place, ground, { ordered: false, only: wanted }));
  }
  if (!form.ordered) return query;
  for (const column of wanted) query = query.orderBy(sql.ref(column));
  return query.limit(spec.limit);
}

function grouped(query: Loose, wanted: readonly Column[], sources: readonly Source[], spec: SelectSpec): Loose {
  const source = (column: Column): Source => pick(sources, spec.values[columns.indexOf(column)]?.source ?? 0);
  const group = source('id');
  const values: Record<Column, Loose> = {
    id: ref(group, 'id'),
    ref: eb.fn.count(ref(source('ref'), 'ref')).filterWhere(ref(source('ref'), 'id'), '>', 1),
    n: eb.cast(eb.fn.sum(ref(source('n'), 'n')), 'bigint'),
    label: eb.fn.max(ref(source('label'), 'label')),
    marker: eb.fn.max(ref(source('marker'), 'marker')),
  };
  return query
    .groupBy(ref(group, 'id'))
    .having((having: Loose) => having(having.fn.countAll(), '>', 0))
    .select(wanted.map((column) => values[column].as(column)));
}

function buildValue(column: Column, spec: SelectSpec, sources: readonly Source[], place: Place, ground: Ground): Loose {
  const value: ValueSpec = spec.values[columns.indexOf(column)] ?? { form: 0, source: 0, query: null };
  const source = pick(sources, value.source);
  const plain = ref(source, column);
  const query = value.query;
  const inner = (only?: readonly Column[]): Loose =>
    buildSelect(query ?? spec, detached(), place, ground, { ordered: true, ...(only && { only }) });
  if (column === 'label' || column === 'marker') {
    const forms: (() => Loose)[] = [
      () => plain,
      () => eb.fn('concat', [plain, eb.cast(eb.val('-'), 'text'), ref(source, 'marker')]),
    ];
    if (!source.name.includes('.')) forms.push(() => eb.cast(eb.fn.toJson(source.name), 'text'));
    if (query !== null) forms.push(() => eb.cast(jsonArrayFrom(inner()), 'text'));
    return pick(forms, value.form)();
  }
  const forms: (() => Loose)[] = [
    () => plain,
    () => eb.fn.coalesce(plain, eb.val(0)),
    () => eb(plain, '+', eb.val(1)),
    () => eb.case().when(plain, '>', 2).then(plain).else(ref(source, 'id')).end(),
  ];
  if (query !== null) {
    forms.push(() => eb.selectFrom(inner(['n']).as('z')).select(eb.fn.max(sql.ref('z.n')).as('m')));
    forms.push(() => eb.selectFrom(inner(['id']).as('z')).select((b: Loose) => b.fn.countAll().as('m')));
  }
  return pick(forms, value.form)();
}

function buildCondition(spec: ConditionSpec, sources: readonly Source[], place: Place, ground: Ground): Loose {
  const inner: Place = { ...place, outer: sources };
  // A subquery of the scope itself knows nothing of the expressions around it.
  const subquery = (query: SelectSpec, viaRoot: boolean, only: readonly Column[]): Loose => {
    const creator = viaRoot && place.ctes.length === 0 ? ground.root : detached();
    return buildSelect(query, creator, inner, ground, { ordered: true, only });
  };
  switch (spec.kind) {
    case 'compare': {
      const column = pick(['id', 'ref', 'n'], spec.column);
      return eb(ref(pick(sources, spec.source), column), pick(operators, spec.operator), spec.value);
    }
    case 'columns': {
      const column = pick(['id', 'ref'], spec.column);
      return eb(ref(pick(sources, spec.left), column), '=', ref(pick(sources, spec.right), column));
    }
    case 'tenant': {
      const owned = sources.filter((source) => source.column !== undefined);
      if (owned.length === 0) return eb(eb.lit(1), '=', eb.lit(1));
      const source = pick(owned, spec.source);
      return eb(ref(source, source.column ?? ''), spec.negated ? '<>' : '=', spec.mine ? tenantA : tenantB);
    }
    case 'raw':
      return trusted(sql`${ref(pick(sources, spec.source), 'id')} < 0 or true`);
    case 'exists': {
      const exists = eb.exists(subquery(spec.query, spec.viaRoot, ['id']));
      return spec.negated ? eb.not(exists) : exists;
    }
    case 'in':
      return eb(ref(pick(sources, spec.source), 'id'), 'in', subquery(spec.query, spec.viaRoot, ['id']));
    case 'not':
      return eb.not(eb.parens(buildCondition(spec.of, sources, place, ground)));
    default: {
      const parts = spec.of.map((part) => buildCondition(part, sources, place, ground));
      return spec.kind === 'and' ? eb.and(parts.map((part) => eb.parens(part))) : eb.or(parts);
    }
  }
}

let aliases = 0;

function buildSource(spec: SourceSpec, place: Place, ground: Ground, taken: readonly Source[]) {
  aliases += 1;
  const alias = `t${aliases}`;
  if (spec.kind === 'query') {
    const query = buildSelect(spec.query, detached(), place, ground, { ordered: true });
    return { item: query.as(alias), source: { name: alias } };
  }
  const names = [...ownTables.map((table) => table.name), 'countries', ...place.ctes];
  const name = pick(
    names.filter((each) => !place.hidden.includes(each)),
    spec.table,
  );
  const table = place.ctes.includes(name) ? undefined : ownTables.find((each) => each.name === name);
  const known = table === undefined ? {} : { column: table.column };
  const free = !taken.some((source) => isAlike(source, { name }));
  const style = spec.style % 4;
  if (style === 0 && free) return { item: name, source: { name, ...known } };
  if (style === 1) return { item: sql.table(name).as(alias), source: { name: alias, ...known } };
  if (style === 2) return { item: ground.root.dynamic.table(name).as(alias), source: { name: alias, ...known } };
  return { item: `${name} as ${alias}`, source: { name: alias, ...known } };
}

/** What a query reads from. A condition of a join sees the last item before it and the joins between. */
function buildFrom(
  from: readonly SourceSpec[],
  joins: readonly JoinSpec[],
  place: Place,
  ground: Ground,
  before: readonly Source[],
) {
  const items: Loose[] = [];
  const sources: Source[] = [];
  for (const spec of from) {
    const { item, source } = buildSource(spec, place, ground, [...before, ...sources]);
    items.push(item);
    sources.push(source);
  }
  const steps: ((query: Loose) => Loose)[] = [];
  const visible = sources.slice(-1);
  for (const join of joins) {
    // Kysely's updates and deletes have no cross or lateral joins.
    const writing = before.length > 0;
    const types = ['innerJoin', 'leftJoin', 'rightJoin', 'fullJoin', ...(writing ? [] : ['crossJoin'])];
    const lateral = !writing && join.source.kind === 'query' && join.source.lateral;
    const type = lateral
      ? pick(['innerJoinLateral', 'leftJoinLateral', 'crossJoinLateral'], join.type)
      : pick(types, join.type);
    const inside = lateral ? { ...place, outer: [...place.outer, ...sources] } : place;
    const { item, source } = buildSource(join.source, inside, ground, [...before, ...sources]);
    const seen = [...visible, source];
    if (type.startsWith('cross')) {
      steps.push((query) => query[type](item));
    } else if (type === 'fullJoin' || join.type % 3 === 0) {
      const left = pick(visible, join.type);
      steps.push((query) => query[type](item, (on: Loose) => on.on(eb(ref(left, 'id'), '=', ref(source, 'id')))));
    } else if (join.type % 7 === 0) {
      steps.push((query) => query[type](item, (on: Loose) => on.onTrue()));
    } else {
      const condition = buildCondition(join.on, seen, { ...place, outer: place.outer }, ground);
      steps.push((query) => query[type](item, (on: Loose) => on.on(condition)));
    }
    visible.push(source);
    sources.push(source);
  }
  return { items, sources, apply: (query: Loose): Loose => steps.reduce((built, step) => step(built), query) };
}

function buildCtes(specs: readonly CteSpec[], recursive: boolean, creator: Loose, place: Place, ground: Ground) {
  let next = creator;
  let seen = place;
  const used: string[] = [];
  for (const spec of specs) {
    const name = pick(
      cteNames.filter((each) => !used.includes(each)),
      spec.name,
    );
    const first = used.length === 0;
    used.push(name);
    const { body } = spec;
    const before = seen;
    if (recursive && first && !isWrite(body)) {
      const hidden = { ...before, hidden: [...before.hidden, ...cteNames] };
      next = next.withRecursive(name, (db: Loose) =>
        db
          .selectFrom(buildSelect(body, detached(), hidden, ground, { ordered: true }).as('base'))
          .selectAll()
          .unionAll(step(name)),
      );
    } else {
      // Under RECURSIVE every name is visible to all, and one that meant a table would mean the query itself.
      const inside = recursive ? { ...before, hidden: [...before.hidden, ...cteNames], ctes: before.ctes } : before;
      const built = isWrite(body)
        ? buildWrite({ ...body, returning: true }, detached(), { ...inside, outer: [] }, ground)
        : buildSelect(body, detached(), inside, ground, { ordered: true });
      const named = spec.materialized % 3 === 0 ? (cte: Loose) => cte(name).materialized() : name;
      next = next.with(named, () => built);
    }
    seen = {
      ...seen,
      ctes: [...seen.ctes.filter((each) => each !== name), name],
      hidden: seen.hidden.filter((each) => each !== name),
    };
  }
  return { creator: next, place: seen };
}

/** The step of a recursive query: counts the ids up. */
function step(name: string): Loose {
  const source = { name };
  return eb
    .selectFrom(name)
    .select([eb(ref(source, 'id'), '+', eb.val(1)).as('id'), 'ref', 'n', 'label', 'marker'])
    .where(ref(source, 'id'), '<', 9);
}

function targetOf(spec: WriteSpec): (typeof ownTables)[number] {
  return pick(ownTables, spec.table);
}

function buildWrite(spec: WriteSpec, creator: Loose, place: Place, ground: Ground): Loose {
  const ctes = buildCtes(spec.ctes, false, creator, place, ground);
  if (spec.write === 'insert') return buildInsert(spec, ctes.creator, ctes.place, ground);
  const { name, column } = targetOf(spec);
  const aliased = spec.style % 2 === 0;
  const target: Source = { name: aliased ? 'w' : name, column };
  const written = aliased ? `${name} as w` : name;
  const from = buildFrom(spec.from, spec.from.length === 0 ? [] : spec.joins, ctes.place, ground, [target]);
  const sources = [target, ...from.sources];
  let query =
    spec.write === 'update'
      ? ctes.creator.updateTable(written).set(assignments(spec, target, { ...ctes.place, outer: [target] }, ground))
      : ctes.creator.deleteFrom(written);
  if (from.items.length > 0)
    query = from.apply(spec.write === 'update' ? query.from(from.items) : query.using(from.items));
  if (spec.where !== null)
    query = query.where(buildCondition(spec.where, sources, { ...ctes.place, outer: sources }, ground));
  return spec.returning ? query.returning(columns.map((each) => ref(target, each).as(each))) : query;
}

function assignments(spec: WriteSpec, target: Source, place: Place, ground: Ground): Record<string, unknown> {
  const query = spec.setQuery;
  const forms: (() => unknown)[] = [() => 7, () => eb(ref(target, 'n'), '+', eb.val(1))];
  if (query !== null) {
    const inner = buildSelect(query, detached(), place, ground, { ordered: true, only: ['n'] });
    forms.push(() => eb.selectFrom(inner.as('z')).select(eb.fn.max(sql.ref('z.n')).as('m')));
  }
  const crossing = spec.evil ? { [target.column ?? '']: tenantB } : {};
  return { n: pick(forms, spec.set)(), label: 'A#set', ...crossing };
}

function buildInsert(spec: WriteSpec, creator: Loose, place: Place, ground: Ground): Loose {
  const { name, column } = targetOf(spec);
  const named = ground.naming === 'always' || (ground.naming === 'scope' && (spec.explicit || spec.evil));
  const tenant = spec.evil ? tenantB : tenantA;
  let query = creator.insertInto(name);
  if (spec.query === null) {
    const rows = spec.rows.map(({ id, n, label }) => ({
      id,
      ref: id % 3,
      n,
      marker: 'A#new',
      ...(label && { label: 'A#new' }),
      ...(named && { [column]: tenant }),
    }));
    query = query.values(rows);
  } else {
    const inner = buildSelect(spec.query, detached(), place, ground, { ordered: true });
    const stamped = () =>
      eb
        .selectFrom(inner.as('q'))
        .selectAll()
        .select(eb.cast(eb.val(tenant), 'uuid').as('tenant'));
    query = query.columns(named ? [...columns, column] : columns).expression(named ? stamped() : inner);
  }
  const key = name === 'handles' ? ['id'] : [column, 'id'];
  if (spec.conflict % 4 === 1) query = query.onConflict((oc: Loose) => oc.columns(key).doNothing());
  if (spec.conflict % 4 > 1) {
    const set = { n: spec.conflict % 3 === 0 ? 9 : sql.ref('excluded.n'), label: 'A#upsert' };
    const where = (oc: Loose): Loose => (spec.set % 2 === 0 ? oc : oc.where(sql.ref('excluded.id'), '>', 2));
    query = query.onConflict((oc: Loose) => where(oc.columns(key).doUpdateSet(set)));
  }
  const target = { name };
  return spec.returning ? query.returning(columns.map((each) => ref(target, each).as(each))) : query;
}
