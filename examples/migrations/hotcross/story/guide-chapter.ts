import { type GuideOutcome, runGuide } from '../guide.ts';
import { grouped } from '../print.ts';
import type { Story } from './story.ts';

/** Tells what the guide's own SQL would make of the customers. */
export async function tellGuide({ owner, printer, promise }: Story): Promise<GuideOutcome> {
  const outcome = await runGuide(owner);
  printer.table(
    ['customers', 'organizations', 'developers', 'customers lost', 'customers doubled'],
    [[outcome.customers, outcome.organizations, outcome.developers, outcome.lost, outcome.doubled]],
  );
  promise(
    outcome.lost > 0 && outcome.doubled > 0,
    `the guide loses ${grouped(outcome.lost)} customers without a Stripe id (NULL equals nothing) and doubles ` +
      `${grouped(outcome.doubled)} who share one`,
  );
  printer.remark(
    outcome.sqlstateWithUnique === null
      ? 'The guide does not show its schema.sql; with a UNIQUE on organizations.stripe_customer_id it does the same.'
      : 'The guide does not show its schema.sql. With a UNIQUE on organizations.stripe_customer_id its INSERT aborts ' +
          `instead (SQLSTATE ${outcome.sqlstateWithUnique}, tried).`,
  );
  return outcome;
}
