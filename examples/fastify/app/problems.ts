import { isTenantryError } from 'tenantry';
import { titleText } from './format.ts';

/** What is told of a form that was refused. */
export interface FormProblem {
  readonly problem: string;
  readonly field: string | undefined;
  readonly status: number;
}

/** Refuses a form for a reason of the product's own. */
export function refuse(problem: string, field?: string): Error {
  return Object.assign(new Error(problem), { formField: field ?? '' });
}

const sentences: Readonly<Record<string, string>> = {
  limit_reached: 'Your plan has no room for another one. Upgrade, or remove one first.',
  quota_exceeded: 'The calls of this month are used up. Upgrade to take more.',
  feature_missing: 'Your plan does not contain this. Upgrade to use it.',
  permission_denied: 'Your role does not allow this.',
  invitation_refused: 'This invitation opens nothing for this account: it is another’s, over, or used.',
  last_owner: 'An organization needs an owner.',
  url_refused: 'Webhooks go to a public address that begins with https://.',
  subscription_exists: 'There is a subscription already. Change the plan instead.',
  subscription_not_found: 'There is no subscription.',
  rate_limited: 'Too many tries. Wait a moment, and try again.',
  seats_exhausted: 'Your plan has no room for another person.',
  provider_refused: 'The payment provider refused it.',
  provider_unavailable: 'The payment provider does not answer. Try again.',
  billing_busy: 'The last change is still under way. Try again.',
  tenant_suspended: 'This organization is suspended. Write to support.',
};

/** Tells a failure that people can mend in their words; undefined for all others. */
export function problemText(error: unknown): FormProblem | undefined {
  const { formField }: { formField?: unknown } = Object(error);
  if (error instanceof Error && typeof formField === 'string') {
    return { problem: error.message, field: formField === '' ? undefined : formField, status: 422 };
  }
  if (!isTenantryError(error)) return undefined;
  const { code, status } = error;
  if (isTenantryError(error, 'name_invalid')) {
    const { field, problem } = error.details;
    return { problem: `${titleText(field)} ${problem}.`, field, status: 422 };
  }
  if (isTenantryError(error, 'password_refused')) {
    return { problem: `The password ${error.details.problem}.`, field: 'password', status: 422 };
  }
  const sentence = sentences[code];
  return sentence === undefined
    ? undefined
    : { problem: sentence, field: undefined, status: status === 400 ? 422 : status };
}
