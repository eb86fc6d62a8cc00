import type { Kysely } from 'kysely';
import { hybrid } from './hybrid.ts';
import { perDeveloper } from './per-developer.ts';
import { perOrganization } from './per-organization.ts';
import { receptionist } from './receptionist.ts';
import type { Say } from './till.ts';
import { vouchers } from './vouchers.ts';

/** Ways in which programs are paid, by name: each from the sign-up to the invoice, and to the limit that holds. */
export const setUps: {
  readonly [name: string]: {
    readonly title: string;
    readonly tell: (db: Kysely<Record<never, never>>, say: Say) => Promise<void>;
  };
} = {
  'per-organization': { title: '$50 a month for five developers', tell: perOrganization },
  'per-developer': { title: '$10 a month for each developer', tell: perDeveloper },
  hybrid: { title: '$20 a month, $5 for each developer, and 2 cents for each call beyond 1,000', tell: hybrid },
  receptionist: { title: 'Free, Starter for $29, Pro for $99, and Enterprise as agreed', tell: receptionist },
  vouchers: { title: 'vouchers, paid by transfer, in cash and at a terminal', tell: vouchers },
};
