import type { Clock } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import type { DocumentDrift, DocumentMirror } from '../document-mirror.ts';
import type { Unstamped } from '../ground.ts';
import type { ProviderDocuments } from '../provider/document.ts';
import { sameJson } from '../same-json.ts';
import {
  creditNoteTable,
  type DocumentColumn,
  type DocumentTable,
  invoiceTable,
  paymentTable,
  refundTable,
} from './document-columns.ts';
import { documentEvents } from './document-events.ts';
import type { DocumentEvent } from './events.ts';
import { readCopies, writeDocuments } from './store.ts';

/** What {@link createDocumentMirror} is made from. */
export interface DocumentMirrorDeps {
  readonly clock: Clock;
  /** Hands an event to the sink, in the transaction of what it tells of. */
  readonly publish: (tx: AnyDatabase, event: Unstamped<DocumentEvent>) => Promise<void>;
}

/** Makes what keeps our copies of invoices, payments, refunds and credit notes. */
export function createDocumentMirror({ clock, publish }: DocumentMirrorDeps): DocumentMirror {
  return {
    async store(tx, tenantId, documents) {
      const now = clock();
      const { invoices, payments, refunds, creditNotes } = documents;
      const changed = {
        invoices: await writeDocuments(tx, tenantId, invoiceTable, invoices, now),
        payments: await writeDocuments(tx, tenantId, paymentTable, payments, now),
        refunds: await writeDocuments(tx, tenantId, refundTable, refunds, now),
        creditNotes: await writeDocuments(tx, tenantId, creditNoteTable, creditNotes, now),
      };
      for (const event of documentEvents(tenantId, documents, changed)) await publish(tx, event);
    },

    async compare(db, tenantId, { invoices, payments, refunds, creditNotes }: ProviderDocuments) {
      return [
        ...(await driftOf(db, tenantId, invoiceTable, invoices)),
        ...(await driftOf(db, tenantId, paymentTable, payments)),
        ...(await driftOf(db, tenantId, refundTable, refunds)),
        ...(await driftOf(db, tenantId, creditNoteTable, creditNotes)),
      ];
    },
  };
}

async function driftOf<Document extends { readonly id: string }>(
  db: AnyDatabase,
  tenantId: string,
  table: DocumentTable<Document>,
  documents: readonly Document[],
): Promise<DocumentDrift[]> {
  if (documents.length === 0) return [];
  const ids = documents.map(({ id }) => id);
  const copies = await readCopies(db, tenantId, table, ids);
  const { what } = table;
  return documents.flatMap((document): DocumentDrift[] => {
    const { id } = document;
    const copy = copies.get(id);
    if (copy === undefined) return [{ what, id, field: 'id', ours: null, theirs: id }];
    return table.columns.flatMap((column) => {
      const [ours, theirs] = [copy[column.name], plainOf(column.of(document))];
      return same(column, ours, theirs) ? [] : [{ what, id, field: column.name, ours, theirs }];
    });
  });
}

/** A value as it is after a way through JSON. */
function plainOf(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

function same<Document>({ type }: DocumentColumn<Document>, ours: unknown, theirs: unknown): boolean {
  if (ours === null || theirs === null) return ours === theirs;
  if (type === 'timestamptz') return Date.parse(String(ours)) === Date.parse(String(theirs));
  return sameJson(ours, theirs);
}
