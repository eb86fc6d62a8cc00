import * as fc from 'fast-check';
import { type Kysely, sql, type Transaction } from 'kysely';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { isTenantryError, uuidv7 } from '../../src/core/index.ts';
import { isolateTable } from '../../src/database/index.ts';
import { createTenantry, definePlans, own, perOrg } from '../../src/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';

/*
 * Programs of calls by users of three organizations. Whatever is named in a call, a row of another organization is
 * answered as one that is not there, and no row of another organization is returned or changed.
 */

interface Schema {
  notes: { tenant_id: string; id: string; body: string };
}
type Tx = Transaction<Schema>;
type Program = ReturnType<typeof program>;

/** Everything that a call may name. */
interface Names {
  readonly tenant: string;
  readonly user: string;
  readonly member: string;
  readonly key: string;
  readonly team: string;
  readonly invitation: string;
  readonly domain: string;
  readonly note: string;
}
interface Place extends Names {
  readonly owner: string;
  readonly admin: string;
}

const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } } });

function program(db: Kysely<Schema>) {
  return createTenantry({
    db,
    plans,
    strategy: perOrg({ plan: 'free' }),
    apiKeys: { prefix: 'hc', lastUsed: false },
    tables: { notes: own() },
  });
}

let database: TestDatabase<Schema>;
let tenantry: Program;
const places: Place[] = [];

beforeAll(async () => {
  database = await postgresDatabase<Schema>({ connections: 4 });
  for (const statement of [
    'create table notes (tenant_id uuid not null, id uuid not null, body text not null, primary key (tenant_id, id))',
    ...isolateTable({ table: 'notes' }),
    'grant select, insert, update, delete on notes to tenantry_test_app',
  ])
    await sql.raw(statement).execute(database.owner);
  tenantry = program(database.app);
  for (const name of ['acme', 'beta', 'core']) places.push(await makePlace(name));
});
afterAll(() => database.destroy());
vi.setConfig({ testTimeout: 300_000 });

async function makePlace(name: string): Promise<Place> {
  const { organizations, apiKeys, tenancy } = tenantry;
  const [owner, admin, user] = ['owner', 'admin', 'user'].map((who) => `${who}-of-${name}`);
  if (owner === undefined || admin === undefined || user === undefined) throw new Error('no users');
  const { tenantId } = await tenancy.provision({ userId: owner, name: `${name} secret`, slug: `${name}-secret` });
  await organizations.members.add({ tenantId, userId: admin, role: 'admin' });
  const { member } = await organizations.members.add({ tenantId, userId: user, name: `${name} secret` });
  const { key } = await apiKeys.issue({ tenantId, name: `${name} secret`, memberId: member.id });
  const team = await organizations.teams.create({ tenantId, name: `${name} secret` });
  await organizations.teams.setMember({ tenantId, teamId: team.id, userId: user });
  await organizations.teams.share({
    tenantId,
    teamId: team.id,
    resource: { type: 'host', id: `${name}-secret` },
    permission: 'hosts:read',
  });
  await organizations.grants.give({ tenantId, userId: user, permission: 'hosts:write' });
  const { invitation } = await organizations.invitations.create({ tenantId, email: `new@${name}-secret.test` });
  await organizations.domains.add({ tenantId, domain: `${name}-secret.test` });
  const note = uuidv7();
  await tenancy
    .scope(tenantId)
    .insertInto('notes')
    .values({ id: note, body: `${name} secret` })
    .execute();
  const names = { tenant: tenantId, user, member: member.id, key: key.id, team: team.id, note };
  return { ...names, invitation: invitation.id, domain: `${name}-secret.test`, owner, admin };
}

/** Names of nothing. */
function nowhere(): Names {
  const id = (): string => uuidv7();
  return {
    tenant: id(),
    user: `nobody-${id()}`,
    member: id(),
    key: id(),
    team: id(),
    invitation: id(),
    domain: `n${id().slice(-8)}.test`,
    note: id(),
  };
}

interface Call {
  /** The tenant for which the caller acts. */
  readonly at: string;
  /** What the call names. */
  readonly of: Names;
  readonly tx: Tx;
  /** The user who calls; undefined: the program itself. */
  readonly by: string | undefined;
}

const acting = ({ tx, by }: Call) => ({ db: tx, ...(by !== undefined && { by: { userId: by } }) });
const resource = { type: 'host', id: 'h1' };

