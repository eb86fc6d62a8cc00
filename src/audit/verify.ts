import { type RawBuilder, sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../database/handle.ts';
import { auditHash, canonicalSql, firstPrevious } from './canonical.ts';
import { readHead } from './chain.ts';
import type { AuditAnchor } from './entry.ts';
import { commitmentOf } from './personal.ts';
import { type Suspect, settleSuspects } from './suspects.ts';
import type { TrailTables } from './trail-tables.ts';

/**
 * What is wrong with a chain, and where. `changed`: the entry is not what its hash covers,
 * or does not follow from the one before it. `missing`: no entry has this
 * sequence. `moved`: the entry is whole and stood at `from`. `personal_changed`, `personal_missing`: what the entry tells
 * of a person is not what was recorded, or is gone without having been erased. `truncated`: entries from this sequence
 * on are gone. `rewritten`: the entry is not the one of the anchor, so the chain was made anew.
 */
export interface AuditProblem {
  readonly kind: 'changed' | 'missing' | 'moved' | 'personal_changed' | 'personal_missing' | 'truncated' | 'rewritten';
  readonly sequence: number;
  /** The entry that stands there; null where none does. */
  readonly entryId: string | null;
  /** Of an entry that was moved: the sequence at which it stood. */
  readonly from?: number;
}

/** What a verification found. */
export interface AuditVerification {
  /** Whether nothing is wrong. */
  readonly ok: boolean;
  /** How many entries were looked at. */
  readonly entries: number;
  /** The end of the chain; null when nothing is in it. */
  readonly head: AuditAnchor | null;
  /** How many entries wait for their places in the chain; they are not covered yet. */
  readonly waiting: number;
  /** How many entries had personal data that was erased. */
  readonly erased: number;
  /** The first 100 things that are wrong, in the order of their sequences. */
  readonly problems: readonly AuditProblem[];
  /** How many things are wrong. */
  readonly problemCount: number;
}

interface ChainRow {
  readonly id: string;
  readonly sequence: string | number;
  readonly hash: string;
  readonly canonical: string;
  readonly commitments: Readonly<Record<string, string>>;
  readonly personal: readonly {
    readonly part: number;
    readonly salt: string | null;
    readonly data: string | null;
    readonly erased: boolean;
  }[];
}

const pageSize = 1000;
const mostProblems = 100;
const mostSuspects = 32;

/** Which chain is looked at, and against what. */
export interface VerifyInput {
  readonly tenantId: string;
  /** A place that was kept elsewhere: the chain must still go through it. */
  readonly anchor?: AuditAnchor;
  /** A place from which on it is looked at; what is before it was verified earlier. */
  readonly since?: AuditAnchor;
}

/** Computes the hashes of a chain anew, a page at a time, and compares. */
export async function verifyChain(
  db: AnyDatabase,
  tables: TrailTables,
  { tenantId, anchor, since }: VerifyInput,
): Promise<AuditVerification> {
  const problems: AuditProblem[] = [];
  const suspects: Suspect[] = [];
  let problemCount = 0;
  const report = (problem: AuditProblem): void => {
    problemCount += 1;
    if (problems.length < mostProblems) problems.push(problem);
  };
  // What the hash before could be: the one that is stored, and the one that the entry before should have.
  let previous: readonly string[] = [since?.hash ?? firstPrevious];
  let last = { sequence: since?.sequence ?? 0, hash: since?.hash ?? firstPrevious };
  let entries = 0;
  let erased = 0;
  // Read first: what comes into the chain meanwhile is behind it.
  const head = await readHead(db, tables, tenantId);
  if (since !== undefined) await checkPlace(since);

  for (let page = await read(last.sequence); page.length > 0; page = await read(last.sequence)) {
    for (const row of page) look(row);
    if (page.length < pageSize) break;
  }
  for (const { suspect, from } of settleSuspects(suspects)) {
    if (from === suspect.sequence) continue;
    const place = { sequence: suspect.sequence, entryId: suspect.id };
    report(from === null ? { kind: 'changed', ...place } : { kind: 'moved', ...place, from });
  }
  if (Math.max(head?.sequence ?? 0, anchor?.sequence ?? 0) > last.sequence) {
    report({ kind: 'truncated', sequence: last.sequence + 1, entryId: null });
  }
  if (anchor !== undefined && since !== undefined && anchor.sequence <= since.sequence) await checkPlace(anchor);
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from ${tables.entries}
    where tenant_id = ${tenantId}::uuid and sequence is null`.execute(libraryOf(db));
  return {
    ok: problemCount === 0,
    entries,
    head: entries === 0 && since === undefined ? null : last,
    waiting: rows[0]?.n ?? 0,
    erased,
    problems: problems.toSorted((a, b) => a.sequence - b.sequence),
    problemCount,
  };

  async function read(after: number): Promise<readonly ChainRow[]> {
    const page = sql`and x.sequence > ${after}::bigint order by x.sequence limit ${pageSize}`;
    return (await chainRows(tables, tenantId, page).execute(libraryOf(db))).rows;
  }

  async function checkPlace(place: AuditAnchor): Promise<void> {
    const found = chainRows(tables, tenantId, sql`and x.sequence = ${place.sequence}::bigint`);
    const row = (await found.execute(libraryOf(db))).rows[0];
    if (row === undefined) report({ kind: 'missing', sequence: place.sequence, entryId: null });
    else if (row.hash !== place.hash) report({ kind: 'rewritten', sequence: place.sequence, entryId: row.id });
  }

  function look(row: ChainRow): void {
    const sequence = Number(row.sequence);
    entries += 1;
    const gone = sequence - last.sequence - 1;
    for (let n = 1; n <= Math.min(gone, mostProblems); n += 1) {
      report({ kind: 'missing', sequence: last.sequence + n, entryId: null });
    }
    problemCount += Math.max(0, gone - mostProblems);
    // Nobody knows the hash of what stood there: the entry behind it is taken as it is.
    if (gone > 0) previous = [];
    const { id, canonical, hash } = row;
    const right = previous.map((before) => auditHash({ previous: before, sequence, canonical }));
    if (right.length > 0 && !right.includes(hash)) {
      if (suspects.length < mostSuspects) suspects.push({ id, sequence, hash, canonical, before: previous });
      else report({ kind: 'changed', sequence, entryId: id });
    }
    if (anchor?.sequence === sequence && anchor.hash !== hash) report({ kind: 'rewritten', sequence, entryId: id });
    lookAtPersonal(row, sequence);
    previous = [...new Set([hash, ...right.slice(0, 1)])];
    last = { sequence, hash };
  }

  function lookAtPersonal({ id, commitments, personal }: ChainRow, sequence: number): void {
    let gone = false;
    const found = new Set<string>();
    for (const { part, salt, data, erased: isErased } of personal) {
      found.add(String(part));
      if (isErased) gone = true;
      else if (salt === null || data === null || commitmentOf(salt, data) !== commitments[String(part)]) {
        report({ kind: 'personal_changed', sequence, entryId: id });
      }
    }
    if (Object.keys(commitments).some((part) => !found.has(part))) {
      report({ kind: 'personal_missing', sequence, entryId: id });
    }
    if (gone) erased += 1;
  }
}

/** Rows are chosen before anything is computed of them, whatever the planner knows of a trail that grew fast. */
function chainRows(tables: TrailTables, tenantId: string, which: RawBuilder<unknown>): RawBuilder<ChainRow> {
  return sql<ChainRow>`select e.id, e.sequence, encode(e.hash, 'hex') as hash, ${canonicalSql} as canonical, e.commitments,
    case when e.commitments = '{}' then '[]' else (select coalesce(json_agg(json_build_object('part', p.part, 'salt', encode(p.salt, 'hex'), 'data', p.data,
        'erased', p.erased_at is not null)), '[]')
      from ${tables.personal} p where p.tenant_id = e.tenant_id and p.entry_id = e.id) end as personal
    from (select x.* from ${tables.entries} x where x.tenant_id = ${tenantId}::uuid ${which}) e order by e.sequence`;
}
