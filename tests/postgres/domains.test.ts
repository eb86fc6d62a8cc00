import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

const by = (userId: string) => ({ by: { userId } });

let database: TestDatabase<Record<string, never>>;
beforeAll(async () => {
  database = await postgresDatabase();
});
afterAll(() => database.destroy());

const make = (told?: OrganizationEvent[]) =>
  createOrganizations({
    db: database.app,
    ...(told !== undefined && {
      events: async (event: OrganizationEvent) => {
        told.push(event);
      },
    }),
  });

/** A DNS that holds the records that were put into it. */
function zone() {
  const records = new Map<string, string[][]>();
  return {
    records,
    resolveTxt: async (name: string): Promise<string[][]> => {
      const found = records.get(name);
      if (found === undefined) throw Object.assign(new Error('no data'), { code: 'ENODATA' });
      return found;
    },
  };
}

const failing = {
  resolveTxt: async (): Promise<string[][]> => {
    throw Object.assign(new Error('server failure'), { code: 'ESERVFAIL' });
  },
};

let count = 0;
const newDomain = (): string => {
  count += 1;
  return `company-${count}.example`;
};

describe('a domain', () => {
  it('lets users in once the DNS proves it, and no longer than it does', async () => {
    const told: OrganizationEvent[] = [];
    const { create, domains, seats } = make(told);
    const { tenantId } = await create({ name: 'Join', seats: 3, owner: { userId: 'ada' } });
    const domain = newDomain();
    const claim = await domains.add({ tenantId, domain: domain.toUpperCase(), mode: 'join' }, by('ada'));
    expect(claim).toMatchObject({ domain, mode: 'join', role: 'member', verifiedAt: null });
    expect(claim.record).toMatchObject({ type: 'TXT', name: `_tenantry.${domain}` });
    const bob = { userId: 'bob', verifiedEmail: `Bob@${domain}` };
    expect(await domains.join(bob)).toBeNull();
    const dns = zone();
    expect(await domains.verify({ tenantId, domain }, dns)).toMatchObject({
      verified: false,
      reason: 'record_missing',
    });
    dns.records.set(claim.record.name, [
      ['v=spf1 -all'],
      [claim.record.value.slice(0, 9), claim.record.value.slice(9)],
    ]);
    expect(await domains.verify({ tenantId, domain }, { ...dns, ...by('ada') })).toMatchObject({
      verified: true,
      reason: null,
    });
    expect(await domains.join(bob)).toMatchObject({ created: true, member: { status: 'active', role: 'member' } });
    expect(await domains.join(bob)).toMatchObject({ created: false });
    expect(await domains.join({ userId: 'x', verifiedEmail: `x@sub.${domain}` })).toBeNull();
    expect(await seats(tenantId)).toMatchObject({ taken: 2 });
    expect(await domains.verify({ tenantId, domain }, failing)).toMatchObject({
      verified: false,
      reason: 'dns_failed',
    });
    expect(await domains.join({ userId: 'kim', verifiedEmail: `kim@${domain}` })).toMatchObject({ created: true });
    await expect(domains.join({ userId: 'lee', verifiedEmail: `lee@${domain}` })).rejects.toMatchObject({
      code: 'seats_exhausted',
    });
    dns.records.clear();
    expect(await domains.verify({ tenantId, domain }, dns)).toMatchObject({ verified: false });
    expect(await domains.join({ userId: 'lee', verifiedEmail: `lee@${domain}` })).toBeNull();
    expect(told.filter(({ name }) => name.startsWith('domain.')).map(({ name }) => name)).toEqual([
      'domain.added',
      'domain.verified',
      'domain.unverified',
    ]);
  });

  it('asks for approval in the mode of requests, and of those who were removed', async () => {
    const { create, domains, members, seats } = make();
    const { tenantId } = await create({ name: 'Ask', seats: 2, owner: { userId: 'ada' } });
    const domain = newDomain();
    const claim = await domains.add({ tenantId, domain });
    expect(claim.mode).toBe('request');
    const dns = zone();
    dns.records.set(claim.record.name, [[claim.record.value]]);
    await domains.verify({ tenantId, domain }, dns);
    const bob = { userId: 'bob', verifiedEmail: `bob@${domain}` };
    expect(await domains.join(bob)).toMatchObject({ created: true, member: { status: 'requested' } });
    expect(await seats(tenantId)).toMatchObject({ taken: 1 });
    await members.approve({ tenantId, userId: 'bob' });
    await members.remove({ tenantId, userId: 'bob' });
    expect(await domains.add({ tenantId, domain, mode: 'join' })).toMatchObject({ mode: 'join', record: claim.record });
    expect(await domains.join(bob)).toMatchObject({ created: true, member: { status: 'requested' } });
    await members.approve({ tenantId, userId: 'bob' });
    await members.suspend({ tenantId, userId: 'bob' });
    expect(await domains.join(bob)).toMatchObject({ created: false, member: { status: 'suspended' } });
  });

  it('belongs to the one who proves it first, and may be claimed by all', async () => {
    const { create, domains } = make();
    const [a, b] = [
      await create({ name: 'A', owner: { userId: 'ada' } }),
      await create({ name: 'B', owner: { userId: 'bob' } }),
    ];
    const domain = newDomain();
    const dns = zone();
    const claims = [];
    for (const { tenantId } of [a, b]) claims.push(await domains.add({ tenantId, domain, mode: 'join' }));
    expect(claims[0]?.record.value).not.toBe(claims[1]?.record.value);
    dns.records.set(
      `_tenantry.${domain}`,
      claims.map(({ record }) => [record.value]),
    );
    expect(await domains.verify({ tenantId: b.tenantId, domain }, dns)).toMatchObject({ verified: true });
    await expect(domains.verify({ tenantId: a.tenantId, domain }, dns)).rejects.toMatchObject({ code: 'domain_taken' });
    const join = { userId: 'x', verifiedEmail: `x@${domain}` };
    expect(await domains.join(join)).toMatchObject({ member: { tenantId: b.tenantId } });
    await domains.remove({ tenantId: b.tenantId, domain });
    expect(await domains.join(join)).toBeNull();
    expect(await domains.verify({ tenantId: a.tenantId, domain }, dns)).toMatchObject({ verified: true });
  });

  it('is no public mail host, no single word and no address', async () => {
    const { create, domains } = make();
    const { tenantId } = await create({ name: 'Bad', owner: { userId: 'ada' } });
    const wrong = ['gmail.com', 'GMail.com', 'localhost', '10.0.0.1', '[::1]', 'a..b', '-a.de', 'x@y.de', '', 'a b.de'];
    for (const domain of [...wrong, 'a\u0000.de', 'x'.repeat(300)]) {
      await expect(domains.add({ tenantId, domain })).rejects.toMatchObject({ code: 'domain_invalid' });
    }
    await expect(domains.add({ tenantId, domain: newDomain(), role: 'owner' })).rejects.toMatchObject({
      code: 'domain_invalid',
    });
    expect(await domains.add({ tenantId, domain: 'Bücher.example' })).toMatchObject({
      domain: 'xn--bcher-kva.example',
    });
  });

  it('is changed only with the permission, and unknown ones and foreign ones are alike', async () => {
    const { create, domains, members } = make();
    const { tenantId } = await create({ name: 'Who', owner: { userId: 'ada' } });
    const other = await create({ name: 'Other', owner: { userId: 'eve' } });
    await members.add({ tenantId, userId: 'bob' });
    const domain = newDomain();
    await domains.add({ tenantId: other.tenantId, domain });
    const dns = zone();
    for (const call of [
      () => domains.verify({ tenantId, domain }, dns),
      () => domains.remove({ tenantId, domain }),
      () => domains.verify({ tenantId, domain: 'nobody.example' }, dns),
      () => domains.remove({ tenantId, domain: 'x' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'domain_not_found' });
    }
    await expect(domains.add({ tenantId, domain }, by('bob'))).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(domains.add({ tenantId, domain }, by('eve'))).rejects.toMatchObject({
      code: 'organization_not_found',
    });
    await expect(domains.add({ tenantId: '00000000-0000-7000-8000-00000000dead', domain })).rejects.toMatchObject({
      code: 'organization_not_found',
    });
  });

  it('is listed with all others, part by part', async () => {
    const { create, domains } = make();
    const { tenantId } = await create({ name: 'Many', owner: { userId: 'ada' } });
    const made = Array.from({ length: 7 }, newDomain);
    for (const domain of made) await domains.add({ tenantId, domain });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof domains.list>> = await domains.list({ tenantId, limit: 3, cursor });
      seen.push(...page.items.map(({ domain }) => domain));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(made.toSorted());
  });
});
