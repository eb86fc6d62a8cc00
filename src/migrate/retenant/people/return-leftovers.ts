import { carryKey, digestsOf } from './carry-keys.ts';
import type { Returning } from './return-people.ts';
import { keyOf, type Records, type TableName } from './rows.ts';

/** Brings what was made since in tenants that end to the old one, and keeps what has no place there. */
export function returnLeftovers(returning: Returning): void {
  const { draft, oldTenantId, ending } = returning;
  const kind = draft.get('tenants', oldTenantId)?.kind;
  if (kind === undefined) return;
  const organization = kind === 'organization';
  returnKeys(returning, kind);
  for (const member of draft.all('members')) {
    const out = ending.has(member.tenant_id) || (member.tenant_id === oldTenantId && !organization);
    if (!out) continue;
    const place = organization && draft.memberOf(oldTenantId, member.user_id) === undefined;
    if (place) draft.carry('members', member, { ...member, tenant_id: oldTenantId });
    else lose(returning, 'members', member, 'a member who came since and has no place in the old tenant');
  }
  for (const grant of draft.all('member_grants')) {
    if (draft.get('members', grant.tenant_id, grant.member_id) !== undefined) continue;
    const there = draft.get('members', oldTenantId, grant.member_id);
    if (there === undefined) lose(returning, 'member_grants', grant, 'granted since to a member who has no place');
    else draft.carry('member_grants', grant, { ...grant, tenant_id: oldTenantId });
  }
  returnLookups(returning, kind);
  returnCounters(returning);
  for (const move of draft.all('tenant_moves').filter(({ tenant_id }) => ending.has(tenant_id))) {
    draft.set('tenant_moves', { ...move, tenant_id: oldTenantId });
  }
  returnOrganization(returning, organization);
}

/** A key that was made since goes on to work where its user has a place, and is revoked where they have none. */
function returnKeys(returning: Returning, kind: Records['tenants']['kind']): void {
  const { draft, oldTenantId, ending, now, keep } = returning;
  const own = new Map<string, string>();
  for (const { table, before, after } of returning.changes) {
    if (table === 'tenant_lookups' && after !== null && 'value' in after && after.kind === 'user') {
      own.set(after.tenant_id, after.value);
      if (before !== null) own.set(before.tenant_id, after.value);
    }
  }
  const users = new Map(draft.all('members').map((member) => [member.id, member.user_id]));
  const oldUser = draft
    .all('tenant_lookups')
    .find((one) => one.kind === 'user' && one.tenant_id === oldTenantId)?.value;
  const digests = digestsOf(draft);
  for (const key of draft.all('api_keys')) {
    const converted = key.tenant_id === oldTenantId && key.member_id !== null && kind !== 'organization';
    if (!ending.has(key.tenant_id) && !converted) {
      const lost = key.member_id !== null && draft.get('members', key.tenant_id, key.member_id) === undefined;
      if (!lost || draft.before('members', key.tenant_id, key.member_id ?? '') === undefined) continue;
      draft.set('api_keys', { ...key, member_id: null, revoked_at: key.revoked_at ?? now });
      keep({
        table: 'api_keys',
        key: keyOf('api_keys', key),
        row: key,
        reason: 'made since for one who has no place: revoked',
      });
      continue;
    }
    const user = key.member_id === null ? own.get(key.tenant_id) : users.get(key.member_id);
    const member = user === undefined ? undefined : draft.memberOf(oldTenantId, user);
    const fits =
      user === undefined || kind === 'program' || (kind === 'user' ? user === oldUser : member?.status === 'active');
    const next = {
      ...key,
      tenant_id: oldTenantId,
      member_id: kind === 'organization' ? (member?.id ?? null) : null,
      revoked_at: fits ? key.revoked_at : (key.revoked_at ?? now),
    };
    carryKey(draft, key, next, digests);
    const reason = fits
      ? `made since, and taken over by ${oldTenantId}`
      : 'made since for one who has no place: revoked';
    keep({ table: 'api_keys', key: keyOf('api_keys', key), row: key, reason });
  }
}

function returnLookups(returning: Returning, kind: Records['tenants']['kind']): void {
  const { draft, oldTenantId, ending } = returning;
  for (const lookup of draft.all('tenant_lookups').filter(({ tenant_id }) => ending.has(tenant_id))) {
    const named = lookup.kind === 'user' && kind === 'user';
    if (named) lose(returning, 'tenant_lookups', lookup, 'a name given since that has no place');
    else draft.set('tenant_lookups', { ...lookup, tenant_id: oldTenantId });
  }
}

function returnCounters(returning: Returning): void {
  const { draft, oldTenantId, ending, now } = returning;
  const revision = draft.get('tenants', oldTenantId)?.entitlement_revision ?? 1;
  for (const counter of draft.all('usage_counters').filter(({ tenant_id }) => ending.has(tenant_id))) {
    const { meter, per, period_start, used } = counter;
    const there = draft.get('usage_counters', oldTenantId, meter, per, period_start);
    if (there === undefined) {
      draft.carry('usage_counters', counter, { ...counter, tenant_id: oldTenantId, entitlement_revision: revision });
    } else {
      draft.set('usage_counters', { ...there, used: there.used + used, updated_at: now });
      draft.drop('usage_counters', counter);
    }
  }
}

/** Counts the seats of the organizations anew; more members than seats are told. */
function returnOrganization({ draft, ending, oldTenantId, keep }: Returning, organization: boolean): void {
  const seats = draft.seatsTaken();
  for (const one of draft.all('organizations')) {
    if (ending.has(one.tenant_id) || (one.tenant_id === oldTenantId && !organization)) {
      draft.drop('organizations', one);
      continue;
    }
    const taken = seats.get(one.tenant_id) ?? 0;
    if (taken !== one.seats_taken) draft.set('organizations', { ...one, seats_taken: taken });
    if (one.seats_bought !== null && taken > one.seats_bought) {
      keep({ table: 'organizations', key: keyOf('organizations', one), row: one, reason: `${taken} seats are taken` });
    }
  }
}

function lose<Table extends TableName>(
  { draft, keep }: Returning,
  table: Table,
  row: Records[Table],
  reason: string,
): void {
  keep({ table, key: keyOf(table, row), row, reason });
  draft.drop(table, row);
}
