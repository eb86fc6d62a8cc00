import { sql } from 'kysely';
import { createTenantry, definePlans, hybridSeats, own, shared } from 'tenantry';
import { createAudit } from 'tenantry/audit';
import { installSchema, isolateTable } from 'tenantry/database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { openLogin } from '../support/runner.ts';

interface App {
  folders: { tenant_id: string; id: number; parent_id: number | null; main_note: number | null };
  notes: { tenant_id: string; id: number; folder_id: number | null; body: string };
  oddities: { org: string; id: number };
  countries: { code: string };
}

const ddl = [
  'create table countries (code text primary key)',
  // Folders lead to themselves and to notes, and notes to folders: a circle that no order of statements resolves.
  `create table folders (tenant_id uuid not null references tenantry.tenants (tenant_id), id integer not null,
    parent_id integer, main_note bigint, primary key (tenant_id, id),
    foreign key (tenant_id, parent_id) references folders (tenant_id, id))`,
  `create table notes (tenant_id uuid not null, id bigint generated always as identity, folder_id integer, body text not null,
    upper_body text generated always as (upper(body)) stored, primary key (tenant_id, id),
    foreign key (tenant_id, folder_id) references folders (tenant_id, id))`,
  'alter table folders add foreign key (tenant_id, main_note) references notes (tenant_id, id)',
  `create table oddities (org uuid not null references tenantry.tenants (tenant_id), id integer not null, amount numeric, big bigint, at timestamptz,
    raw bytea, tags text[], grid integer[][], meta jsonb, plain json, span interval, real8 float8, range int4range, country text references countries (code),
    primary key (org, id))`,
];
const tables = { folders: own(), notes: own(), oddities: own({ column: 'org' }), countries: shared() };
const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } }, limits: { bots: 2 } } });

async function prepare(database: TestDatabase<App>): Promise<void> {
  const { owner } = database;
  for (const statement of ddl) await sql.raw(statement).execute(owner);
  for (const [table, column] of [
    ['folders', 'tenant_id'],
    ['notes', 'tenant_id'],
    ['oddities', 'org'],
  ] as const) {
    for (const statement of isolateTable({ table, column })) await sql.raw(statement).execute(owner);
  }
  await sql`grant select on countries to tenantry_app`.execute(owner);
  await sql`insert into countries values ('se')`.execute(owner);
  await installSchema(owner, { grantPurgeTo: ['tenantry_test_app'] });
}

function program(database: Pick<TestDatabase<App>, 'app'>) {
  return createTenantry({ db: database.app, plans, strategy: hybridSeats({ plan: 'free', seats: 5 }), tables });
}

let count = 0;

