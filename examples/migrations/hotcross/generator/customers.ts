import { type Company, createCompanies, respell } from './companies.ts';
import { day, type GenerateSize, logWindow, shares, signUpWindow } from './options.ts';
import { createPeople, type Person, retypeEmail } from './people.ts';
import { createRandom, type Random } from './random.ts';
import { legacySecretOf, storedKeyOf } from './secret.ts';

/** One generated customer. Times are milliseconds since 1970. */
export interface LegacyCustomer {
  readonly id: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly company: string | null;
  readonly stripeCustomerId: string | null;
  readonly subscriptionStatus: string | null;
  readonly key: LegacyKey | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The key of a generated customer. */
export interface LegacyKey {
  readonly hash: string;
  readonly prefix: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const sizes = [
  [1, 46],
  [2, 22],
  [3, 14],
  [4, 8],
  [5, 5],
  [7, 3],
  [11, 2],
] as const;
const paidStatuses = [
  ['active', 74],
  ['trialing', 8],
  ['past_due', 8],
  ['canceled', 10],
] as const;
/** Without a Stripe customer: billed by hand, or never at all. */
const unpaidStatuses = [
  ['active', 40],
  [null, 60],
] as const;

/** Somebody who signed up, before keys and times are drawn. */
interface SignUp extends Person {
  readonly company: string | null;
  readonly stripeCustomerId: string | null;
  readonly subscriptionStatus: string | null;
}

/** Generates the customers, in the order in which they signed up. The same size gives the same customers everywhere. */
export function generateCustomers({ customers, seed }: GenerateSize): LegacyCustomer[] {
  const random = createRandom(seed, 'customers');
  const signUps: SignUp[] = [];
  const people = createPeople(random);
  const companies = createCompanies(random);
  while (signUps.length < customers) {
    const alone = random.chance(shares.noCompany + shares.blankCompany);
    const account = alone ? [individual(people, random)] : colleagues(companies(), people, random);
    signUps.push(...account);
    for (const person of account) if (random.chance(shares.twin)) signUps.push(secondSignUp(person, random));
  }
  return signUps
    .slice(0, customers)
    .map((signUp) => withKey(signUp, seed, random))
    .sort((one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1));
}

function individual(people: (domain: string) => Person, random: Random): SignUp {
  const blank = random.chance(shares.blankCompany / (shares.noCompany + shares.blankCompany));
  const company = blank ? random.pick(['', ' ', '   ']) : null;
  return { ...people(random.pick(['mail.example', 'post.example', 'inbox.example'])), company, ...ownBilling(random) };
}

function colleagues(company: Company, people: (domain: string) => Person, random: Random): SignUp[] {
  const size = random.weighted(sizes);
  const shared = size > 1 && random.chance(shares.sharedStripe) ? newStripeCustomer(random) : null;
  const stale = random.chance(shares.staleStatus);
  const status = random.weighted(paidStatuses);
  return Array.from({ length: size }, (_, index) => ({
    ...people(company.domain),
    company: index === 0 ? company.name : respell(company.name, random),
    ...(shared === null
      ? ownBilling(random)
      : { stripeCustomerId: shared, subscriptionStatus: stale && index % 2 === 1 ? 'canceled' : status }),
  }));
}

function ownBilling(random: Random): Pick<SignUp, 'stripeCustomerId' | 'subscriptionStatus'> {
  if (random.chance(shares.noStripe)) {
    return { stripeCustomerId: null, subscriptionStatus: random.weighted(unpaidStatuses) };
  }
  return { stripeCustomerId: newStripeCustomer(random), subscriptionStatus: random.weighted(paidStatuses) };
}

/** The same person once more. Stripe finds customers by e-mail whatever the case, so many get the one they had. */
function secondSignUp(first: SignUp, random: Random): SignUp {
  const keeps = random.chance(shares.twinKeepsStripe);
  return {
    ...first,
    email: retypeEmail(first.email, random),
    company: first.company === null ? null : respell(first.company.trim(), random),
    stripeCustomerId: keeps ? first.stripeCustomerId : null,
    subscriptionStatus: keeps ? first.subscriptionStatus : null,
  };
}

const newStripeCustomer = (random: Random): string => `cus_${random.text(14, base62)}`;

function withKey(signUp: SignUp, seed: number, random: Random): LegacyCustomer {
  const id = random.uuid();
  const createdAt = signUpWindow.from + random.below(signUpWindow.to - signUpWindow.from);
  const key = random.chance(shares.keyNeverIssued) ? null : newKey(id, createdAt, seed, random);
  return { ...signUp, id, key, createdAt, updatedAt: createdAt + random.below(logWindow.from - createdAt) };
}

function newKey(id: string, customerSince: number, seed: number, random: Random): LegacyKey {
  const createdAt = customerSince + random.below(20 * day);
  const revokedAt = random.chance(shares.keyRevoked) ? logWindow.to - random.below(60 * day) : null;
  const last = revokedAt ?? logWindow.to;
  const lastUsedAt = random.chance(shares.keyNeverUsed) ? null : last - random.below(30 * day) - 1;
  return { ...storedKeyOf(legacySecretOf(id, seed)), createdAt, revokedAt, lastUsedAt };
}
