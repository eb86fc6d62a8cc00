/** A legacy database made from a number: what is asked of `inspect` is not known to it. */
export interface UnseenSchema {
  readonly source: string;
  readonly statements: readonly string[];
  /** Whose each table is. */
  readonly truth: Readonly<Record<string, 'source' | 'via' | 'shared' | 'untouched'>>;
  /** The table of which two columns lead to different tenants, and the column that is to be emptied. */
  readonly disagreeing: { readonly table: string; readonly column: string };
  /** Rows that lead to no tenant, by table. */
  readonly unresolved: Readonly<Record<string, number>>;
}

type Value = string | number | null;

interface Row {
  readonly key: readonly Value[];
  /** The source row that it belongs to. */
  readonly owner: number | null;
}

interface Table {
  readonly name: string;
  readonly key: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Row[];
}

const nouns =
  `grove orchard harvest crate pallet voyage berth lantern ledger parcel quarry furnace ingot loom spool garment atelier kiln
glaze vessel tide beacon pasture fleece meadow hive frame swarm cellar barrel vintage stencil canvas easel fresco chisel trellis`.split(
    /\s+/,
  );

const sources = [
  { name: 'growers', one: 'grower', email: 'email text not null' },
  { name: 'Clients', one: 'Client', email: '"contactEmail" varchar(200)' },
  { name: 'workspaces', one: 'workspace', email: 'slug text not null unique' },
] as const;