/** Calls within the caller's own tenant that name something. */
const calls: Readonly<Record<string, (call: Call) => Promise<unknown>>> = {
  'members.get by user': ({ at, of, tx }) =>
    tenantry.organizations.members.get({ tenantId: at, userId: of.user }, { db: tx }),
  'members.get': ({ at, of, tx }) =>
    tenantry.organizations.members.get({ tenantId: at, memberId: of.member }, { db: tx }),
  'members.setRole': (c) =>
    tenantry.organizations.members.setRole({ tenantId: c.at, memberId: c.of.member, role: 'admin' }, acting(c)),
  'members.update': (c) =>
    tenantry.organizations.members.update({ tenantId: c.at, memberId: c.of.member, name: 'Other' }, acting(c)),
  'members.suspend': (c) =>
    tenantry.organizations.members.suspend({ tenantId: c.at, memberId: c.of.member }, acting(c)),
  'members.activate': (c) =>
    tenantry.organizations.members.activate({ tenantId: c.at, memberId: c.of.member }, acting(c)),
  'members.approve': (c) => tenantry.organizations.members.approve({ tenantId: c.at, userId: c.of.user }, acting(c)),
  'members.reject': (c) => tenantry.organizations.members.reject({ tenantId: c.at, userId: c.of.user }, acting(c)),
  'members.remove': (c) => tenantry.organizations.members.remove({ tenantId: c.at, userId: c.of.user }, acting(c)),
  'members.list': ({ at, tx }) => tenantry.organizations.members.list({ tenantId: at }, { db: tx }),
  'members.transferOwnership': (c) =>
    tenantry.organizations.members.transferOwnership(
      { tenantId: c.at, fromUserId: c.by ?? c.of.user, toUserId: c.of.user },
      acting(c),
    ),
  membershipOf: ({ at, of, tx }) => tenantry.organizations.membershipOf(at, of.user, { db: tx }),
  standingOf: ({ at, of, tx }) => tenantry.organizations.standingOf({ tenantId: at, memberId: of.member }, { db: tx }),
  'grants.give': (c) =>
    tenantry.organizations.grants.give({ tenantId: c.at, memberId: c.of.member, permission: 'hosts:read' }, acting(c)),
  'grants.revoke': (c) =>
    tenantry.organizations.grants.revoke(
      { tenantId: c.at, memberId: c.of.member, permission: 'hosts:write' },
      acting(c),
    ),
  'grants.list': ({ at, of, tx }) =>
    tenantry.organizations.grants.list({ tenantId: at, memberId: of.member }, { db: tx }),
  'invitations.get': ({ at, of, tx }) =>
    tenantry.organizations.invitations.get({ tenantId: at, invitationId: of.invitation }, { db: tx }),
  'invitations.revoke': (c) =>
    tenantry.organizations.invitations.revoke({ tenantId: c.at, invitationId: c.of.invitation }, acting(c)),
  'invitations.list': ({ at, tx }) => tenantry.organizations.invitations.list({ tenantId: at }, { db: tx }),
  'domains.remove': (c) => tenantry.organizations.domains.remove({ tenantId: c.at, domain: c.of.domain }, acting(c)),
  'domains.verify': (c) =>
    tenantry.organizations.domains.verify(
      { tenantId: c.at, domain: c.of.domain },
      { ...acting(c), resolveTxt: async () => [] },
    ),
  'teams.get': ({ at, of, tx }) => tenantry.organizations.teams.get({ tenantId: at, teamId: of.team }, { db: tx }),
  'teams.below': (c) =>
    tenantry.organizations.teams.create({ tenantId: c.at, name: 'below', parentId: c.of.team }, acting(c)),
  'teams.update': (c) =>
    tenantry.organizations.teams.update({ tenantId: c.at, teamId: c.of.team, name: 'renamed' }, acting(c)),
  'teams.remove': (c) => tenantry.organizations.teams.remove({ tenantId: c.at, teamId: c.of.team }, acting(c)),
  'teams.members': ({ at, of, tx }) =>
    tenantry.organizations.teams.members({ tenantId: at, teamId: of.team }, { db: tx }),
  'teams.setMember': (c) =>
    tenantry.organizations.teams.setMember({ tenantId: c.at, teamId: c.of.team, memberId: c.of.member }, acting(c)),
  'teams.removeMember': (c) =>
    tenantry.organizations.teams.removeMember({ tenantId: c.at, teamId: c.of.team, userId: c.of.user }, acting(c)),
  'teams.share': (c) =>
    tenantry.organizations.teams.share(
      { tenantId: c.at, teamId: c.of.team, resource, permission: 'hosts:read' },
      acting(c),
    ),
  'teams.shares': ({ at, of, tx }) =>
    tenantry.organizations.teams.shares({ tenantId: at, teamId: of.team }, { db: tx }),
  'teams.resourcesOf': ({ at, of, tx }) =>
    tenantry.organizations.teams.resourcesOf({ tenantId: at, userId: of.user, type: 'host' }, { db: tx }),
  'keys.get': ({ at, of, tx }) => tenantry.apiKeys.get({ tenantId: at, keyId: of.key }, { db: tx }),
  'keys.issue for a member': (c) => tenantry.apiKeys.issue({ tenantId: c.at, memberId: c.of.member }, { db: c.tx }),
  'keys.issue for a team': (c) => tenantry.apiKeys.issue({ tenantId: c.at, teamId: c.of.team }, { db: c.tx }),
  'keys.update': (c) => tenantry.apiKeys.update({ tenantId: c.at, keyId: c.of.key, name: 'renamed' }, { db: c.tx }),
  'keys.disable': (c) => tenantry.apiKeys.disable({ tenantId: c.at, keyId: c.of.key }, { db: c.tx }),
  'keys.rotate': (c) => tenantry.apiKeys.rotate({ tenantId: c.at, keyId: c.of.key }, { db: c.tx }),
  'keys.revoke': (c) => tenantry.apiKeys.revoke({ tenantId: c.at, keyId: c.of.key }, { db: c.tx }),
  'keys.list': ({ at, tx }) => tenantry.apiKeys.list(at, { db: tx }),
  'keys.list of a member': ({ at, of, tx }) => tenantry.apiKeys.list(at, { db: tx, memberId: of.member }),
  'audit.list': ({ at, tx }) => tenantry.audit.list({ tenantId: at, limit: 50 }, { db: tx }),
  'hostnames.list': ({ at, tx }) => tenantry.tenancy.hostnames.list(at, { db: tx }),
  'plans.consume': ({ at, tx }) => tenantry.plans.consume(at, 'calls', 1, { db: tx }),
  'notes by the predicate': ({ at, of, tx }) => noteCalls(tenantry.tenancy.scope(at, { db: tx }), of.note),
  'notes by both': ({ at, of, tx }) =>
    tenantry.tenancy.transaction(at, (inner) => noteCalls(inner, of.note), { db: tx }),
  'notes by row-level security': ({ at, of, tx }) =>
    tenantry.tenancy.transaction(
      at,
      async (inner) => [
        (await inner.selectFrom('notes').select('body').where('id', '=', of.note).execute()).length,
        (await inner.updateTable('notes').set({ body: 'changed' }).where('id', '=', of.note).execute()).length,
        await inner.selectFrom('notes').select('body').execute(),
        Number((await inner.deleteFrom('notes').where('id', '=', of.note).executeTakeFirst()).numDeletedRows),
      ],
      { db: tx, plugin: false },
    ),
};

