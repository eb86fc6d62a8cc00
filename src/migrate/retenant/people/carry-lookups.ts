import type { StayingLookups } from './carry-subscription.ts';
import type { Work } from './work.ts';

/**
 * Lets everything that named the old tenant name the one where it went. The slug becomes an alias; a user's own name
 * leads where the user went; the name of the program stays with a program that was split, since it leads each user
 * elsewhere.
 */
export function carryLookups(work: Work, staying: StayingLookups): void {
  const { draft, old, main, unit, retired, note } = work;
  if (work.kindOf(main.tenantId) !== 'organization') dropDomains(work);
  if (!retired) return;
  const aliases: string[] = [];
  for (const lookup of draft.all('tenant_lookups').filter(({ tenant_id }) => tenant_id === old.tenant_id)) {
    const { kind, value } = lookup;
    if (staying.has(`${kind} ${value}`) || (kind === 'program' && unit.targets.length > 1)) continue;
    const goes = kind === 'user' ? work.placesOf(value)[0] : main.tenantId;
    if (goes === undefined) {
      draft.drop('tenant_lookups', lookup);
      continue;
    }
    draft.set('tenant_lookups', { ...lookup, tenant_id: goes });
    if (kind === 'slug') aliases.push(value);
  }
  note('slug-alias', aliases, `leads to ${main.tenantId}`);
}

/** A mail domain leads people to an organization; what has no members takes nobody in. */
function dropDomains({ draft, old, note }: Work): void {
  const found = draft
    .all('tenant_lookups')
    .filter((one) => one.tenant_id === old.tenant_id && one.kind === 'email_domain');
  for (const lookup of found) draft.drop('tenant_lookups', lookup);
  note(
    'domains-ended',
    found.map(({ value }) => value),
    'lead nobody in any more',
  );
}
