import type { LegacySummary } from '../generate.ts';
import type { Story } from './story.ts';
import { countDirtInDatabase } from './what-is-there.ts';

/** Tells what is in the legacy tables, and how dirty it is. */
export async function tellInventory(
  { owner, printer }: Story,
  { rows, callsOfGoneCustomers }: LegacySummary,
): Promise<void> {
  const dirt = await countDirtInDatabase(owner);
  printer.table(['table', 'rows'], Object.entries(rows));
  printer.say('');
  printer.table(
    ['of the customers', 'rows'],
    [
      ['have no Stripe customer', dirt.withoutStripeCustomer],
      ['share one with somebody', dirt.sharedStripeCustomer],
      ['name no company', dirt.withoutCompany + dirt.blankCompany],
      ['have colleagues in their company', dirt.colleagues],
      ['signed up twice, the e-mail in another case', dirt.emailTwins],
      ['have a key that was revoked', dirt.keysRevoked],
      ['have a key that was never used', dirt.keysNeverUsed],
      ['never got a key', dirt.keysNeverIssued],
      ['have a name or company outside ASCII', dirt.outsideAscii],
      ['have one with quotes or backslashes', dirt.quoted],
    ],
  );
  printer.remark(
    `${dirt.respelledCompanies} companies are spelled in several ways, ${dirt.mixedStatusCompanies} have several ` +
      `subscription states; ${callsOfGoneCustomers} calls are of customers who are gone.`,
  );
}