type Notes = Pick<ReturnType<Program['tenancy']['scope']>, 'selectFrom' | 'updateTable' | 'deleteFrom'>;

async function noteCalls(notes: Notes, id: string): Promise<unknown> {
  return [
    (await notes.selectFrom('notes').select('body').where('id', '=', id).execute()).length,
    Number(
      (await notes.updateTable('notes').set({ body: 'changed' }).where('id', '=', id).executeTakeFirst())
        .numUpdatedRows,
    ),
    await notes.selectFrom('notes').select('body').execute(),
    Number((await notes.deleteFrom('notes').where('id', '=', id).executeTakeFirst()).numDeletedRows),
  ];
}

/** Calls by a user for a tenant that is not theirs. */
const callsAtTenant: Readonly<Record<string, (call: Call) => Promise<unknown>>> = {
  resolve: ({ of, tx, by = 'nobody' }) => tenantry.tenancy.resolve({ userId: by, tenantId: of.tenant }, { db: tx }),
  forUser: ({ of, tx, by = 'nobody' }) => tenantry.access.forUser({ userId: by, tenantId: of.tenant }, { db: tx }),
  'members.add': (c) =>
    tenantry.organizations.members.add(
      { tenantId: c.of.tenant, userId: 'friend' },
      acting({ ...c, by: c.by ?? 'nobody' }),
    ),
  'members.remove': (c) =>
    tenantry.organizations.members.remove(
      { tenantId: c.of.tenant, userId: 'friend' },
      acting({ ...c, by: c.by ?? 'nobody' }),
    ),
  invite: (c) =>
    tenantry.organizations.invitations.create(
      { tenantId: c.of.tenant, email: 'a@b.test' },
      acting({ ...c, by: c.by ?? 'nobody' }),
    ),
  'teams.create': (c) =>
    tenantry.organizations.teams.create(
      { tenantId: c.of.tenant, name: 'mine' },
      acting({ ...c, by: c.by ?? 'nobody' }),
    ),
  update: (c) =>
    tenantry.organizations.update({ tenantId: c.of.tenant, name: 'mine' }, acting({ ...c, by: c.by ?? 'nobody' })),
  setSeats: (c) => tenantry.organizations.setSeats(c.of.tenant, 9, acting({ ...c, by: c.by ?? 'nobody' })),
};

