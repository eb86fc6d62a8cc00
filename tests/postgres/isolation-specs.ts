import * as fc from 'fast-check';

/** A choice among what there is where the query is built: the number is taken modulo the number of things. */
export type Choice = number;

export type SourceSpec =
  | { readonly kind: 'table'; readonly table: Choice; readonly style: Choice }
  | { readonly kind: 'query'; readonly query: SelectSpec; readonly lateral: boolean };

export type ConditionSpec =
  | {
      readonly kind: 'compare';
      readonly source: Choice;
      readonly column: Choice;
      readonly operator: Choice;
      readonly value: number;
    }
  | { readonly kind: 'columns'; readonly left: Choice; readonly right: Choice; readonly column: Choice }
  | { readonly kind: 'tenant'; readonly source: Choice; readonly mine: boolean; readonly negated: boolean }
  | { readonly kind: 'exists'; readonly query: SelectSpec; readonly negated: boolean; readonly viaRoot: boolean }
  | { readonly kind: 'in'; readonly source: Choice; readonly query: SelectSpec; readonly viaRoot: boolean }
  | { readonly kind: 'raw'; readonly source: Choice }
  | { readonly kind: 'and' | 'or'; readonly of: readonly ConditionSpec[] }
  | { readonly kind: 'not'; readonly of: ConditionSpec };

export interface JoinSpec {
  readonly type: Choice;
  readonly source: SourceSpec;
  readonly on: ConditionSpec;
}

export interface ValueSpec {
  readonly form: Choice;
  readonly source: Choice;
  readonly query: SelectSpec | null;
}

export interface SelectSpec {
  readonly ctes: readonly CteSpec[];
  readonly recursive: boolean;
  readonly from: readonly SourceSpec[];
  readonly joins: readonly JoinSpec[];
  readonly values: readonly ValueSpec[];
  readonly where: ConditionSpec | null;
  readonly grouped: boolean;
  readonly distinct: boolean;
  readonly sets: readonly { readonly operator: Choice; readonly query: SelectSpec }[];
  readonly limit: number;
}

export interface CteSpec {
  readonly name: Choice;
  readonly materialized: Choice;
  readonly body: SelectSpec | WriteSpec;
}

export interface WriteSpec {
  readonly write: 'insert' | 'update' | 'delete';
  readonly ctes: readonly CteSpec[];
  readonly table: Choice;
  readonly style: Choice;
  /** Tries to cross the border: names the other tenant, or sets the tenant's column. */
  readonly evil: boolean;
  /** Names the own tenant. */
  readonly explicit: boolean;
  readonly rows: readonly { readonly id: number; readonly n: number; readonly label: boolean }[];
  readonly query: SelectSpec | null;
  readonly conflict: Choice;
  readonly set: Choice;
  readonly setQuery: SelectSpec | null;
  readonly from: readonly SourceSpec[];
  readonly joins: readonly JoinSpec[];
  readonly where: ConditionSpec | null;
  readonly returning: boolean;
}

export type StatementSpec = SelectSpec | WriteSpec;

export function isWrite(spec: StatementSpec): spec is WriteSpec {
  return 'write' in spec;
}

const choice = fc.nat({ max: 59 });
const often = fc.integer({ min: 0, max: 3 }).map((n) => n > 0);
const seldom = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);

/** Each arbitrary is made once for a depth. */
function perDepth<T>(make: (depth: number) => fc.Arbitrary<T>): (depth: number) => fc.Arbitrary<T> {
  const made = new Map<number, fc.Arbitrary<T>>();
  return (depth) => {
    const known = made.get(depth) ?? make(depth);
    made.set(depth, known);
    return known;
  };
}

const sourceOf = perDepth((depth): fc.Arbitrary<SourceSpec> => {
  const table = fc.record({ kind: fc.constant('table' as const), table: choice, style: choice });
  if (depth === 0) return table;
  const query = fc.record({ kind: fc.constant('query' as const), query: selectOf(depth - 1), lateral: fc.boolean() });
  return fc.oneof({ weight: 3, arbitrary: table }, { weight: 1, arbitrary: query });
});

