import { sql } from 'kysely';
import { afterAll, describe, expect, it } from 'vitest';
import { auditWorld } from '../support/audit-trails.ts';

const { database, superuser, audit, newTenant, withChain, destroy } = await auditWorld();
afterAll(destroy);

describe('verification', () => {
  it('passes a chain of 100,000 entries, a page at a time', async () => {
    const tenantId = await newTenant();
    await sql`insert into tenantry.audit_entries (tenant_id, id, action, occurred_at, actor_type, metadata)
      select ${tenantId}::uuid, gen_random_uuid(), 'load.made', now() + n * interval '1 ms', 'system', jsonb_build_object('n', n)
      from generate_series(1, 100000) n`.execute(database.app);
    // As the server would do by itself, some time later.
    await superuser.query('analyze tenantry.audit_entries');
    expect(await audit().chain({ tenantId })).toBe(100_000);
    const result = await audit().verify({ tenantId });
    expect(result).toMatchObject({ ok: true, entries: 100_000, waiting: 0, problems: [], head: { sequence: 100_000 } });
    const { rows } = await superuser.query(
      `update tenantry.audit_entries set metadata = jsonb_set(metadata, '{n}', '1e0')
      where tenant_id = $1 and sequence = 77777 returning id`,
      [tenantId],
    );
    const half = await superuser.query(
      `select sequence::integer, encode(hash, 'hex') as hash from tenantry.audit_entries where tenant_id = $1 and sequence = 50000`,
      [tenantId],
    );
    const broken = await audit().verify({ tenantId, since: half.rows[0] });
    expect(broken).toMatchObject({
      ok: false,
      problemCount: 1,
      problems: [{ kind: 'changed', sequence: 77_777, entryId: rows[0].id }],
    });
  });

  const columns: readonly [string, string][] = [
    ['action', `action = 'thing.Done'`],
    ['the moment by a microsecond', `occurred_at = occurred_at + interval '1 microsecond'`],
    ['the actor', `actor_id = 'eve'`],
    ['the type of the actor', `actor_type = 'User'`],
    ['a digit that a double cannot hold', `metadata = '{"n": 3.00000000000000000001}'`],
    ['the form of a number', `metadata = '{"n": 3.0}'`],
    ['the targets', `targets = '[{}]'`],
    ['the context', `context = '{"a": 1}'`],
    ['old values', `changes = '{"a": {"old": 1, "new": 2}}'`],
    ['the version', `version = 2`],
    ['a bit of the hash', `hash = set_bit(hash, 7, 1 - get_bit(hash, 7))`],
    ['the id', `id = 'aaaaaaaa-0000-4000-8000-000000000000'`],
  ];
  it.each(columns)('names the entry of which somebody changed %s', async (_, change) => {
    const { tenantId } = await withChain(5);
    const { rows } = await superuser.query(
      `update tenantry.audit_entries set ${change} where tenant_id = $1 and sequence = 3 returning id`,
      [tenantId],
    );
    const { ok, problems } = await audit().verify({ tenantId });
    expect({ ok, problems }).toEqual({ ok: false, problems: [{ kind: 'changed', sequence: 3, entryId: rows[0].id }] });
  });

  it.each([1, 3, 5])('names the place of a deleted entry (%i of 5)', async (sequence) => {
    const { tenantId } = await withChain(5);
    await superuser.query('delete from tenantry.audit_entries where tenant_id = $1 and sequence = $2', [
      tenantId,
      sequence,
    ]);
    const { ok, problems } = await audit().verify({ tenantId });
    expect({ ok, problems }).toEqual({
      ok: false,
      problems: [{ kind: sequence === 5 ? 'truncated' : 'missing', sequence, entryId: null }],
    });
  });

  it.each([
    [2, 3],
    [2, 6],
    [1, 7],
  ])('names two entries that changed places (%i and %i)', async (a, b) => {
    const { tenantId, entries } = await withChain(7);
    const id = (sequence: number) => entries.find((entry) => entry.sequence === sequence)?.id;
    const put = 'update tenantry.audit_entries set sequence = $3 where tenant_id = $1 and id = $2';
    await superuser.query(put, [tenantId, id(a), 1000]);
    await superuser.query(put, [tenantId, id(b), a]);
    await superuser.query(put, [tenantId, id(a), b]);
    const { ok, problems } = await audit().verify({ tenantId });
    expect({ ok, problems }).toEqual({
      ok: false,
      problems: [
        { kind: 'moved', sequence: a, entryId: id(b), from: b },
        { kind: 'moved', sequence: b, entryId: id(a), from: a },
      ],
    });
  });

  it('finds an entry that somebody slipped in, and one that was put into the place of another', async () => {
    const { tenantId, entries } = await withChain(4);
    const other = await withChain(4);
    await superuser.query(
      `update tenantry.audit_entries set sequence = null, hash = null where tenant_id = $1 and sequence = 2`,
      [tenantId],
    );
    await superuser.query(
      `insert into tenantry.audit_entries select $1, id, sequence, hash, action, occurred_at, version, actor_type, actor_id, actor_metadata,
        targets, context, changes, metadata, commitments from tenantry.audit_entries where tenant_id = $2 and sequence = 2`,
      [tenantId, other.tenantId],
    );
    const { problems, entries: seen } = await audit().verify({ tenantId });
    // Nobody can tell any more what the entry behind it followed.
    expect(problems).toMatchObject([
      { kind: 'changed', sequence: 2, entryId: other.entries[1]?.id },
      { kind: 'changed', sequence: 3, entryId: entries[2]?.id },
    ]);
    // The entry whose place was taken stands at the end now, as a new one.
    expect(seen).toBe(5);
  });

  it('finds by an anchor what was cut off together with its head, and what was made anew', async () => {
    const { tenantId } = await withChain(6);
    const anchor = await audit().anchor({ tenantId });
    expect(anchor).toMatchObject({ sequence: 6 });
    if (anchor === null) return;
    expect(await audit().verify({ tenantId, anchor })).toMatchObject({ ok: true });
    await audit().record({ tenantId, action: 'thing.done' });
    expect(await audit().verify({ tenantId, anchor, since: anchor })).toMatchObject({ ok: true, entries: 1 });
    await superuser.query('delete from tenantry.audit_entries where tenant_id = $1 and sequence > 4', [tenantId]);
    await superuser.query(
      `update tenantry.audit_heads h set (sequence, hash) = (select sequence, hash from tenantry.audit_entries e
      where e.tenant_id = $1 and e.sequence = 4) where tenant_id = $1`,
      [tenantId],
    );
    expect(await audit().verify({ tenantId })).toMatchObject({ ok: true, entries: 4 });
    expect(await audit().verify({ tenantId, anchor })).toMatchObject({
      ok: false,
      problems: [{ kind: 'truncated', sequence: 5 }],
    });
    for (const n of [1, 2, 3]) await audit().record({ tenantId, action: 'thing.invented', metadata: { n } });
    expect(await audit().verify({ tenantId })).toMatchObject({ ok: true, entries: 7 });
    expect(await audit().verify({ tenantId, anchor })).toMatchObject({
      ok: false,
      problems: [{ kind: 'rewritten', sequence: 6 }],
    });
    expect(await audit().verify({ tenantId, since: anchor })).toMatchObject({
      ok: false,
      problems: [
        { kind: 'rewritten', sequence: 6 },
        { kind: 'changed', sequence: 7 },
      ],
    });
  });
});
