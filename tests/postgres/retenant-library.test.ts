import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createSecretBox, uuidv7 } from '../../src/core/index.ts';
import { perUser } from '../../src/index.ts';
import { movePeople, planPeople } from '../../src/migrate/retenant/people/index.ts';
import { libraryRules, peopleTables, stayingTables } from '../../src/migrate/retenant/rows/library-rules.ts';
import { libraryTables } from '../support/library-rows.ts';
import { retenantPeople } from '../support/retenant-people.ts';

const world = retenantPeople();
const { user, unitOf, move, back, failed, everything, twoOrganizations } = world;

/** Two organizations that have something in every table of the library. */
async function full() {
  const made = await twoOrganizations();
  const { tenantry, acme, beta } = made;
  const { organizations, plans, access } = tenantry;
  const { teams, invitations, domains } = organizations;
  await organizations.setSeats(acme.tenantId, 12);
  await organizations.setSeats(beta.tenantId, 12);
  const teamsOf: Record<string, string> = {};
  for (const { tenantId } of [acme, beta]) {
    const title = tenantId === acme.tenantId ? 'acme' : 'beta';
    const sales = await teams.create({ tenantId, name: 'Sales' });
    const north = await teams.create({ tenantId, name: 'North', parentId: sales.id });
    teamsOf[`${title} sales`] = sales.id;
    teamsOf[`${title} north`] = north.id;
    await teams.setMember({ tenantId, teamId: north.id, userId: user('bob') });
    await teams.share({ tenantId, teamId: sales.id, resource: { type: 'host', id: 'h1' }, permission: 'hosts:read' });
    await sql`insert into tenantry.setup_steps (tenant_id, step, status, updated_at) values (${tenantId}::uuid, 'name', 'done', now())`.execute(
      world.app,
    );
    const owner = await organizations.members.get({ tenantId, userId: user(title === 'acme' ? 'ada' : 'eve') });
    await sql`insert into tenantry.member_grants (tenant_id, member_id, permission, granted_at)
      values (${tenantId}::uuid, ${owner?.id}::uuid, 'reports:read', now())`.execute(world.app);
    await domains.add({ tenantId, domain: `both-${world.count}.test` });
    await domains.add({ tenantId, domain: `${title}-${world.count}.test` });
    for (const userId of ['bob', tenantId === acme.tenantId ? 'ada' : 'eve']) {
      const acting = await access.forUser({ userId: user(userId), tenantId });
      await acting.consume('calls', 3);
    }
    await sql`insert into tenantry.rate_limits values (${tenantId}::uuid, 'burst', ${tenantId === acme.tenantId ? 5 : 9})`.execute(
      world.app,
    );
    await sql`insert into tenantry.limit_resources values (${tenantId}::uuid, 'bots', 'bot', null, now())`.execute(
      world.app,
    );
    await sql`insert into tenantry.plan_trials values (${tenantId}::uuid, 'team', now(), now() + interval '1 day')`.execute(
      world.app,
    );
    await sql`insert into tenantry.plan_trial_fingerprints values ('team', ${tenantId}, ${tenantId}::uuid)`.execute(
      world.app,
    );
    await sql`insert into tenantry.usage_keys values (${tenantId}::uuid, 'calls', 'one', 1, now())`.execute(world.app);
    await sql`insert into tenantry.usage_grants (tenant_id, id, meter, amount, balance, priority, starts_at, pack, idempotency_key, created_at)
      values (${tenantId}::uuid, ${uuidv7()}::uuid, 'calls', 10, 10, 0, now(), ${uuidv7()}::uuid, 'pack', now())`.execute(
      world.app,
    );
    await sql`insert into tenantry.usage_reservations values
      (${tenantId}::uuid, ${uuidv7()}::uuid, 'calls', 1, null, 'held', 'release', '[]', '[]', now(), now() + interval '1 hour', null)`.execute(
      world.app,
    );
  }
  // At Beta one is invited who is a member of Acme, one who is invited there too, and one whom nobody else knows.
  await invitations.create({ tenantId: beta.tenantId, email: 'Ada@x.test' });
  await invitations.create({ tenantId: acme.tenantId, email: 'both@x.test' });
  await invitations.create({ tenantId: beta.tenantId, email: 'both@x.test' });
  await invitations.create({ tenantId: acme.tenantId, email: 'eve@x.test' });
  const fresh = await invitations.create({ tenantId: beta.tenantId, email: 'new@x.test' });
  await plans.consume(beta.tenantId, 'calls', 1);
  return { ...made, teamsOf, fresh };
}