/** An organization with something in every corner. */
async function furnished(database: TestDatabase<App>): Promise<string> {
  count += 1;
  const tenantry = program(database);
  const { tenantId } = await tenantry.tenancy.provision({
    userId: `ada ${count}`,
    name: `Acme ${count}`,
    slug: `acme-${count}`,
  });
  const { member } = await tenantry.organizations.members.add({
    tenantId,
    userId: 'bob',
    role: 'admin',
    email: `bob${count}@x.example`,
  });
  const { secret } = await tenantry.apiKeys.issue({ tenantId, name: 'key', memberId: member?.id ?? '' });
  await (await tenantry.access.authenticate({ authorization: `Bearer ${secret}` })).consume('calls', 3);
  await tenantry.audit.record({
    tenantId,
    action: 'thing.done',
    actor: { type: 'user', id: 'bob', name: 'Bob' },
    context: { ip: '192.0.2.1' },
  });
  await tenantry.audit.chain({ tenantId });
  await tenantry.tenancy.transaction(
    tenantId,
    async (tx) => {
      await sql`insert into folders select ${tenantId}::uuid, n, nullif(n - 1, 0), null from generate_series(1, 5) n`.execute(
        tx,
      );
      await sql`insert into notes (tenant_id, folder_id, body) select ${tenantId}::uuid, 1 + n % 5, 'note ' || n from generate_series(1, 1200) n`.execute(
        tx,
      );
      await sql`update folders set main_note = (select min(id) from notes) where id = 3`.execute(tx);
      await sql`insert into oddities values
        (${tenantId}::uuid, 1, 12345678901234567890.123456789012345678901234567890, 9223372036854775807, '2026-03-01 12:00:00.123456+02',
          '\\x00ff0a22', array['a,"b"', null, E'line\nbreak'], '{{1,2},{3,4}}', '{"n": 1.10, "big": 123456789012345678901, "t": "x\\u2028y"}',
          E'{"b": 1,\n "a":  2}', '1 mon 2 days 03:04:05.678', 0.1, '[1,5)', 'se'),
        (${tenantId}::uuid, 2, 'NaN', -1, 'infinity', '', '{}', null, 'null', 'null', null, 'Infinity', 'empty', null),
        (${tenantId}::uuid, 3, null, null, null, null, null, null, null, null, null, null, null, null)`.execute(tx);
    },
    { plugin: false },
  );
  return tenantId;
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

/** All rows of a tenant as text, by table; read by the superuser of the test, whom no policy binds. */
async function everything(database: TestDatabase<App>, tenantId: string): Promise<Record<string, string[]>> {
  const found = await sql<{ name: string; col: string }>`
    select format('%I.%I', n.nspname, c.relname) as name, a.attname as col
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where a.attname in ('tenant_id', 'org') and a.atttypid = 'uuid'::regtype and c.relkind in ('r', 'p')
      and n.nspname in ('public', 'tenantry') order by 1`.execute(database.owner);
  const { Client } = await import('pg');
  const client = new Client({ connectionString: database.urls?.superuser ?? '' });
  await client.connect();
  const rows: Record<string, string[]> = {};
  for (const { name, col } of found.rows) {
    const read = await client.query(`select t::text as row from ${name} t where ${col} = $1 order by 1`, [tenantId]);
    if (read.rows.length > 0) rows[name] = read.rows.map(({ row }) => row);
  }
  await client.end();
  return rows;
}

let here: TestDatabase<App>;
let there: TestDatabase<App>;
beforeAll(async () => {
  here = await postgresDatabase<App>();
  there = await postgresDatabase<App>();
  await prepare(here);
  await prepare(there);
});
afterAll(() => Promise.all([here.destroy(), there.destroy()]));

describe('a tenant that is written out and taken in elsewhere', () => {
  it('has the same rows in every table, to the last digit, and a chain that verifies', async () => {
    const tenantId = await furnished(here);
    const other = await furnished(here);
    const lines = await collect(program(here).tenancy.exportTenant(tenantId));
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true);
    for (const line of lines) JSON.parse(line);
    expect(lines.join('')).not.toContain(other);
    const imported = await program(there).tenancy.importTenant(lines);
    expect(imported.tenantId).toBe(tenantId);
    expect(imported.rows['public.notes']).toBe(1200);
    const before = await everything(here, tenantId);
    const after = await everything(there, tenantId);
    // The json column is of the same value; its line breaks between parts became spaces.
    const flat = (rows: Record<string, string[]>) => JSON.stringify(rows).replaceAll('\\n', ' ');
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(flat(after)).toBe(flat(before));
    expect(await program(there).audit.verify({ tenantId })).toMatchObject({ ok: true, waiting: 0 });
    const { items } = await program(there).audit.list({ tenantId, actions: ['thing.done'] });
    expect(items[0]).toMatchObject({ actor: { name: 'Bob' }, context: { ip: '192.0.2.1' } });
  });

  it('goes on there: new rows get new numbers, keys open, members act', async () => {
    const tenantId = await furnished(here);
    const { secret } = await program(here).apiKeys.issue({ tenantId });
    const imported = await program(there).tenancy.importTenant(program(here).tenancy.exportTenant(tenantId));
    const access = await program(there).access.authenticate({ authorization: `Bearer ${secret}` });
    expect(access.tenant.id).toBe(tenantId);
    // The login may not set the sequence, and is told so; the owner raises it.
    expect(imported.sequencesBehind).toEqual(['public.notes_id_seq']);
    await sql`select setval('notes_id_seq', (select max(id) from notes))`.execute(there.owner).catch(() => undefined);
    expect(await program(there).tenancy.resolve({ userId: 'bob', tenantId })).toMatchObject({
      ok: true,
      role: 'admin',
    });
  });

  it('is taken in from pieces of any size, and from many lines at once', async () => {
    const tenantId = await furnished(here);
    const text = (await collect(program(here).tenancy.exportTenant(tenantId))).join('');
    const pieces = Array.from({ length: Math.ceil(text.length / 7001) }, (_, n) =>
      text.slice(n * 7001, (n + 1) * 7001),
    );
    expect((await program(there).tenancy.importTenant(pieces)).tenantId).toBe(tenantId);
  });

  it('is refused where it is already, or where its slug is taken, and leaves nothing', async () => {
    const tenantId = await furnished(here);
    const lines = await collect(program(here).tenancy.exportTenant(tenantId));
    await expect(program(here).tenancy.importTenant(lines)).rejects.toMatchObject({
      code: 'tenant_import_conflict',
      details: { table: 'tenantry.tenants' },
    });
    await program(there).organizations.create({ name: 'Mine', slug: `acme-${count}`, owner: { userId: 'eve' } });
    await expect(program(there).tenancy.importTenant(lines)).rejects.toMatchObject({
      code: 'tenant_import_conflict',
      details: { table: 'tenantry.tenant_lookups' },
    });
    expect(await everything(there, tenantId)).toEqual({});
  });

  describe('is refused when the file', () => {
    let lines: string[];
    let tenantId: string;
    beforeEach(async () => {
      tenantId = await furnished(here);
      lines = await collect(program(here).tenancy.exportTenant(tenantId));
    });
    const changes: readonly [string, (lines: string[]) => readonly string[]][] = [
      ['is empty', () => []],
      ['is no export', () => ['{"hello": "world"}\n']],
      ['was cut off', (all) => all.slice(0, -1)],
      ['lacks a row', (all) => all.filter((_, n) => n !== 20)],
      ['has a row twice', (all) => all.flatMap((line, n) => (n === 20 ? [line, line] : [line]))],
      ['has a changed value', (all) => all.map((line) => line.replace('note 7"', 'note 8"'))],
      ['has changed places', (all) => [...all.slice(0, 20), all[21] ?? '', all[20] ?? '', ...all.slice(22)]],
      ['goes on behind its end', (all) => [...all, all[20] ?? '']],
      ['has a line that is no row', (all) => [...all.slice(0, 20), '{"table":"public.notes"}\n', ...all.slice(20)]],
      [
        'is of a newer schema',
        (all) => all.map((line, n) => (n === 0 ? line.replace(/"schema":\d+/, '"schema":999') : line)),
      ],
      [
        'has a table that is not here',
        (all) => all.map((line, n) => (n === 0 ? line.replace('public.notes', 'public.nots') : line)),
      ],
      [
        'has a column that is not here',
        (all) => all.map((line, n) => (n === 0 ? line.replace('"body"', '"bodi"') : line)),
      ],
    ];
    it.each(changes)('%s', async (_, change) => {
      await expect(program(there).tenancy.importTenant(change(lines))).rejects.toMatchObject({
        code: 'tenant_import_invalid',
      });
      expect(await everything(there, tenantId)).toEqual({});
    });

    it('writes into another tenant, with a checksum that was made anew', async () => {
      const victim = await furnished(there);
      const { createHash } = await import('node:crypto');
      const body = lines
        .slice(0, -1)
        .map((line, n) => (n > 0 && line.includes('"note 7"') ? line.replace(tenantId, victim) : line));
      const trailer = {
        ...JSON.parse(lines.at(-1) ?? ''),
        sha256: createHash('sha256').update(body.join('')).digest('hex'),
      };
      const forged = [...body, `${JSON.stringify(trailer)}\n`];
      expect(forged.join('')).toContain(victim);
      const before = await everything(there, victim);
      await expect(program(there).tenancy.importTenant(forged)).rejects.toMatchObject({
        code: 'tenant_import_invalid',
      });
      expect(await everything(there, victim)).toEqual(before);
      expect(await everything(there, tenantId)).toEqual({});
    });
  });

  it('is written out as it was at one moment, and leaves no transaction behind when the reader stops', async () => {
    const tenantId = await furnished(here);
    const lines: string[] = [];
    for await (const line of program(here).tenancy.exportTenant(tenantId)) {
      lines.push(line);
      if (lines.length === 1)
        await program(here)
          .tenancy.scope(tenantId)
          .deleteFrom('notes')
          .where('id', '>', 0)
          .where('folder_id', '=', 3)
          .execute();
    }
    expect(lines.filter((line) => line.startsWith('{"table":"public.notes"'))).toHaveLength(1200);
    for await (const line of program(here).tenancy.exportTenant(tenantId)) {
      expect(line).toContain(tenantId);
      break;
    }
    const { rows } =
      await sql`select 1 from pg_stat_activity where datname = current_database() and state like 'idle in%'`.execute(
        here.app,
      );
    expect(rows).toEqual([]);
  });

  it('is not found when it is none, or no id', async () => {
    for (const tenantId of ['00000000-0000-7000-8000-00000000dead', 'no uuid']) {
      await expect(collect(program(here).tenancy.exportTenant(tenantId))).rejects.toMatchObject({
        code: 'tenant_not_found',
      });
      await expect(program(here).tenancy.purge(tenantId)).rejects.toMatchObject({ code: 'tenant_not_found' });
    }
  });
});