/** Makes the statements of a database of 40 tables with rows, and what is true of it. The same number, the same database. */
export function unseenSchema(seed: number): UnseenSchema {
  const random = generator(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  const names = [...nouns].sort(() => random() - 0.5);
  const camel = seed % 3 === 1;
  const statements: string[] = [];
  const truth: Record<string, 'source' | 'via' | 'shared' | 'untouched'> = {};
  const unresolved: Record<string, number> = {};
  const nextName = (): string => {
    const name = names.pop();
    if (name === undefined) throw new RangeError('there are no more names');
    return camel ? `${name[0]?.toUpperCase()}${name.slice(1)}s` : `${name}s`;
  };
  const column = (table: string, suffix: string): string => {
    const one = table.replace(/s$/, '');
    return camel
      ? `${one[0]?.toLowerCase()}${one.slice(1)}${suffix[0]?.toUpperCase()}${suffix.slice(1)}`
      : `${one.toLowerCase()}_${suffix}`;
  };
  const q = (name: string): string => `"${name}"`;
  const list = (columns: readonly string[]): string => columns.map(q).join(', ');
  const literal = (value: Value): string =>
    typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);

  function insert(table: string, columns: readonly string[], rows: readonly (readonly Value[])[]): void {
    if (rows.length === 0) return;
    const values = rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ');
    statements.push(`insert into ${q(table)} (${list(columns)}) overriding system value values ${values}`);
  }

  function keyOf(kind: number, n: number, salt: string): Value {
    if (kind === 1) return `${salt}-${n}`;
    if (kind === 2) return `00000000-0000-4000-8000-${String(salt.length * 100_000 + n).padStart(12, '0')}`;
    return n;
  }
  const keyTypes = ['integer', 'text', 'uuid', 'bigint generated always as identity'] as const;

  /** A table whose rows belong to rows of `parents`; the first parent says whose they are, the others agree with it or not. */
  function grow(
    name: string,
    parents: readonly {
      readonly table: Table;
      readonly column?: string;
      readonly nullable?: boolean;
      readonly agrees?: boolean;
    }[],
    { size = 30 + pick(60), kind = pick(4), extra = [] as readonly string[] } = {},
  ): Table {
    const foreign = parents.map(({ table, column: named, nullable = false }) => ({
      nullable,
      table,
      columns: table.key.map((part) => named ?? column(table.name, table.key.length === 1 ? 'id' : part.name)),
    }));
    // Kind 4: the key of the parent and a position.
    const first = foreign[0];
    const key =
      kind === 4 && first !== undefined
        ? [
            ...first.columns.map((part, at) => ({ name: part, type: plain(first.table.key[at]?.type) })),
            { name: 'position', type: 'integer' },
          ]
        : [{ name: 'id', type: keyTypes[kind % 4] ?? 'integer' }];
    const rows: Row[] = [];
    const values: Value[][] = [];
    for (let n = 1; n <= size; n += 1) {
      const chosen = parents.map(({ table }) => table.rows[pick(table.rows.length)]);
      const owner = chosen[0]?.owner ?? null;
      for (const [at, parent] of parents.entries()) {
        if (at > 0 && parent.agrees !== false) chosen[at] = parent.table.rows.find((row) => row.owner === owner);
        if (at > 0 && parent.nullable === true && pick(4) === 0) chosen[at] = undefined;
      }
      const led = parents.flatMap(({ table }, at) => chosen[at]?.key ?? table.key.map(() => null));
      const mine = kind === 4 ? [...(chosen[0]?.key ?? []), n] : [keyOf(kind % 4, n, name)];
      rows.push({ key: mine, owner });
      values.push(kind === 4 ? [...led, n, ...extra.map(() => n)] : [...mine, ...led, ...extra.map(() => n)]);
    }
    const own = kind === 4 ? ['position'] : ['id'];
    const led = foreign.flatMap(({ columns }) => columns);
    const columns = [
      ...foreign.flatMap(({ table, columns: named, nullable }) =>
        named.map((part, at) => `${q(part)} ${plain(table.key[at]?.type)}${nullable ? '' : ' not null'}`),
      ),
      ...key.filter((part) => !led.includes(part.name)).map((part) => `${q(part.name)} ${part.type}`),
      ...extra.map((part) => `${q(part)} integer`),
      `note text default 'n'`,
    ];
    const constraints = foreign.map(
      ({ table, columns: named }, at) =>
        `foreign key (${list(named)}) references ${q(table.name)} (${list(table.key.map((part) => part.name))})${at === 0 && pick(2) === 0 ? ' on delete cascade' : ''}`,
    );
    statements.push(
      `create table ${q(name)} (${[...columns, `primary key (${list(key.map((part) => part.name))})`, ...constraints].join(', ')})`,
    );
    insert(name, kind === 4 ? [...led, ...own, ...extra] : [...own, ...led, ...extra], values);
    truth[name] = 'via';
    return { name, key, rows };
  }

  const origin = sources[seed % 3] ?? sources[0];
  const source: Table = {
    name: origin.name,
    key: [{ name: 'id', type: seed % 2 === 0 ? 'integer' : 'uuid' }],
    rows: Array.from({ length: 40 }, (_, n) => ({ key: [keyOf(seed % 2 === 0 ? 0 : 2, n + 1, 'src')], owner: n + 1 })),
  };
  const lookUps = Array.from({ length: 4 }, () => nextName());
  for (const [at, name] of lookUps.entries()) {
    const above = at === 3 ? lookUps[0] : undefined;
    const leads = above === undefined ? '' : `, ${q(column(above, 'code'))} text not null references ${q(above)}`;
    statements.push(`create table ${q(name)} (code text primary key, label text not null${leads})`);
    insert(
      name,
      ['code', 'label', ...(above === undefined ? [] : [column(above, 'code')])],
      [1, 2, 3, 4].map((n) => [`c${n}`, `L${n}`, ...(above === undefined ? [] : [`c${n}`])]),
    );
    truth[name] = 'shared';
  }
  const [areas = '', moods = '', units = '', districts = ''] = lookUps;
  statements.push(
    `create table ${q(source.name)} (id ${source.key[0]?.type} primary key, ${origin.email}, name text, ${q(column(districts, 'code'))} text not null references ${q(districts)}, created_at timestamptz not null default '2026-01-01')`,
    `insert into ${q(source.name)} select ${seed % 2 === 0 ? 'n' : `('00000000-0000-4000-8000-' || lpad((300000 + n)::text, 12, '0'))::uuid`}, 'a' || n || '@x' || n % 7 || '.org', 'Name ' || n % 30, 'c' || 1 + n % 4 from generate_series(1, 40) as n`,
  );
  truth[source.name] = 'source';
  const led = { table: source, column: column(origin.one, 'id') };

  // Three chains of five tables, one of them by composite keys all the way down.
  const chains = [0, 1, 2].map((chain) => {
    const tables: Table[] = [];
    for (let depth = 0; depth < 5; depth += 1) {
      const above = tables.at(-1);
      const kind = chain === 0 && depth > 0 ? 4 : pick(4);
      tables.push(grow(nextName(), [above === undefined ? led : { table: above }], { kind }));
    }
    return tables;
  });
  const [first = [], second = [], third = []] = chains;
  const at = (tables: readonly Table[], depth: number): Table => tables[depth] ?? source;

  // Tables that refer to themselves, within a tenant.
  for (const parent of [at(second, 0), source]) {
    const name = nextName();
    const tree = grow(name, [parent === source ? led : { table: parent }], { kind: 0 });
    const self = camel ? 'parentId' : 'parent_id';
    statements.push(`alter table ${q(name)} add column ${q(self)} integer references ${q(name)}`);
    for (const row of tree.rows) {
      const up = tree.rows.find((other) => other.owner === row.owner && Number(other.key[0]) < Number(row.key[0]));
      if (up !== undefined) statements.push(`update ${q(name)} set ${q(self)} = ${up.key[0]} where id = ${row.key[0]}`);
    }
  }
  // Two paths that agree, one of them where rows may leave the second empty; look-ups beside them.
  grow(nextName(), [{ table: at(second, 1) }, led], { kind: 3 });
  grow(nextName(), [led, { table: at(third, 0), nullable: true }]);
  const joined = grow(nextName(), [{ table: at(first, 1) }], { kind: 0 });
  statements.push(
    `alter table ${q(joined.name)} add column ${q(column(moods, 'code'))} text default 'c1' references ${q(moods)}`,
  );
  const counted = grow(nextName(), [{ table: at(third, 2) }]);
  statements.push(
    `alter table ${q(counted.name)} add column ${q(column(units, 'code'))} text default 'c2' references ${q(units)}`,
    `alter table ${q(counted.name)} add column ${q(column(areas, 'code'))} text default 'c3' references ${q(areas)}`,
  );

  // Two paths that disagree: who wrote a row is not whose it is.
  const author = camel ? 'authorId' : 'author_id';
  const disagreeing = grow(nextName(), [
    { table: at(second, 2) },
    { table: source, column: author, nullable: true, agrees: false },
  ]).name;

  // A circle: a table points to the row below it that counts now.
  const above = grow(nextName(), [led], { kind: 0 });
  const below = grow(nextName(), [{ table: above }], { kind: 0 });
  const now = camel ? 'currentOneId' : 'current_one_id';
  statements.push(`alter table ${q(above.name)} add column ${q(now)} integer references ${q(below.name)}`);
  for (const row of below.rows) {
    const upper = above.rows.find((candidate) => candidate.owner === row.owner);
    if (upper !== undefined)
      statements.push(`update ${q(above.name)} set ${q(now)} = ${row.key[0]} where id = ${upper.key[0]}`);
  }
  // Look-ups that an administrator keeps for all.
  const kept = nextName();
  statements.push(
    `create table ${q(kept)} (id integer primary key, label text, created_by ${source.key[0]?.type} not null references ${q(source.name)})`,
  );
  insert(
    kept,
    ['id', 'label', 'created_by'],
    [1, 2, 3].map((n) => [n, `k${n}`, source.rows[0]?.key[0] ?? null]),
  );
  truth[kept] = 'shared';
  const users = grow(nextName(), [led], { kind: 1 });
  statements.push(
    `alter table ${q(users.name)} add column ${q(column(kept, 'id'))} integer not null default 2 references ${q(kept)}`,
  );

  // A log without a foreign key, some of whose rows lead nowhere, and one that no row of the source outlived.
  const log = nextName();
  const key = source.key[0]?.type ?? '';
  statements.push(
    `create table ${q(log)} (id bigint generated always as identity primary key, ${q(column(origin.one, 'id'))} ${key}, at timestamptz default '2026-01-02', line text)`,
    `insert into ${q(log)} (${q(column(origin.one, 'id'))}, line) select case when n % 20 = 0 then null when n % 25 = 0 then ${seed % 2 === 0 ? '9000 + n' : `('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid`} else (array(select id from ${q(source.name)} order by id))[1 + n % 40] end, 'l' || n from generate_series(1, 400) as n`,
  );
  truth[log] = 'via';
  unresolved[log] = 20 + 12;

  // A partitioned table, one without a primary key, a copy of what was, and the book of a migration tool.
  const measured = nextName();
  statements.push(
    `create table ${q(measured)} (id integer, day date, ${q(column(origin.one, 'id'))} ${key} not null references ${q(source.name)}, primary key (id, day)) partition by range (day)`,
    ...[1, 2, 3].map(
      (month) =>
        `create table ${q(`${measured}_${month}`)} partition of ${q(measured)} for values from ('2026-0${month}-01') to ('2026-0${month + 1}-01')`,
    ),
    `insert into ${q(measured)} select n, date '2026-01-01' + n % 90, (array(select id from ${q(source.name)} order by id))[1 + n % 40] from generate_series(1, 200) as n`,
  );
  truth[measured] = 'via';
  const keyless = nextName();
  statements.push(
    `create table ${q(keyless)} (${q(column(origin.one, 'id'))} ${key} not null references ${q(source.name)}, line text)`,
    `insert into ${q(keyless)} select id, 'x' from ${q(source.name)}`,
    `create table ${q(`${source.name}_backup`)} as select * from ${q(source.name)}`,
    'create table knex_migrations (id serial primary key, name text)',
    `insert into knex_migrations (name) values ('1'), ('2')`,
  );
  truth[keyless] = 'via';
  truth[`${source.name}_backup`] = 'untouched';
  truth.knex_migrations = 'untouched';
  while (Object.keys(truth).length < 40) grow(nextName(), [pick(2) === 0 ? led : { table: at(third, pick(4)) }]);
  return {
    source: source.name,
    statements,
    truth,
    disagreeing: { table: disagreeing, column: author },
    unresolved,
  };
}

/** The type of a column that refers to a key. */
function plain(type: string | undefined): string {
  return (type ?? 'integer').replace(' generated always as identity', '');
}

/** Mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed * 0x9e3779b1 + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