/** Tables that have tests of their own, and heads of trails, which are made when a trail is sealed. */
const elsewhere = /^(?:billing_|webhook_|audit_heads$|audit_personal$)/;

describe('a merge of organizations that have something in every table', () => {
  it('carries all of it, tells what it changed, and gives back exactly what was', async () => {
    const { tenantry, acme, beta, teamsOf, fresh } = await full();
    const { organizations, plans } = tenantry;
    const before = await everything();
    const there = new Set(before.map(({ name }) => name));
    const empty = (await libraryTables(world.app)).filter((name) => !there.has(name) && !elsewhere.test(name));
    expect(empty).toEqual(['tenant_moves']);

    const unit = unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]);
    const planned = await planPeople(world.app, [unit]);
    expect(await everything()).toEqual(before);
    const moved = await move(unit);
    expect(planned).toEqual({ ...moved, conflicts: [] });
    const decision = (topic: string) => moved.decisions.find((one) => one.topic === topic)?.about;
    expect(decision('teams-renamed')).toEqual(['Sales-2']);
    expect(decision('invitations-revoked')).toEqual(['Ada@x.test', 'both@x.test', 'eve@x.test']);
    expect(await failed()).toEqual([]);

    const tenantId = acme.tenantId;
    const names = (await organizations.teams.list({ tenantId })).items.map(({ name }) => name);
    expect(names.toSorted()).toEqual(['North', 'North', 'Sales', 'Sales-2']);
    const north = await organizations.teams.members({ tenantId, teamId: teamsOf['beta north'] ?? '' });
    expect(north.items.map(({ userId }) => userId)).toEqual([user('bob')]);
    expect(await organizations.teams.resourcesOf({ tenantId, userId: user('bob'), type: 'host' })).toMatchObject({
      items: [{ id: 'h1' }],
    });
    const usage = await plans.usageByMember(tenantId, 'calls');
    const members = await organizations.members.list({ tenantId });
    const used = Object.fromEntries(
      usage.items.map(({ memberId, used: units }) => [members.items.find(({ id }) => id === memberId)?.userId, units]),
    );
    expect(used).toEqual({ [user('ada')]: 3, [user('bob')]: 6, [user('eve')]: 3 });
    const invited = await organizations.invitations.list({ tenantId });
    expect(invited.items.map(({ email }) => email).toSorted()).toEqual(['both@x.test', 'new@x.test']);
    expect(await organizations.seats(tenantId)).toMatchObject({ bought: 24, taken: 3, held: 2 });
    const claims = await organizations.domains.list({ tenantId });
    expect(claims.items).toHaveLength(3);
    const left = (await everything()).filter(
      (row) => !stayingTables.includes(row.name) && 'tenant_id' in row.row && row.row.tenant_id === beta.tenantId,
    );
    expect(left.map(({ name }) => name)).toEqual(['tenants']);

    expect(await back(beta.tenantId)).toEqual({ returned: true, kept: [] });
    expect(await everything()).toEqual(before);

    await move(unit);
    const accepted = await organizations.invitations.accept({
      token: fresh.token,
      userId: user('new'),
      verifiedEmail: 'new@x.test',
    });
    expect(accepted.member.tenantId).toBe(tenantId);
  });

  it('keeps what came since, and tells of what has no place', async () => {
    const { tenantry, acme, beta, teamsOf } = await full();
    const { organizations, access } = tenantry;
    const tenantId = acme.tenantId;
    await move(unitOf(beta.tenantId, [{ tenantId }]));
    const teamId = teamsOf['beta north'] ?? '';
    await organizations.teams.setMember({ tenantId, teamId, userId: user('ada') });
    await organizations.teams.create({ tenantId, name: 'Below', parentId: teamId });
    const acting = await access.forUser({ userId: user('bob'), tenantId });
    await acting.consume('calls', 4);
    const { kept } = await back(beta.tenantId);
    expect(kept.map(({ table, reason }) => `${table}: ${reason}`)).toEqual([
      'tenantry.team_members: made since, and has no place in the old tenant',
    ]);
    const names = (await organizations.teams.list({ tenantId: beta.tenantId })).items.map(({ name }) => name);
    expect(names.toSorted()).toEqual(['Below', 'North', 'Sales']);
    const uses = (await tenantry.plans.usageByMember(tenantId, 'calls')).items.map(({ used }) => used).toSorted();
    expect(uses).toEqual([3, 7]);
  });
});

