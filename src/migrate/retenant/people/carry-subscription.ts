import type { LookupRecord, People } from './rows.ts';
import type { Work } from './work.ts';

/** Whether a provider still bills or may bill again: every state but the two that end a subscription. */
export function isLive(status: string | null): boolean {
  return status !== null && status !== 'canceled' && status !== 'incomplete_expired';
}

/** What names a tenant at a provider. */
export function isProvider({ kind }: LookupRecord): boolean {
  return kind.startsWith('provider');
}

/** Which of the old tenant's names at providers stay with it, since their subscription is not carried on. */
export type StayingLookups = ReadonlySet<string>;

/**
 * Brings the subscription of a tenant that ends to the default target. Two live ones are never joined: the policy says
 * which is kept, and the other one is told as to be ended at the provider; its names stay with the tenant that ended, so
 * that what the provider says of it later concerns nobody.
 */
export function carrySubscription(work: Work, { billed = [] }: People): StayingLookups {
  const { draft, old, main, unit, policies, retired, now, note, refuse } = work;
  const target = draft.get('tenants', main.tenantId);
  if (!retired || target === undefined) return new Set();
  const targetNames = namesOf(work, target.tenant_id);
  const oldNames = namesOf(work, old.tenant_id);
  const about = (names: readonly LookupRecord[], tenantId: string): string[] =>
    names.length === 0 ? [tenantId] : names.map(({ value }) => value);
  const take = (): void => {
    const plan = unit.targets[0].plan ?? (isLive(old.subscription_status) ? old.plan : target.plan);
    if (plan === target.plan && old.subscription_status === target.subscription_status) return;
    draft.set('tenants', { ...target, plan, subscription_status: old.subscription_status, updated_at: now });
    if (isLive(old.subscription_status)) {
      note('subscription-carried', about(oldNames, old.tenant_id), `goes on as the one of ${target.tenant_id}`);
    }
  };
  const both = [old.tenant_id, target.tenant_id].every((tenantId) => billed.includes(tenantId));
  if (both && policies.subscriptions !== 'keepTarget' && isLive(old.subscription_status)) {
    const remedy =
      'Both are customers of the provider, and their billing is never joined: say "keepTarget", or let the target take out its subscription anew.';
    refuse('subscriptions', [...about(targetNames, target.tenant_id), ...about(oldNames, old.tenant_id)], remedy);
    return new Set();
  }
  if (both && !isLive(old.subscription_status)) {
    note(
      'billing-stays',
      about(oldNames, old.tenant_id),
      'stays with the tenant that ended: the target has a customer of its own',
    );
    return new Set(oldNames.map(({ kind, value }) => `${kind} ${value}`));
  }
  if (!isLive(target.subscription_status) || !isLive(old.subscription_status)) {
    const made = draft.before('tenants', target.tenant_id) === undefined;
    if (isLive(old.subscription_status) || made) take();
    return new Set();
  }
  const ends = 'is not carried on: end it at the provider';
  if (policies.subscriptions === 'keepTarget') {
    note('subscription-ends', about(oldNames, old.tenant_id), ends);
    return new Set(oldNames.map(({ kind, value }) => `${kind} ${value}`));
  }
  if (policies.subscriptions === 'keepSource') {
    note('subscription-ends', about(targetNames, target.tenant_id), ends);
    take();
    for (const lookup of targetNames) draft.set('tenant_lookups', { ...lookup, tenant_id: old.tenant_id });
    return new Set(targetNames.map(({ kind, value }) => `${kind} ${value}`));
  }
  const between = [...about(targetNames, target.tenant_id), ...about(oldNames, old.tenant_id)];
  refuse('subscriptions', between, 'Both are live: say which is kept, "keepTarget" or "keepSource".');
  return new Set();
}

function namesOf({ draft }: Work, tenantId: string): LookupRecord[] {
  return draft.all('tenant_lookups').filter((lookup) => lookup.tenant_id === tenantId && isProvider(lookup));
}