const undo = new Error('undone');

/** Runs a call in a savepoint and gives what it told, without what the caller said and what differs each time. */
async function told(tx: Tx, keep: boolean, call: Call, run: (call: Call) => Promise<unknown>): Promise<string> {
  await sql`savepoint step`.execute(tx);
  let outcome: unknown;
  try {
    outcome = { value: await run(call) };
    if (!keep) throw undo;
    await sql`release savepoint step`.execute(tx);
  } catch (error) {
    await sql`rollback to savepoint step`.execute(tx);
    if (error !== undo) {
      if (!isTenantryError(error)) throw error;
      outcome = { code: error.code, status: error.status, details: error.details };
    }
  }
  const access = typeof outcome === 'object' && outcome !== null && 'value' in outcome ? outcome.value : undefined;
  if (typeof access === 'object' && access !== null && 'tenant' in access) outcome = { tenant: access.tenant };
  return JSON.stringify(outcome, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

function without(text: string, names: Names): string {
  return Object.entries(names).reduce((shorter, [kind, name]) => shorter.replaceAll(name, `<${kind}>`), text);
}

/** Every row of every tenant, as one digest for each. */
async function states(tx: Tx): Promise<ReadonlyMap<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where n.nspname in ('tenantry', 'public') and c.relkind = 'r' and has_table_privilege(c.oid, 'select')
    order by 1`.execute(tx);
  const parts = tables.map(({ name }) => `select tenant_id, '${name}' as place, t::text as row from ${name} as t`);
  const { rows } = await sql<{ tenant_id: string; digest: string }>`
    select tenant_id, md5(string_agg(place || row, '|' order by place, row)) as digest
    from (${sql.raw(parts.join(' union all '))}) as every_row group by tenant_id`.execute(tx);
  return new Map(rows.map(({ tenant_id, digest }) => [tenant_id, digest]));
}

const steps = fc.array(
  fc.record({
    actor: fc.nat({ max: 2 }),
    by: fc.constantFrom<'owner' | 'admin' | 'user' | undefined>('owner', 'admin', 'user', undefined),
    target: fc.nat({ max: 2 }),
    call: fc.constantFrom(...Object.keys(calls), ...Object.keys(callsAtTenant).map((name) => `at ${name}`)),
  }),
  { minLength: 20, maxLength: 20 },
);

it('answers for rows of others as for rows that are not there, and touches none of them', async () => {
  const met = new Set<string>();
  await fc.assert(
    fc.asyncProperty(steps, async (program_) => {
      const tx = await database.app.startTransaction().execute();
      try {
        let before = await states(tx);
        for (const { actor, by, target, call: name } of program_) {
          const home = places[actor];
          const other = places[target];
          if (home === undefined || other === undefined) throw new Error('no such place');
          const atTenant = name.startsWith('at ');
          const run = atTenant ? callsAtTenant[name.slice(3)] : calls[name];
          if (run === undefined) throw new Error(`no call ${name}`);
          const call: Call = { at: home.tenant, of: other, tx, by: by === undefined ? undefined : home[by] };
          const label = `${name} at ${actor} by ${by ?? 'the program'} on ${target}`;
          if (actor === target) {
            await told(tx, true, call, run);
          } else {
            const nothing = nowhere();
            const foreign = without(await told(tx, false, call, run), other);
            const absent = without(await told(tx, false, { ...call, of: nothing }, run), nothing);
            // A list tells the caller's own rows, so only what it says of others matters; the rest is the same answer.
            expect(`${label}: ${foreign}`).toBe(`${label}: ${absent}`);
            expect(`${label}: ${foreign}`).not.toContain(`${['acme', 'beta', 'core'][target]} secret`);
            met.add(name);
          }
          const after = await states(tx);
          for (const place of places) {
            if (place !== home)
              expect(`${label}: ${after.get(place.tenant)}`).toBe(`${label}: ${before.get(place.tenant)}`);
          }
          before = after;
        }
      } finally {
        await tx.rollback().execute();
      }
    }),
    { numRuns: Number(process.env.TENANTRY_PROGRAMS ?? 60) },
  );
  expect(met.size).toBe(Object.keys(calls).length + Object.keys(callsAtTenant).length);
});
