import type { AnyDatabase } from '../../database/handle.ts';
import { run } from '../../database/run.ts';
import type { DocumentTable } from './document-columns.ts';

/** What is written at a time. */
const batch = 500;

/** What there was of a document, and what there is. */
export interface StoredDocument {
  readonly id: string;
  readonly status: string;
  /** Null for one that there was not. */
  readonly previousStatus: string | null;
}

/** Writes documents over what there is, and gives those that changed. */
export async function writeDocuments<Document extends { readonly id: string; readonly status: string }>(
  tx: AnyDatabase,
  tenantId: string,
  { table, columns }: DocumentTable<Document>,
  documents: readonly Document[],
  now: Date,
): Promise<readonly StoredDocument[]> {
  const names = columns.map(({ name }) => name);
  const excluded = names.map((name) => `excluded.${name}`);
  const text = `
    with given as (
      select * from jsonb_to_recordset($2::jsonb) as d (id text, ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')})
    ), before as (
      select t.id, t.status from tenantry.${table} t join given g on g.id = t.id where t.tenant_id = $1::uuid
    ), written as (
      insert into tenantry.${table} as t (tenant_id, id, ${names.join(', ')}, updated_at)
      select $1::uuid, g.id, ${names.map((name) => `g.${name}`).join(', ')}, $3::timestamptz from given g order by g.id
      on conflict (tenant_id, id) do update set ${names.map((name, place) => `${name} = ${excluded[place]}`).join(', ')},
        updated_at = excluded.updated_at
      where (${names.map((name) => `t.${name}`).join(', ')}) is distinct from (${excluded.join(', ')})
      returning t.id, t.status
    )
    select w.id, w.status, b.status as "previousStatus" from written w left join before b on b.id = w.id order by w.id`;
  const stored: StoredDocument[] = [];
  for (let start = 0; start < documents.length; start += batch) {
    const given = documents.slice(start, start + batch).map((document) => recordOf(columns, document));
    stored.push(...(await run<StoredDocument>(tx, text, [tenantId, JSON.stringify(given), now])));
  }
  return stored;
}

/** Reads the copies of documents, each column as PostgreSQL writes it in JSON. */
export async function readCopies<Document extends { readonly id: string }>(
  db: AnyDatabase,
  tenantId: string,
  { table, columns }: DocumentTable<Document>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
  const text = `
    select t.id, jsonb_build_object(${columns.map(({ name }) => `'${name}', t.${name}`).join(', ')}) as copy
    from tenantry.${table} t where t.tenant_id = $1::uuid and t.id = any($2::text[])`;
  const rows = await run<{ id: string; copy: Record<string, unknown> }>(db, text, [tenantId, [...ids]]);
  return new Map(rows.map(({ id, copy }) => [id, copy]));
}

function recordOf<Document extends { readonly id: string }>(
  columns: DocumentTable<Document>['columns'],
  document: Document,
): Record<string, unknown> {
  return { id: document.id, ...Object.fromEntries(columns.map(({ name, of }) => [name, of(document)])) };
}
