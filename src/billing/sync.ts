import type { AnyDatabase } from '../database/index.ts';
import { applyTruth, type Outcome } from './apply-truth.ts';
import type { Ground, Held } from './ground.ts';
import { askForTruth, type DocumentsWanted } from './truth.ts';

/** What goes with a look at the provider. */
export interface SyncOptions {
  /** Whose documents are fetched too: those of these invoices, or all; none when absent, but all of a provider that sends no events. */
  readonly documents?: DocumentsWanted;
  /** Done in the same transaction, such as settling the events that led here. */
  readonly settle?: (tx: AnyDatabase) => Promise<void>;
}

/**
 * Makes our copies of a tenant what the provider has, for whoever is alone with the tenant: the one way in which anything
 * of the provider's is written, for the page that a payer returns to, an event, a change of ours and a reconciliation.
 *
 * The provider is asked first, with no row locked; then all is written in one transaction, which writes nothing when the
 * lease was lost meanwhile.
 */
export async function syncHeld(
  ground: Ground,
  held: Pick<Held, 'tenantId' | 'lease'>,
  // Who sends no events names no invoices that changed.
  { documents = ground.provider.capabilities.events ? [] : 'all', settle }: SyncOptions = {},
): Promise<Outcome> {
  const truth = await askForTruth(ground, held.tenantId, documents);
  return ground.inTransaction(undefined, async (tx) => {
    const outcome = await applyTruth(ground, tx, held, truth);
    await settle?.(tx);
    return outcome;
  });
}