const conditionOf = perDepth((depth): fc.Arbitrary<ConditionSpec> => {
  const compare = fc.record({
    kind: fc.constant('compare' as const),
    source: choice,
    column: choice,
    operator: choice,
    value: fc.integer({ min: 0, max: 7 }),
  });
  const columns = fc.record({ kind: fc.constant('columns' as const), left: choice, right: choice, column: choice });
  const tenant = fc.record({
    kind: fc.constant('tenant' as const),
    source: choice,
    mine: fc.boolean(),
    negated: fc.boolean(),
  });
  const raw = fc.record({ kind: fc.constant('raw' as const), source: choice });
  const simple = fc.oneof(compare, columns, tenant, raw);
  if (depth === 0) return simple;
  const query = selectOf(depth - 1);
  const inner = conditionOf(depth - 1);
  return fc.oneof(
    { weight: 3, arbitrary: simple },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('exists' as const),
        query,
        negated: fc.boolean(),
        viaRoot: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('in' as const), source: choice, query, viaRoot: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(inner, { minLength: 2, maxLength: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('not' as const), of: inner }) },
  );
});

const joinOf = perDepth((depth): fc.Arbitrary<JoinSpec> => {
  return fc.record({ type: choice, source: sourceOf(depth), on: conditionOf(Math.min(depth, 1)) });
});

const valueSpecOf = perDepth((depth): fc.Arbitrary<ValueSpec> => {
  const query = depth === 0 ? fc.constant(null) : fc.option(selectOf(depth - 1), { freq: 2 });
  return fc.record({ form: choice, source: choice, query });
});

const selectOf = perDepth((depth): fc.Arbitrary<SelectSpec> => {
  const leaf = depth === 0;
  return fc.record({
    ctes: leaf ? fc.constant([]) : fc.array(cteOf(depth - 1, false), { maxLength: 2 }),
    recursive: fc.boolean(),
    from: fc.array(sourceOf(depth), { minLength: 1, maxLength: leaf ? 1 : 2 }),
    joins: fc.array(joinOf(depth), { maxLength: leaf ? 1 : 2 }),
    values: fc.array(valueSpecOf(depth), { minLength: 5, maxLength: 5 }),
    where: fc.option(conditionOf(depth), { freq: 3 }),
    grouped: seldom,
    distinct: seldom,
    sets: leaf ? fc.constant([]) : fc.array(fc.record({ operator: choice, query: selectOf(0) }), { maxLength: 1 }),
    limit: fc.integer({ min: 1, max: 9 }),
  });
});

function cteOf(depth: number, writes: boolean): fc.Arbitrary<CteSpec> {
  const select = selectOf(depth);
  const body = writes ? fc.oneof<fc.Arbitrary<SelectSpec | WriteSpec>[]>(select, writeOf(0)) : select;
  return fc.record({ name: choice, materialized: choice, body });
}

function writeOf(depth: number): fc.Arbitrary<WriteSpec> {
  const query = fc.option(selectOf(Math.max(0, depth - 1)), { freq: 2 });
  return fc.record({
    write: fc.constantFrom('insert' as const, 'update' as const, 'delete' as const),
    ctes: depth === 0 ? fc.constant([]) : fc.array(cteOf(depth - 1, true), { maxLength: 2 }),
    table: choice,
    style: choice,
    evil: seldom,
    explicit: fc.boolean(),
    rows: fc.array(fc.record({ id: fc.integer({ min: 1, max: 14 }), n: fc.nat({ max: 50 }), label: fc.boolean() }), {
      minLength: 1,
      maxLength: 3,
    }),
    query,
    conflict: choice,
    set: choice,
    setQuery: query,
    from: fc.array(sourceOf(depth), { maxLength: 2 }),
    joins: fc.array(joinOf(depth), { maxLength: 1 }),
    where: fc.option(conditionOf(depth), { freq: 5 }),
    returning: often,
  });
}

/** Any statement: a query, or a write with what may stand around it. */
export function statements(): fc.Arbitrary<StatementSpec> {
  const reads = selectOf(2);
  const readsOfWrites = fc
    .record({ select: selectOf(1), ctes: fc.array(cteOf(1, true), { minLength: 1, maxLength: 2 }) })
    .map(({ select, ctes }) => ({ ...select, ctes, recursive: false }));
  return fc.oneof<fc.Arbitrary<StatementSpec>[]>(reads, writeOf(1), writeOf(2), readsOfWrites);
}
