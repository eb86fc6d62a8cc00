import type { ErrorDetails, ErrorRow } from './error-codes.ts';
import { quotedList } from './quoted-list.ts';

type Codes =
  | 'rate_limited'
  | 'plan_unknown'
  | 'meter_unknown'
  | 'amount_invalid'
  | 'usage_time_invalid'
  | 'quota_exceeded'
  | 'limit_reached'
  | 'feature_missing'
  | 'billing_busy'
  | 'billing_unsupported'
  | 'provider_unavailable'
  | 'provider_refused'
  | 'provider_answer_invalid'
  | 'provider_mode_mismatch'
  | 'plan_not_sold'
  | 'subscription_exists'
  | 'subscription_not_found'
  | 'tenant_still_pays';

/** What plans and billing say. */
export const billingErrors: { readonly [Code in Codes]: ErrorRow<ErrorDetails[Code]> } = {
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    detail: (d) => `the rate limit of the ${d.limitOf} is reached; try again at ${d.retryAt}`,
  },
  plan_unknown: {
    status: 400,
    title: 'Unknown plan',
    detail: (d) => `there is no plan "${d.plan}" (known: ${quotedList(d.known)})`,
  },
  meter_unknown: {
    status: 400,
    title: 'Unknown limit or quota',
    detail: (d) => `no plan has a limit or quota "${d.meter}" (known: ${quotedList(d.known)})`,
  },
  amount_invalid: { status: 400, title: 'Invalid amount', detail: (d) => `the amount ${d.amount} ${d.problem}` },
  usage_time_invalid: {
    status: 400,
    title: 'Usage at an impossible time',
    detail: (d) => `units can be counted up to ${d.lateHours} hours late, and not in the future; this was ${d.at}`,
  },
  quota_exceeded: {
    status: 429,
    title: 'Quota exceeded',
    detail: (d) =>
      `${d.used} of ${d.limit} "${d.meter}" are used, ${d.requested} were asked for${d.resetsAt ? `; resets at ${d.resetsAt}` : ''}`,
  },
  limit_reached: {
    status: 403,
    title: 'Limit reached',
    detail: (d) =>
      `${d.used} of ${d.limit} "${d.meter}" exist, ${d.requested} more were asked for; remove some or upgrade`,
  },
  feature_missing: {
    status: 403,
    title: 'Feature not in the plan',
    detail: (d) => `the plan "${d.plan}" does not include "${d.feature}"`,
  },
  billing_busy: {
    status: 503,
    title: 'Billing is at work',
    detail: (d) =>
      `something else is done for tenant "${d.tenantId}" at the moment; try again in ${d.retryAfter} seconds`,
  },
  billing_unsupported: {
    status: 400,
    title: 'The provider cannot do this',
    detail: (d) => `the provider "${d.provider}" has no ${d.operation}`,
  },
  provider_unavailable: {
    status: 503,
    title: 'The billing provider gave no answer',
    detail: (d) =>
      `${d.operation} at "${d.provider}": ${d.reason}. It may have been done all the same; the same call again does it once`,
  },
  provider_refused: {
    status: 402,
    title: 'The billing provider refused',
    detail: (d) => `${d.operation} at "${d.provider}": ${d.reason}`,
  },
  provider_answer_invalid: {
    status: 502,
    title: 'The billing provider answered with something else',
    detail: (d) => `${d.operation} at "${d.provider}": ${d.problem}`,
  },
  provider_mode_mismatch: {
    status: 400,
    title: 'Real money and test money are mixed',
    detail: (d) => `this program bills in ${d.expected} mode, the object is of ${d.actual} mode`,
  },
  plan_not_sold: {
    status: 400,
    title: 'The plan is not sold so',
    detail: (d) => `plan "${d.plan}" has no price for each ${d.interval} in ${d.currency}`,
  },
  subscription_exists: {
    status: 409,
    title: 'Subscribed already',
    detail: (d) => `tenant "${d.tenantId}" has a subscription of "${d.plan}"; change that one`,
  },
  subscription_not_found: {
    status: 404,
    title: 'No subscription',
    detail: (d) => `tenant "${d.tenantId}" has no subscription that this could be done with`,
  },
  tenant_still_pays: {
    status: 409,
    title: 'The tenant still pays',
    detail: (d) =>
      d.status === 'checkout'
        ? `tenant "${d.tenantId}" has an open checkout, which somebody could pay; close it first`
        : `tenant "${d.tenantId}" has a subscription (${d.status}); end it first, or it would be charged for ever`,
  },
};
