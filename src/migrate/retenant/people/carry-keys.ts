import type { Draft } from './draft.ts';
import type { DigestRecord, KeyRecord } from './rows.ts';
import type { Work } from './work.ts';

/**
 * Brings API keys to where their user goes, and those of the whole tenant to the default target; of a split the unit may
 * say whose they are. The key of a user whose
 * own tenant ended acts for the member that the user became. A key whose member has no place is revoked.
 */
export function carryKeys(work: Work): void {
  const { draft, unit, old, oldMembers, ownUsers, policies, main, converted, note, now } = work;
  const users = new Map(oldMembers.map((member) => [member.id, member]));
  const said = new Map(
    unit.targets.flatMap((target) =>
      (target.users ?? []).flatMap(({ userId, keys = [] }) => keys.map((id): [string, string] => [id, userId])),
    ),
  );
  const nobodys: string[] = [];
  const carried: string[] = [];
  const revoked: string[] = [];
  const digests = digestsOf(draft);
  for (const key of draft.all('api_keys').filter(({ tenant_id }) => tenant_id === old.tenant_id)) {
    const member = key.member_id === null ? undefined : users.get(key.member_id);
    const user = member?.user_id ?? (key.member_id === null ? (said.get(key.id) ?? ownUsers[0]) : undefined);
    const place = user === undefined ? main.tenantId : work.placesOf(user)[0];
    const goes = place ?? main.tenantId;
    if (goes === old.tenant_id && !converted) continue;
    const organization = work.kindOf(goes) === 'organization';
    const ended = member !== undefined && (place === undefined || (!organization && member.status === 'removed'));
    const revoke = key.revoked_at === null && (ended || policies.keys === 'revoke');
    const next = {
      ...key,
      tenant_id: goes,
      member_id: organization && user !== undefined ? (work.memberAt(goes, user)?.id ?? null) : null,
      team_id: organization ? key.team_id : null,
      revoked_at: revoke ? now : key.revoked_at,
    };
    carryKey(draft, key, next, digests);
    if (key.revoked_at === null && user === undefined && unit.targets.length > 1) nobodys.push(key.start);
    if (revoke) revoked.push(key.start);
    else if ((member !== undefined || key.team_id !== null) && !organization && key.revoked_at === null)
      carried.push(key.start);
  }
  note('keys-of-nobody', nobodys, `say of no member: they open ${main.tenantId}`);
  note('keys-revoked', revoked, 'open nothing any more');
  note('keys-carried', carried, 'were held to a member or a team and are now held to their scopes alone');
}

/** Brings one key and its digests under another tenant or member. */
export function carryKey(
  draft: Draft,
  key: KeyRecord,
  next: KeyRecord,
  digests: ReadonlyMap<string, readonly DigestRecord[]>,
): void {
  draft.carry('api_keys', key, next);
  if (key.tenant_id === next.tenant_id) return;
  for (const digest of digests.get(`${key.tenant_id} ${key.id}`) ?? []) {
    draft.set('api_key_digests', { ...digest, tenant_id: next.tenant_id });
  }
}

/** The digests of each key. */
export function digestsOf(draft: Draft): ReadonlyMap<string, readonly DigestRecord[]> {
  const digests = new Map<string, DigestRecord[]>();
  for (const digest of draft.all('api_key_digests')) {
    const key = `${digest.tenant_id} ${digest.key_id}`;
    digests.set(key, [...(digests.get(key) ?? []), digest]);
  }
  return digests;
}