describe('organizations that become something else', () => {
  it('end with their teams and invitations, which are told of and come back', async () => {
    const { beta } = await full();
    const before = await everything();
    const own = ['eve', 'bob', 'sam'].map((one) => ({ tenantId: uuidv7(), users: [{ userId: user(one) }] }));
    const [main = { tenantId: '' }, ...others] = own;
    const moved = await move(unitOf(beta.tenantId, [main, ...others], { to: perUser({ plan: 'team' }) }));
    expect(moved.decisions.find(({ topic }) => topic === 'rows-ended')?.about).toEqual(
      [
        '2 in tenantry.member_usage',
        '2 in tenantry.organization_domains',
        '1 in tenantry.team_members',
        '1 in tenantry.team_resources',
        '2 in tenantry.teams',
        '3 in tenantry.invitation_tokens',
        '3 in tenantry.invitations',
      ].toSorted(),
    );
    expect(await failed()).toEqual([]);
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);
  });

  it('are split with what their members used, and tell what stays', async () => {
    const { beta } = await full();
    const before = await everything();
    const fresh = uuidv7();
    const target = { tenantId: fresh, name: `Gamma ${world.count}`, users: [{ userId: user('bob') }] };
    const moved = await move(unitOf(beta.tenantId, [{ tenantId: beta.tenantId }, target]));
    expect(moved.decisions.find(({ topic }) => topic === 'rows-stay')?.about).toEqual([
      '3 in tenantry.invitations',
      '2 in tenantry.organization_domains',
      '2 in tenantry.teams',
    ]);
    expect(moved.decisions.find(({ topic }) => topic === 'rows-ended')?.about).toEqual(['1 in tenantry.team_members']);
    const { rows } = await sql<{
      used: number;
    }>`select used::integer from tenantry.member_usage where tenant_id = ${fresh}::uuid`.execute(world.app);
    expect(rows).toEqual([{ used: 3 }]);
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);
  });
});