describe('a purge', () => {
  it('leaves no row in any table, says how many went, keeps others, and stays in the trail of the platform', async () => {
    const tenantId = await furnished(here);
    const other = await furnished(here);
    const othersBefore = await everything(here, other);
    const before = await everything(here, tenantId);
    const tenantry = program(here);
    await tenantry.tenancy.suspend(tenantId);
    const suspended = await everything(here, tenantId);
    const receipt = await tenantry.audit.as({ actor: { type: 'user', id: 'root' } }, () =>
      tenantry.tenancy.purge(tenantId),
    );
    expect(receipt.rows).toEqual(
      Object.fromEntries(Object.entries(suspended).map(([table, rows]) => [table, rows.length])),
    );
    expect(Object.keys(before).length).toBeGreaterThan(10);
    for (const table of Object.keys(before)) expect(receipt.looked).toContain(table);
    expect(await everything(here, tenantId)).toEqual({});
    expect(await everything(here, other)).toEqual(othersBefore);
    const { items } = await tenantry.audit.platform.list({
      actions: ['tenant.purged'],
      target: { type: 'tenant', id: tenantId },
    });
    expect(items).toMatchObject([{ actor: { type: 'user', id: 'root' }, metadata: { rows: receipt.rows } }]);
    expect(await tenantry.audit.platform.verify()).toMatchObject({ ok: true });
    expect(await tenantry.tenancy.get(tenantId)).toBeNull();
    await expect(tenantry.tenancy.purge(tenantId)).rejects.toMatchObject({ code: 'tenant_not_found' });
  });

  it('is refused for a tenant that is not suspended', async () => {
    const tenantId = await furnished(here);
    const before = await everything(here, tenantId);
    await expect(program(here).tenancy.purge(tenantId)).rejects.toMatchObject({
      code: 'tenant_not_suspended',
      details: { status: 'active' },
    });
    expect(await everything(here, tenantId)).toEqual(before);
  });

  it.each([
    ['a table that was not declared and has rows', true],
    ['a table that the login cannot read', false],
  ])('deletes nothing when there is %s', async (_, readable) => {
    const tenantId = await furnished(here);
    const tenantry = program(here);
    await tenantry.tenancy.suspend(tenantId);
    await sql`create table forgotten (tenant_id uuid)`.execute(here.owner);
    try {
      if (readable) {
        await sql`grant select on forgotten to tenantry_app`.execute(here.owner);
        await sql`insert into forgotten values (${tenantId})`.execute(here.owner);
      }
      const before = await everything(here, tenantId);
      await expect(tenantry.tenancy.purge(tenantId)).rejects.toMatchObject({
        code: 'tenant_purge_incomplete',
        details: { tenantId, tables: ['public.forgotten'] },
      });
      expect(await everything(here, tenantId)).toEqual(before);
    } finally {
      await sql`drop table forgotten`.execute(here.owner);
    }
  });

  it('takes with it what a transaction wrote that had begun before, and lets none write after', async () => {
    const tenantId = await furnished(here);
    const tenantry = program(here);
    await tenantry.tenancy.suspend(tenantId);
    let purge: Promise<unknown> = Promise.resolve();
    await here.app.transaction().execute(async (tx) => {
      await tenantry.audit.record({ tenantId, action: 'late.write' }, { db: tx });
      purge = tenantry.tenancy.purge(tenantId);
      // It waits for the tenant's row by now.
      for (let waits = false; !waits; ) {
        const { rows } =
          await sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
            here.app,
          );
        waits = rows.length > 0;
      }
    });
    expect(await purge).toMatchObject({ tenantId });
    expect(await everything(here, tenantId)).toEqual({});
    await expect(tenantry.audit.record({ tenantId, action: 'too.late' })).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
  });

  it('is refused to a login that was not granted it, and says what to grant', async () => {
    const elsewhere = await postgresDatabase<App>();
    const login = await openLogin(elsewhere);
    try {
      await prepare(elsewhere);
      const tenantId = await furnished(elsewhere);
      await program(elsewhere).tenancy.suspend(tenantId);
      await expect(program({ app: login.db }).tenancy.purge(tenantId)).rejects.toMatchObject({
        code: 'database_right_missing',
      });
      expect(await createAudit({ db: elsewhere.app }).verify({ tenantId })).toMatchObject({ ok: true });
    } finally {
      await login.db.destroy();
      await elsewhere.destroy();
      await login.destroy();
    }
  });
});
