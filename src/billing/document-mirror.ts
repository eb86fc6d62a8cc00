import type { AnyDatabase } from '../database/index.ts';
import type { ProviderDocuments } from './provider/document.ts';

/** Keeps our copies of invoices, payments, refunds and credit notes. */
export interface DocumentMirror {
  /**
   * Writes what the provider has over what we have, in the transaction in which it is called, and tells of what changed.
   * Written twice it changes nothing the second time.
   */
  store(tx: AnyDatabase, tenantId: string, documents: ProviderDocuments): Promise<void>;
  /** Tells where our copies differ from what the provider has; writes nothing. `path` names the row and its column. */
  compare(db: AnyDatabase, tenantId: string, documents: ProviderDocuments): Promise<readonly DocumentDrift[]>;
}

/** A place where a copy of ours differs. */
export interface DocumentDrift {
  readonly what: 'invoice' | 'payment' | 'refund' | 'credit_note';
  readonly id: string;
  readonly field: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}
