/** How much to generate. */
export interface GenerateOptions {
  /** How many customers; 5,000 when absent. Everything else grows with them. */
  readonly customers?: number;
  /** How many API calls; forty for each customer when absent. */
  readonly calls?: number;
  /** Another seed gives other rows of the same kind. */
  readonly seed?: number;
}

/** The options with nothing left open. */
export type GenerateSize = Required<GenerateOptions>;

/** Fills in what was left open. */
export function sizeOf({ customers = 5000, calls = customers * 40, seed = 3 }: GenerateOptions = {}): GenerateSize {
  if (!Number.isSafeInteger(customers) || customers < 1)
    throw new TypeError('customers must be a whole number above 0');
  if (!Number.isSafeInteger(calls) || calls < 0) throw new TypeError('calls must be a whole number');
  return { customers, calls, seed };
}

/** How often each kind of dirt is sown, as a share of what its comment names. An account is a person or a company. */
export const shares = {
  /** Accounts of a person without a company. */
  noCompany: 0.47,
  /** Accounts of a person whose company is an empty text or spaces. */
  blankCompany: 0.03,
  /** Companies with a name that breaks careless programs. */
  awkwardCompany: 0.07,
  /** Companies of several people who all stand under one Stripe customer. */
  sharedStripe: 0.08,
  /** People of other companies, and people without one, who have no Stripe customer. */
  noStripe: 0.27,
  /** People who signed up a second time, with their e-mail in another case. */
  twin: 0.012,
  /** Those of them who got the Stripe customer they had before. */
  twinKeepsStripe: 0.6,
  /** Company names written unlike the company's own spelling. */
  respelled: 0.45,
  /** Companies under one Stripe customer of whom only some rows heard of a cancellation. */
  staleStatus: 0.35,
  /** Customers to whom no key was issued. */
  keyNeverIssued: 0.08,
  /** Keys that were never used. */
  keyNeverUsed: 0.12,
  /** Keys that were revoked. */
  keyRevoked: 0.09,
  /** Calls of customers who are gone. */
  callOfGone: 0.001,
} as const;

/** The time that the call log spans, in milliseconds since 1970. */
export const logWindow = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 5, 30) } as const;

/** The time in which customers signed up: all of them before the log begins. */
export const signUpWindow = { from: Date.UTC(2021, 2, 1), to: Date.UTC(2025, 11, 1) } as const;

/** Milliseconds of a day. */
export const day = 86_400_000;
