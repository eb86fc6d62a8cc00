import { keyOf, type People, type Records, type TableName, tableNames } from './rows.ts';

/** One row's change. Where both are there and the keys differ, the row moved. */
export interface Change<Table extends TableName = TableName> {
  readonly table: Table;
  readonly before: Records[Table] | null;
  readonly after: Records[Table] | null;
  /** The row was joined with another one, `after`, whose own change stands beside. */
  readonly joined: boolean;
}

/** Whether a change is one of a table. */
export function isOf<Table extends TableName>(change: Change, table: Table): change is Change<Table> {
  return change.table === table;
}

interface Item<Table extends TableName> {
  readonly table: Table;
  readonly before: Records[Table] | null;
  now: Records[Table] | null;
  into: Item<Table> | null;
}

type Indexes = { readonly [Table in TableName]: Map<string, Item<Table>> };
type Items = { readonly [Table in TableName]: Item<Table>[] };

/**
 * Rows of the library's tables on which a unit is worked out before anything is written. What was changed is known at the
 * end, each row with what it was before.
 */
export interface Draft {
  /** The rows as they are now. */
  all<Table extends TableName>(table: Table): Records[Table][];
  /** The row with this key, as it is now. */
  get<Table extends TableName>(table: Table, ...key: readonly string[]): Records[Table] | undefined;
  /** The row that had this key before anything was changed. */
  before<Table extends TableName>(table: Table, ...key: readonly string[]): Records[Table] | undefined;
  /** The member that a user is of a tenant. */
  memberOf(tenantId: string, userId: string): Records['members'] | undefined;
  /** Makes a row, or puts it in the place of the one with its key. */
  set<Table extends TableName>(table: Table, row: Records[Table]): void;
  drop<Table extends TableName>(table: Table, row: Records[Table]): void;
  /** Gives a row another key. */
  carry<Table extends TableName>(table: Table, row: Records[Table], next: Records[Table]): void;
  /** Ends a row that lives on in another. */
  join<Table extends TableName>(table: Table, row: Records[Table], into: Records[Table]): void;
  /** The members of each tenant, of those that were read. */
  membersByTenant(): ReadonlyMap<string, readonly Records['members'][]>;
  /** Seats taken in each tenant by the rows as they are now. */
  seatsTaken(): ReadonlyMap<string, number>;
  changes(): Change[];
}

const takesSeat = ({ status, seat_exempt: exempt = false }: Records['members']): number =>
  (status === 'active' || status === 'pending') && !exempt ? 1 : 0;

function emptyIndexes(): Indexes {
  return {
    tenants: new Map(),
    organizations: new Map(),
    members: new Map(),
    member_grants: new Map(),
    api_keys: new Map(),
    api_key_digests: new Map(),
    tenant_lookups: new Map(),
    tenant_moves: new Map(),
    usage_counters: new Map(),
  };
}

/** Makes a draft of rows that were read. */
export function createDraft(people: People): Draft {
  const indexes = emptyIndexes();
  const loaded = emptyIndexes();
  /** A member's user never changes, whatever else does. */
  const ofUser = new Map<string, Item<'members'>[]>();
  let indexed = 0;
  const items: Items = {
    tenants: [],
    organizations: [],
    members: [],
    member_grants: [],
    api_keys: [],
    api_key_digests: [],
    tenant_lookups: [],
    tenant_moves: [],
    usage_counters: [],
  };

  function add<Table extends TableName>(table: Table, before: Records[Table] | null, now: Records[Table]): void {
    const item: Item<Table> = { table, before, now, into: null };
    items[table].push(item);
    indexes[table].set(keyOf(table, now), item);
    if (before !== null) loaded[table].set(keyOf(table, before), item);
  }

  function load<Table extends TableName>(table: Table): void {
    for (const row of people.rows[table]) add(table, row, row);
  }
  for (const table of tableNames) load(table);

  function itemOf<Table extends TableName>(table: Table, row: Records[Table]): Item<Table> {
    const item = indexes[table].get(keyOf(table, row));
    if (item === undefined) throw new TypeError(`a row of ${table} is not part of the unit`);
    return item;
  }

  function changesOf<Table extends TableName>(table: Table): Change[] {
    const changes: Change[] = [];
    for (const { before, now, into } of items[table]) {
      const after = into === null ? now : into.now;
      if (JSON.stringify(before) !== JSON.stringify(after))
        changes.push({ table, before, after, joined: into !== null });
    }
    return changes;
  }

  return {
    all: (table) => items[table].flatMap(({ now }) => (now === null ? [] : [now])),
    get: (table, ...key) => indexes[table].get(JSON.stringify(key))?.now ?? undefined,
    before: (table, ...key) => loaded[table].get(JSON.stringify(key))?.before ?? undefined,
    memberOf(tenantId, userId) {
      for (; indexed < items.members.length; indexed += 1) {
        const item = items.members[indexed];
        const user = (item?.now ?? item?.before)?.user_id;
        if (item !== undefined && user !== undefined) ofUser.set(user, [...(ofUser.get(user) ?? []), item]);
      }
      return ofUser.get(userId)?.find(({ now }) => now?.tenant_id === tenantId)?.now ?? undefined;
    },
    set(table, row) {
      const item = indexes[table].get(keyOf(table, row));
      if (item === undefined) add(table, null, row);
      else item.now = row;
    },
    drop(table, row) {
      itemOf(table, row).now = null;
    },
    carry(table, row, next) {
      const item = itemOf(table, row);
      const occupied = indexes[table].get(keyOf(table, next));
      if (occupied !== undefined && occupied !== item && occupied.now !== null) {
        throw new TypeError(`two rows of ${table} have one key`);
      }
      indexes[table].delete(keyOf(table, row));
      item.now = next;
      indexes[table].set(keyOf(table, next), item);
    },
    join(table, row, into) {
      const item = itemOf(table, row);
      item.now = null;
      item.into = itemOf(table, into);
    },
    membersByTenant() {
      const members = new Map<string, Records['members'][]>();
      for (const { now } of items.members) {
        if (now === null) continue;
        const list = members.get(now.tenant_id);
        if (list === undefined) members.set(now.tenant_id, [now]);
        else list.push(now);
      }
      return members;
    },
    seatsTaken() {
      const taken = new Map(Object.entries(people.seated));
      const add = (row: Records['members'] | null, sign: 1 | -1): void => {
        if (row !== null) taken.set(row.tenant_id, (taken.get(row.tenant_id) ?? 0) + sign * takesSeat(row));
      };
      for (const { before, now } of items.members) {
        add(before, -1);
        add(now, 1);
      }
      return taken;
    },
    changes: () => tableNames.flatMap((table) => changesOf(table)),
  };
}
