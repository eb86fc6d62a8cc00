import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, sql } from 'kysely';
import { createTenantry, definePlans, hybridSeats, none, perOrg, perUser } from 'tenantry';
import { installSchema, isolateTable } from 'tenantry/database';
import { problemOf, rateLimitHeaders } from 'tenantry/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Database {
  calls: { tenant_id: string; id: string; path: string };
}

const plans = definePlans({
  free: { limits: { bots: 1 }, quotas: { calls: { amount: 50, per: 'month' } } },
  pro: {
    limits: { bots: 10 },
    quotas: { calls: { amount: 2_000, per: 'month', overage: 'bill' } },
    features: ['webhooks'],
  },
});

let db: Kysely<Database>;

beforeAll(async () => {
  db = new Kysely<Database>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
  await installSchema(db);
  await sql`create table calls (tenant_id uuid not null, id text not null, path text not null, primary key (tenant_id, id))`.execute(
    db,
  );
  for (const statement of isolateTable({ table: 'calls' })) await sql.raw(statement).execute(db);
});
afterAll(() => db.destroy());

const bearer = (secret: string): Record<string, string> => ({ authorization: `Bearer ${secret}` });

describe('a request, from the key to the rows', () => {
  it('runs as the documentation writes it', async () => {
    const tenantry = createTenantry({ db, plans, strategy: hybridSeats({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
    const { tenantId, owner } = await tenantry.organizations.create({ name: 'Acme', owner: { userId: 'ada' } });
    const { secret } = await tenantry.apiKeys.issue({ tenantId, memberId: owner.id });
    const other = await tenantry.tenancy.provision({ userId: 'eve', name: 'Other' });
    await tenantry.tenancy.scope(other.tenantId).insertInto('calls').values({ id: '1', path: '/theirs' }).execute();
    const request = { headers: bearer(secret) };

    const access = await tenantry.access.authenticate(request.headers);
    access.require('calls:write');
    const state = await access.consume('calls', 1);
    await access.db.insertInto('calls').values({ id: '1', path: '/mine' }).execute();
    const rows = await access.db.selectFrom('calls').selectAll().execute();

    expect(rows).toEqual([{ tenant_id: tenantId, id: '1', path: '/mine' }]);
    expect(state).toMatchObject({ used: 1, limit: 50, remaining: 49 });
    expect(rateLimitHeaders('calls', { ok: true, ...state })).toMatchObject({ 'ratelimit-policy': '"calls";q=50' });
    expect(access).toMatchObject({
      plan: 'free',
      userId: 'ada',
      role: 'owner',
      tenant: { id: tenantId, kind: 'organization', subscriptionStatus: null },
      member: { id: owner.id, userId: 'ada', role: 'owner' },
      key: { owner: { kind: 'member', memberId: owner.id }, environment: 'live' },
    });
    expect(await access.transaction((tx) => tx.selectFrom('calls').select('path').execute())).toEqual([
      { path: '/mine' },
    ]);
  });

  it('takes the fetch form of headers and the X-API-Key header', async () => {
    const tenantry = createTenantry({ db, plans, strategy: perOrg({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
    const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Headers' });
    const { secret } = await tenantry.apiKeys.issue({ tenantId });
    expect((await tenantry.access.authenticate(new Headers({ 'x-api-key': secret }))).tenant.id).toBe(tenantId);
    expect(await tenantry.access.verify(bearer(secret))).toMatchObject({
      ok: true,
      access: { tenant: { id: tenantId } },
    });
  });
});

describe('a transaction of the application', () => {
  it('is joined by every step, and takes all of them back', async () => {
    const tenantry = createTenantry({ db, plans, strategy: perOrg({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
    let secret = '';
    const work = db.transaction().execute(async (tx) => {
      const joined = { db: tx };
      const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Undone' }, joined);
      secret = (await tenantry.apiKeys.issue({ tenantId }, joined)).secret;
      const access = await tenantry.access.authenticate(bearer(secret), joined);
      expect(await access.consume('calls', 1, joined)).toMatchObject({ used: 1 });
      expect(await access.has('webhooks', joined)).toBe(false);
      await access.transaction((inner) => inner.insertInto('calls').values({ id: '1', path: '/' }).execute(), joined);
      expect((await tenantry.access.forUser({ userId: 'ada', tenantId }, joined)).tenant.id).toBe(tenantId);
      throw new Error('undo');
    });
    await expect(work).rejects.toThrow('undo');
    expect(await tenantry.access.verify(bearer(secret))).toEqual({ ok: false, reason: 'not_found' });
  });
});

describe('refusals', () => {
  it('are 401 for a key that nobody knows and 403 with a reason for one that does not open', async () => {
    const tenantry = createTenantry({ db, plans, strategy: perOrg({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
    const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Refusals' });
    const { key, secret } = await tenantry.apiKeys.issue({ tenantId });
    const { secret: unknown } = await tenantry.apiKeys.issue({ tenantId });
    await sql`delete from tenantry.api_key_digests where key_id <> ${key.id}`.execute(db);
    await tenantry.apiKeys.revoke({ tenantId, keyId: key.id });
    const cases = [
      [{}, 401, 'unauthenticated', 'missing'],
      [bearer('nonsense'), 401, 'unauthenticated', 'malformed'],
      [bearer(unknown), 401, 'unauthenticated', 'not_found'],
      [bearer(secret), 403, 'key_refused', 'revoked'],
    ] as const;
    for (const [headers, status, code, reason] of cases) {
      const error: unknown = await tenantry.access.authenticate(headers).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ status, code, details: { reason } });
      expect(problemOf(error)).toMatchObject({ status, body: { code, details: { reason } } });
      expect(JSON.stringify(problemOf(error))).not.toContain(secret.slice(-36));
      expect(await tenantry.access.verify(headers)).toEqual({ ok: false, reason });
    }
  });

  it('come from the scopes of the key and from the role of its member: both must permit', async () => {
    const roles = { reader: ['*:read'], caller: ['calls:*'] };
    const tenantry = createTenantry({
      db,
      plans,
      strategy: perOrg({ plan: 'free' }),
      roles,
      apiKeys: { prefix: 'hc' },
    });
    const { tenantId } = await tenantry.organizations.create({ name: 'Roles', owner: { userId: 'ada' } });
    const { member } = await tenantry.organizations.members.add({ tenantId, userId: 'bob', role: 'reader' });
    const open = async (scopes: readonly string[] | undefined, memberId?: string) => {
      const { secret } = await tenantry.apiKeys.issue({
        tenantId,
        ...(scopes && { scopes }),
        ...(memberId && { memberId }),
      });
      return tenantry.access.authenticate(bearer(secret));
    };
    const may = (access: { can(permission: string): boolean }) =>
      ['calls:read', 'calls:write', 'notes:read'].filter((permission) => access.can(permission));
    expect(may(await open(undefined))).toEqual(['calls:read', 'calls:write', 'notes:read']);
    expect(may(await open(['calls:*']))).toEqual(['calls:read', 'calls:write']);
    expect(may(await open([]))).toEqual([]);
    expect(may(await open(undefined, member.id))).toEqual(['calls:read', 'notes:read']);
    expect(may(await open(['calls:*'], member.id))).toEqual(['calls:read']);
    await tenantry.organizations.members.setRole({ tenantId, memberId: member.id, role: 'caller' });
    const access = await open(['calls:write', 'notes:read'], member.id);
    expect(may(access)).toEqual(['calls:write']);
    const denied = { code: 'permission_denied', details: { permission: 'notes:read' } };
    expect(() => access.require('notes:read')).toThrow(expect.objectContaining(denied));
  });

  it('say what is used up, and what the plan does not include', async () => {
    const tenantry = createTenantry({ db, plans, strategy: perOrg({ plan: 'free' }), apiKeys: { prefix: 'hc' } });
    const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Quota' });
    const { secret } = await tenantry.apiKeys.issue({ tenantId });
    const access = await tenantry.access.authenticate(bearer(secret));
    await access.consume('calls', 49);
    const exceeded = {
      code: 'quota_exceeded',
      status: 429,
      details: { meter: 'calls', limit: 50, used: 49, requested: 2 },
    };
    await expect(access.consume('calls', 2)).rejects.toMatchObject(exceeded);
    expect(await access.check('calls')).toMatchObject({ ok: true, used: 49, remaining: 1 });
    expect(await access.check('calls', { amount: 2 })).toMatchObject({ ok: false, reason: 'quota_exceeded' });
    await access.consume('bots');
    const reached = { code: 'limit_reached', status: 403, details: { meter: 'bots', limit: 1, used: 1, requested: 1 } };
    await expect(access.consume('bots')).rejects.toMatchObject(reached);
    expect(await access.has('webhooks')).toBe(false);
    const missing = { code: 'feature_missing', details: { feature: 'webhooks', plan: 'free' } };
    await expect(access.requireFeature('webhooks')).rejects.toMatchObject(missing);

    const call = (...parameters: unknown[]): Promise<unknown> =>
      Reflect.apply(tenantry.tenancy.setPlan, tenantry.tenancy, parameters);
    const unknown = { code: 'plan_unknown', status: 400, details: { plan: 'gold', known: ['free', 'pro'] } };
    await expect(call(tenantId, 'gold')).rejects.toMatchObject(unknown);
    expect((await tenantry.access.authenticate(bearer(secret))).plan).toBe('free');

    await tenantry.tenancy.setPlan(tenantId, 'pro');
    const later = await tenantry.access.authenticate(bearer(secret));
    expect(later.plan).toBe('pro');
    await later.requireFeature('webhooks');
    expect(await later.consume('calls', 2)).toMatchObject({ used: 51, limit: 2000 });
  });
});

describe('users of the application', () => {
  it('are let in under every strategy, by the id that the application knows them by', async () => {
    for (const strategy of [
      none({ plan: 'free' }),
      perUser({ plan: 'free' }),
      perOrg({ plan: 'free' }),
      hybridSeats({ plan: 'free' }),
    ]) {
      const tenantry = createTenantry({ db, plans, strategy });
      const userId = `user of ${strategy.name}`;
      const { tenantId } = await tenantry.tenancy.provision({ userId, name: `Tenant ${strategy.name}` });
      const access = await tenantry.access.forUser({ userId });
      expect(access).toMatchObject({
        userId,
        key: null,
        plan: 'free',
        tenant: { id: tenantId, kind: strategy.tenantKind },
      });
      expect(access.member === null).toBe(strategy.tenantKind !== 'organization');
      access.require('calls:write');
      expect(await access.consume('calls')).toMatchObject({ limit: 50 });
      expect(await access.db.selectFrom('calls').selectAll().execute()).toEqual([]);
      expect((await tenantry.access.forUser({ userId, tenantId })).tenant.id).toBe(tenantId);
    }
  });

  it('are refused where they may not act', async () => {
    const tenantry = createTenantry({ db, plans, strategy: perOrg({ plan: 'free' }) });
    const first = await tenantry.tenancy.provision({ userId: 'carl', name: 'First' });
    const foreign = await tenantry.tenancy.provision({ userId: 'dora', name: 'Foreign' });
    const forUser = (tenantId?: string) => tenantry.access.forUser({ userId: 'carl', ...(tenantId && { tenantId }) });
    await expect(forUser(foreign.tenantId)).rejects.toMatchObject({ code: 'tenant_not_found' });
    await tenantry.tenancy.suspend(first.tenantId);
    await expect(forUser(first.tenantId)).rejects.toMatchObject({ code: 'tenant_suspended' });
    await tenantry.tenancy.resume(first.tenantId);
    await tenantry.tenancy.provision({ userId: 'carl', name: 'Second' });
    await expect(forUser()).rejects.toMatchObject({ code: 'tenant_required' });
    expect((await forUser(first.tenantId)).role).toBe('owner');
  });
});

describe('wiring', () => {
  it('that cannot work is refused at creation', () => {
    const good = { db, plans, strategy: perUser({ plan: 'free' }) } as const;
    const path = (change: object): unknown => {
      try {
        createTenantry({ ...good, ...change });
        return 'made';
      } catch (error) {
        expect(error).toMatchObject({ code: 'config_invalid' });
        return Reflect.get(Object(Reflect.get(Object(error), 'details')), 'path');
      }
    };
    expect(path({})).toBe('made');
    expect(path({ strategy: perUser({ plan: 'enterprise' }) })).toBe('createTenantry({ strategy.plan })');
    expect(path({ strategy: perUser() })).toBe('createTenantry({ strategy.plan })');
    expect(path({ strategy: none({ plan: 'free', role: 'guest' }) })).toBe('createTenantry({ strategy.role })');
    expect(path({ strategy: none({ plan: 'free', role: 'guest' }), roles: { guest: [] } })).toBe('made');
    expect(path({ strategy: 'per-user' })).toBe('createTenantry({ strategy })');
    expect(path({ plans: { free: {} } })).toBe('createTenantry({ plans })');
    expect(path({ db: undefined })).toBe('createTenantry({ db })');
    expect(path({ apiKeys: { prefix: 'h-c' } })).toBe('apiKeys.prefix');
    expect(path({ roles: { owner: [] } })).toBe('roles.owner');
  });
});

describe('events', () => {
  it('of all modules go to one sink, inside the causing transaction', async () => {
    const names: string[] = [];
    const tenantry = createTenantry({
      db,
      plans,
      strategy: perOrg({ plan: 'free' }),
      apiKeys: { prefix: 'hc' },
      events: async (event, tx) => {
        expect(tx.isTransaction).toBe(true);
        names.push(event.name);
      },
    });
    const { tenantId } = await tenantry.tenancy.provision({ userId: 'ada', name: 'Events' });
    const { key } = await tenantry.apiKeys.issue({ tenantId });
    await tenantry.apiKeys.revoke({ tenantId, keyId: key.id });
    await tenantry.tenancy.setPlan(tenantId, 'pro');
    await tenantry.tenancy.suspend(tenantId);
    expect(names).toEqual([
      'tenant.created',
      'organization.created',
      'member.added',
      'api_key.issued',
      'api_key.revoked',
      'tenant.plan_changed',
      'tenant.suspended',
    ]);
  });
});
