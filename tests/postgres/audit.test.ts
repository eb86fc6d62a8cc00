import { sql } from 'kysely';
import { platformId } from 'tenantry/core';
import { createOrganizations } from 'tenantry/organizations';
import { createTenancy, perUser } from 'tenantry/tenancy';
import { afterAll, describe, expect, it } from 'vitest';
import { auditWorld, clock } from '../support/audit-trails.ts';

const { database, superuser, audit, newTenant, withChain, destroy } = await auditWorld();
afterAll(destroy);

describe('entries', () => {
  it('hold who did what to what, from where, with old and new values', async () => {
    const tenantId = await newTenant();
    const record = {
      action: 'invoice.updated',
      actor: { type: 'user', id: 'ada', name: 'Ada', metadata: { team: 'money' } },
      targets: [
        { type: 'invoice', id: '42', name: 'March', metadata: { total: 12.5 } },
        { type: 'user', id: 'bob', name: 'Bob' },
      ],
      context: { ip: '192.0.2.1', userAgent: 'curl', requestId: 'r1' },
      changes: { due: { old: null, new: '2026-04-01' }, email: { old: 'a@x', new: 'b@x' } },
      metadata: { reason: 'late', note: 'called Bob' },
      personal: [{ userId: 'bob', fields: ['email', 'note'] }],
      version: 2,
    };
    const { id } = await audit().record({ tenantId, ...record });
    const { items } = await audit().list({ tenantId });
    const { personal: _, ...told } = record;
    expect(items).toEqual([
      {
        id,
        tenantId,
        sequence: 1,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        occurredAt: clock(),
        erased: false,
        ...told,
      },
    ]);
  });

  it('stand or fall with the transaction of the change', async () => {
    const tenantId = await newTenant();
    const failed = database.app.transaction().execute(async (tx) => {
      await audit().record({ tenantId, action: 'never.happened' }, { db: tx });
      throw new Error('undo');
    });
    await expect(failed).rejects.toThrow('undo');
    await database.app.transaction().execute((tx) => audit().record({ tenantId, action: 'it.happened' }, { db: tx }));
    const { items } = await audit().list({ tenantId });
    expect(items.map(({ action, sequence }) => [action, sequence])).toEqual([['it.happened', 1]]);
  });

  it('tell who acts, within as and what it awaits, and nobody else', async () => {
    const tenantId = await newTenant();
    const trail = audit();
    const acting = (id: string) => ({
      actor: { type: 'user', id, name: id.toUpperCase() },
      context: { ip: `ip ${id}` },
    });
    await Promise.all(
      ['ada', 'bob'].map((id) =>
        trail.as(acting(id), async () => {
          await sql`select pg_sleep(0.01)`.execute(database.app);
          await trail.record({ tenantId, action: `${id}.did` });
          await trail.as(acting('eve'), () => trail.record({ tenantId, action: `eve.within.${id}` }));
          await trail.record({ tenantId, action: `${id}.again`, actor: { type: 'api_key', id: 'k' } });
        }),
      ),
    );
    await trail.record({ tenantId, action: 'nobody.did' });
    const { items } = await trail.list({ tenantId });
    expect(
      Object.fromEntries(items.map(({ action, actor, context }) => [action, [actor.name ?? actor.type, context.ip]])),
    ).toEqual({
      'ada.did': ['ADA', 'ip ada'],
      'bob.did': ['BOB', 'ip bob'],
      'eve.within.ada': ['EVE', 'ip eve'],
      'eve.within.bob': ['EVE', 'ip eve'],
      'ada.again': ['api_key', 'ip ada'],
      'bob.again': ['api_key', 'ip bob'],
      'nobody.did': ['system', undefined],
    });
  });

  it.each([
    ['no action', { action: '' }],
    ['an action with spaces', { action: 'drop table' }],
    ['a moment that is none', { action: 'a', occurredAt: new Date(Number.NaN) }],
    ['51 facts', { action: 'a', metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`f${n}`, n])) }],
    ['10 MB of metadata', { action: 'a', metadata: { text: 'x'.repeat(10_000_000) } }],
    ['a NUL', { action: 'a', metadata: { text: 'a\u0000b' } }],
    ['half of a surrogate pair', { action: 'a', metadata: { '\ud83d': 1 } }],
    ['NaN', { action: 'a', changes: { x: { old: Number.NaN, new: 1 } } }],
    ['a change without values', { action: 'a', changes: { x: JSON.parse('5') } }],
    ['101 targets', { action: 'a', targets: Array.from({ length: 101 }, () => ({ type: 't' })) }],
    ['an actor without a type', { action: 'a', actor: JSON.parse('{"id":"x"}') }],
    ['a deep nest', { action: 'a', metadata: JSON.parse(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`) }],
  ])('refuse %s', async (_, record) => {
    const tenantId = await newTenant();
    await expect(audit().record({ tenantId, ...record })).rejects.toMatchObject({ code: 'audit_entry_invalid' });
    expect((await audit().list({ tenantId })).items).toEqual([]);
  });

  it('say the same of a tenant that is none and one that cannot be', async () => {
    for (const tenantId of ['no uuid', platformId]) {
      await expect(audit().list({ tenantId })).rejects.toMatchObject({ code: 'tenant_not_found' });
      await expect(audit().record({ tenantId, action: 'a' })).rejects.toMatchObject({ code: 'tenant_not_found' });
    }
    await expect(audit().list({ tenantId: '' })).rejects.toMatchObject({ code: 'tenant_required' });
    const stranger = '00000000-0000-7000-8000-00000000dead';
    expect((await audit().list({ tenantId: stranger })).items).toEqual([]);
    await expect(audit().record({ tenantId: stranger, action: 'a' })).rejects.toMatchObject({
      code: 'tenant_not_found',
    });
  });
});

describe('the trail', () => {
  it('can neither be changed nor deleted by the application, its transactions, or the owner of the tables', async () => {
    const { tenantId } = await withChain(2);
    const tenancy = createTenancy({ db: database.app, strategy: perUser() });
    const refused = { code: '42501' };
    for (const table of ['audit_entries', 'audit_personal', 'audit_heads', 'platform_audit_entries'].map((name) =>
      sql.table(`tenantry.${name}`),
    )) {
      await expect(sql`delete from ${table}`.execute(database.app)).rejects.toMatchObject(refused);
      await expect(sql`truncate ${table}`.execute(database.app)).rejects.toMatchObject(refused);
    }
    await expect(
      sql`delete from tenantry.tenants where tenant_id = ${tenantId}`.execute(database.app),
    ).rejects.toMatchObject(refused);
    for (const change of [
      sql`update tenantry.audit_entries set action = 'x'`,
      sql`delete from tenantry.audit_entries`,
      sql`update tenantry.audit_entries set sequence = 9, hash = sha256('')`,
      sql`delete from tenantry.tenants`,
    ]) {
      await expect(tenancy.transaction(tenantId, (tx) => change.execute(tx), { plugin: false })).rejects.toMatchObject(
        refused,
      );
    }
    const before =
      await sql`select * from tenantry.audit_entries where tenant_id = ${tenantId} order by sequence`.execute(
        database.app,
      );
    await sql`update tenantry.audit_entries set sequence = sequence + 100 where tenant_id = ${tenantId}`.execute(
      database.app,
    );
    await sql`update tenantry.audit_entries set action = 'x' where tenant_id = ${tenantId}`.execute(database.owner);
    await sql`delete from tenantry.audit_entries where tenant_id = ${tenantId}`.execute(database.owner);
    const after =
      await sql`select * from tenantry.audit_entries where tenant_id = ${tenantId} order by sequence`.execute(
        database.app,
      );
    expect(after.rows).toEqual(before.rows);
  });

  it("shows a tenant's transaction its own trail alone, to which it adds", async () => {
    const { tenantId } = await withChain(1);
    const other = await withChain(1);
    const tenancy = createTenancy({ db: database.app, strategy: perUser() });
    await tenancy.transaction(
      tenantId,
      async (tx) => {
        await audit().record({ tenantId, action: 'mine.too' }, { db: tx });
        const { items } = await audit().list({ tenantId }, { db: tx });
        expect(items.map(({ action, sequence }) => [action, sequence])).toEqual([
          ['mine.too', null],
          ['thing.done', 1],
        ]);
        expect((await audit().list({ tenantId: other.tenantId }, { db: tx })).items).toEqual([]);
      },
      { plugin: false },
    );
    const forged = tenancy.transaction(
      tenantId,
      (tx) => audit().record({ tenantId: other.tenantId, action: 'a' }, { db: tx }),
      { plugin: false },
    );
    await expect(forged).rejects.toMatchObject({ code: '42501' });
  });

  it('is listed in parts, filtered by action, actor, target and time', async () => {
    const tenantId = await newTenant();
    const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, 0, n));
    for (let n = 0; n < 25; n += 1) {
      await audit().record({
        tenantId,
        action: n % 5 === 0 ? 'member.added' : 'call.made',
        actor: { type: 'user', id: `u${n % 3}` },
        targets: [{ type: 'thing', id: String(n % 2) }],
        // Several at the same moment: the cursor must neither skip nor repeat them.
        occurredAt: at(Math.floor(n / 4)),
        metadata: { n },
      });
    }
    for (const order of ['newest', 'oldest'] as const) {
      const seen: unknown[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<ReturnType<typeof audit>['list']>> = await audit().list({
          tenantId,
          limit: 4,
          cursor,
          order,
        });
        seen.push(...page.items.map(({ metadata }) => metadata.n));
        cursor = page.nextCursor;
      } while (cursor !== null);
      expect(seen.length).toBe(25);
      expect(new Set(seen).size).toBe(25);
    }
    const numbers = async (filter: object) =>
      (await audit().list({ tenantId, limit: 100, ...filter })).items
        .map(({ metadata }) => Number(metadata.n))
        .toSorted((a, b) => a - b);
    expect(await numbers({ actions: ['member.*'] })).toEqual([0, 5, 10, 15, 20]);
    expect(await numbers({ actions: ['member.added'], actorId: 'u0' })).toEqual([0, 15]);
    expect(await numbers({ target: { type: 'thing', id: '1' }, actorId: 'u1' })).toEqual([1, 7, 13, 19]);
    expect(await numbers({ from: at(1), to: at(2) })).toEqual([4, 5, 6, 7]);
    expect(await numbers({ actions: ['%', "member' or true --"] })).toEqual([]);
    for (const cursor of ['x', 'é', Buffer.from('now() x').toString('base64url')]) {
      await expect(audit().list({ tenantId, cursor })).rejects.toMatchObject({ code: 'name_invalid' });
    }
    await expect(audit().list({ tenantId, limit: 1001 })).rejects.toMatchObject({ code: 'amount_invalid' });
  });

  it('is written out as lines of JSON and as CSV that no spreadsheet runs', async () => {
    const tenantId = await newTenant();
    const names = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '  =1', '＝1', 'a,"b"\nc', 'plain'];
    for (const [n, name] of names.entries()) {
      await audit().record({ tenantId, action: 'a', actor: { type: 'user', id: 'u', name }, occurredAt: new Date(n) });
    }
    const text = async (format: 'csv' | 'jsonl', proof = false) => {
      let whole = '';
      for await (const piece of audit().export({ tenantId, format, proof })) whole += piece;
      return whole;
    };
    const lines = (await text('jsonl', true))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ actor }) => actor.name)).toEqual(names);
    expect(JSON.parse(lines[0].canonical)).toMatchObject({ id: lines[0].id, action: 'a' });
    const csv = await text('csv');
    expect(csv.startsWith('sequence,occurred_at,action,actor_type,actor_id,actor_name,')).toBe(true);
    for (const name of names.slice(0, 7)) expect(csv).toContain(`,"'${name}",`);
    expect(csv).toContain(',"a,""b""\nc",');
    expect(csv).toContain(',plain,');
  });
});

describe('personal data', () => {
  async function withPeople() {
    const tenantId = await newTenant();
    const ada = { type: 'user', id: 'ada', name: 'Ada Lovelace' };
    await audit().record({ tenantId, action: 'a.one', actor: ada, context: { ip: '192.0.2.1', requestId: 'r' } });
    await audit().record({
      tenantId,
      action: 'a.two',
      actor: { type: 'user', id: 'bob', name: 'Bob' },
      targets: [ada],
      changes: { email: { old: 'ada@x.example', new: 'ada@y.example' }, role: { old: 'member', new: 'admin' } },
      personal: [{ userId: 'ada', fields: ['email'] }],
    });
    return tenantId;
  }

  it('of one user is erased and nowhere left, while the chain stays whole and others keep theirs', async () => {
    const tenantId = await withPeople();
    const elsewhere = await withPeople();
    const anchor = await audit().anchor({ tenantId });
    expect(await audit().erase({ tenantId, userId: 'ada' })).toEqual({ entries: 2 });
    expect(await audit().erase({ tenantId, userId: 'ada' })).toEqual({ entries: 0 });
    const verified = await audit().verify({ tenantId, ...(anchor !== null && { anchor }) });
    expect(verified).toMatchObject({ ok: true, entries: 4, erased: 2 });
    const { items } = await audit().list({ tenantId, order: 'oldest' });
    const [first, second, erasure] = items;
    expect(first).toMatchObject({ actor: { type: 'user', id: 'ada' }, context: { requestId: 'r' }, erased: true });
    expect(first?.actor.name).toBeUndefined();
    expect(second).toMatchObject({ actor: { name: 'Bob' }, changes: { role: { old: 'member', new: 'admin' } } });
    expect(second?.changes.email).toBeUndefined();
    expect(erasure).toMatchObject({ action: 'audit.personal_erased', metadata: { entries: 2 } });
    const { rows } = await superuser.query(
      `select coalesce(string_agg(to_jsonb(e)::text || coalesce(to_jsonb(p)::text, ''), ' '), '') as text
      from tenantry.audit_entries e left join tenantry.audit_personal p on p.tenant_id = e.tenant_id and p.entry_id = e.id where e.tenant_id = $1`,
      [tenantId],
    );
    for (const value of ['Lovelace', '192.0.2.1', 'ada@']) expect(rows[0].text).not.toContain(value);
    expect((await audit().list({ tenantId: elsewhere })).items.some(({ actor }) => actor.name === 'Ada Lovelace')).toBe(
      true,
    );
  });

  it.each([
    ['changed', `update tenantry.audit_personal set data = replace(data, 'Lovelace', 'Byron')`, 'personal_changed'],
    ['taken away without a trace', 'delete from tenantry.audit_personal', 'personal_missing'],
  ])('that was %s is found', async (_, change, kind) => {
    const tenantId = await withPeople();
    await audit().chain({ tenantId });
    const entry = `(select id from tenantry.audit_entries where tenant_id = $1 and sequence = 1)`;
    await superuser.query(`${change} where tenant_id = $1 and entry_id = ${entry}`, [tenantId]);
    expect(await audit().verify({ tenantId })).toMatchObject({ ok: false, problems: [{ kind, sequence: 1 }] });
  });
});

describe('events', () => {
  it('of all modules become entries in the same transaction, with targets and old and new values', async () => {
    const trail = audit();
    const organizations = createOrganizations({ db: database.app, events: trail.sink });
    const { tenantId, owner } = await trail.as({ actor: { type: 'user', id: 'ada', name: 'Ada' } }, () =>
      organizations.create({ name: 'Acme', owner: { userId: 'ada' } }),
    );
    const { member } = await organizations.members.add({ tenantId, userId: 'bob', role: 'member' });
    await organizations.members.setRole({ tenantId, userId: 'bob', role: 'admin' });
    await organizations.members.update({ tenantId, userId: 'bob', name: 'Bob' });
    const { items } = await trail.list({ tenantId, order: 'oldest' });
    const told = new Map(items.map((entry) => [entry.action, entry]));
    expect(told.get('member.updated')?.changes).toEqual({ name: { old: null, new: 'Bob' } });
    expect(told.get('organization.created')).toMatchObject({
      actor: { type: 'user', id: 'ada', name: 'Ada' },
      targets: [{ type: 'member', id: owner.id }],
      metadata: { name: 'Acme' },
    });
    expect(told.get('member.role_changed')).toMatchObject({
      actor: { type: 'system' },
      targets: [
        { type: 'member', id: member.id },
        { type: 'user', id: 'bob' },
      ],
      changes: { role: { old: 'member', new: 'admin' } },
    });
    expect(await trail.verify({ tenantId })).toMatchObject({ ok: true });
  });
});