describe('a table of the library that comes later', () => {
  it('is refused by name while it holds rows of the tenants, and never lost', async () => {
    const { acme, beta } = await twoOrganizations();
    await world.owner.schema
      .createTable('tenantry.future_things')
      .addColumn('tenant_id', 'uuid', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('future_things_pkey', ['tenant_id', 'id'])
      .execute();
    try {
      await sql`alter table tenantry.future_things add foreign key (tenant_id) references tenantry.organizations on delete cascade`.execute(
        world.owner,
      );
      await sql`insert into tenantry.future_things values (${beta.tenantId}::uuid, 'one')`.execute(world.owner);
      const unit = unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]);
      expect((await planPeople(world.owner, [unit])).conflicts).toMatchObject([
        { topic: 'library', table: 'tenantry.future_things', between: [beta.tenantId] },
      ]);
      await expect(move(unit)).rejects.toMatchObject({
        code: 'migration_conflict',
        details: { table: 'tenantry.future_things' },
      });
      await sql`delete from tenantry.future_things`.execute(world.owner);
      await move(unit);
    } finally {
      await sql`drop table tenantry.future_things`.execute(world.owner);
    }
  });

  it('has a rule as every table has that is there', async () => {
    const known = [...Object.keys(libraryRules), ...peopleTables, ...stayingTables];
    expect((await libraryTables(world.app)).filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('what is sealed for a tenant', () => {
  const secrets = createSecretBox([{ id: 'one', key: Buffer.alloc(32, 7).toString('base64') }]);
  const place = (tenantId: string, rowId: string) => ({ tenantId, column: 'webhook_endpoint_secrets.secret', rowId });

  it('is sealed anew for the target, or refused where nothing can', async () => {
    const { acme, beta } = await twoOrganizations();
    const [endpoint, id] = [uuidv7(), uuidv7()];
    const sealed = secrets.seal('whsec_1', place(beta.tenantId, id));
    await sql`insert into tenantry.webhook_endpoints (tenant_id, id, url, status, filters, ordering, created_at, updated_at)
      values (${beta.tenantId}::uuid, ${endpoint}::uuid, 'https://x.test', 'active', '{}', 'none', now(), now())`.execute(
      world.app,
    );
    await sql`insert into tenantry.webhook_endpoint_secrets (tenant_id, id, endpoint_id, kind, secret, created_at)
      values (${beta.tenantId}::uuid, ${id}::uuid, ${endpoint}::uuid, 'v1', ${sealed}, now())`.execute(world.app);
    const before = await everything();
    const unit = unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]);
    await expect(move(unit)).rejects.toMatchObject({
      code: 'migration_conflict',
      details: { table: 'tenantry.webhook_endpoint_secrets' },
    });
    await world.owner.transaction().execute((tx) => movePeople(tx, unit, { secrets }));
    const { rows } = await sql<{
      tenant_id: string;
      secret: string;
    }>`select e.tenant_id, s.secret from tenantry.webhook_endpoint_secrets s
      join tenantry.webhook_endpoints e on e.tenant_id = s.tenant_id and e.id = s.endpoint_id where s.id = ${id}::uuid`.execute(
      world.app,
    );
    expect(rows[0]?.tenant_id).toBe(acme.tenantId);
    expect(secrets.open(rows[0]?.secret ?? '', place(acme.tenantId, id))).toBe('whsec_1');
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);
  });
});

describe('the billing of two tenants', () => {
  const customer = (tenantId: string, id: string) =>
    sql`insert into tenantry.billing_customers (tenant_id, provider, provider_id, livemode, created_at, updated_at)
      values (${tenantId}::uuid, 'stripe', ${id}, true, now(), now())`.execute(world.app);
  const invoice = (tenantId: string, id: string) =>
    sql`insert into tenantry.billing_invoices (tenant_id, id, status, currency, subtotal, tax, total, amount_due, amount_paid, amount_remaining,
      period_start, period_end, created_at, updated_at) values (${tenantId}::uuid, ${id}, 'paid', 'eur', 1, 0, 1, 1, 1, 0, now(), now(), now(), now())`.execute(
      world.app,
    );
  const holders = async (): Promise<string[]> =>
    (
      await sql<{
        tenant_id: string;
      }>`select tenant_id from tenantry.billing_invoices where id like ${`%${world.count}`} order by id`.execute(
        world.app,
      )
    ).rows.map(({ tenant_id }) => tenant_id);

  it('goes to a target that has none, and is never joined with one that has', async () => {
    const { acme, beta } = await twoOrganizations();
    await customer(beta.tenantId, user('cus_beta'));
    await invoice(beta.tenantId, user('in_beta'));
    const before = await everything();
    const unit = unitOf(beta.tenantId, [{ tenantId: acme.tenantId }]);
    await move(unit);
    expect(await holders()).toEqual([acme.tenantId]);
    await back(beta.tenantId);
    expect(await everything()).toEqual(before);

    await customer(acme.tenantId, user('cus_acme'));
    const { decisions } = await move(unit);
    expect(decisions.map(({ topic }) => topic)).toContain('billing-stays');
    expect(await holders()).toEqual([beta.tenantId]);
    expect(await failed()).toEqual([]);
    await back(beta.tenantId);
    await sql`update tenantry.tenants set subscription_status = 'active' where tenant_id = ${beta.tenantId}::uuid`.execute(
      world.app,
    );
    await expect(move(unit)).rejects.toMatchObject({ code: 'migration_conflict' });
    await move(unitOf(beta.tenantId, [{ tenantId: acme.tenantId }], { policies: { subscriptions: 'keepTarget' } }));
    expect(await holders()).toEqual([beta.tenantId]);
  });
});
