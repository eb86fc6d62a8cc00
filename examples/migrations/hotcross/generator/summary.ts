import { ascii, foldCompany } from './companies.ts';
import type { LegacyCustomer } from './customers.ts';

/** How dirty the customers are: each number counts customers, where it does not say otherwise. */
export interface CustomerDirt {
  readonly customers: number;
  /** `stripe_customer_id` is NULL. */
  readonly withoutStripeCustomer: number;
  /** The `stripe_customer_id` is another customer's too. */
  readonly sharedStripeCustomer: number;
  /** `company` is NULL. */
  readonly withoutCompany: number;
  /** `company` is an empty text or spaces. */
  readonly blankCompany: number;
  /** Somebody else is of the same company, whatever its spelling. */
  readonly colleagues: number;
  /** Companies that are spelled in more than one way. */
  readonly respelledCompanies: number;
  /** Companies whose people have different subscription statuses. */
  readonly mixedStatusCompanies: number;
  /** The e-mail differs from another's in case only. */
  readonly emailTwins: number;
  /** No key was ever issued. */
  readonly keysNeverIssued: number;
  /** A key was issued and never used. */
  readonly keysNeverUsed: number;
  readonly keysRevoked: number;
  /** A name or company with letters outside ASCII. */
  readonly outsideAscii: number;
  /** A name or company with a quote or a backslash. */
  readonly quoted: number;
}

/** Counts the dirt in generated customers. */
export function countDirt(customers: readonly LegacyCustomer[]): CustomerDirt {
  const count = (holds: (customer: LegacyCustomer) => boolean): number => customers.filter(holds).length;
  const people = groupBy(customers, ({ email }) => email.toLowerCase());
  const payers = groupBy(customers, ({ stripeCustomerId }) => stripeCustomerId ?? '');
  const companies = groupBy(customers, ({ company }) => foldCompany(company ?? ''));
  const shared = (groups: Map<string, LegacyCustomer[]>): number =>
    [...groups.values()].reduce((sum, group) => sum + (group.length > 1 ? group.length : 0), 0);
  const varied = (of: (customer: LegacyCustomer) => unknown): number =>
    [...companies.values()].filter((group) => new Set(group.map(of)).size > 1).length;
  const names = ({ firstName, lastName, company }: LegacyCustomer): string => firstName + lastName + (company ?? '');
  return {
    customers: customers.length,
    withoutStripeCustomer: count(({ stripeCustomerId }) => stripeCustomerId === null),
    sharedStripeCustomer: shared(payers),
    withoutCompany: count(({ company }) => company === null),
    blankCompany: count(({ company }) => company !== null && company.trim() === ''),
    colleagues: shared(companies),
    respelledCompanies: varied(({ company }) => company),
    mixedStatusCompanies: varied(({ subscriptionStatus }) => subscriptionStatus),
    emailTwins: shared(people),
    keysNeverIssued: count(({ key }) => key === null),
    keysNeverUsed: count(({ key }) => key !== null && key.lastUsedAt === null),
    keysRevoked: count(({ key }) => key !== null && key.revokedAt !== null),
    outsideAscii: count((customer) => !ascii(names(customer))),
    quoted: count((customer) => /['"\\]/.test(names(customer))),
  };
}

/** Groups by a key; those whose key is empty stand in no group. */
function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (key === '') continue;
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
