import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createTenantry, definePlans, hybridSeats } from '../../src/index.ts';
import {
  movePeople,
  type PeoplePolicies,
  type PeopleUnit,
  returnPeople,
  verifyPeople,
} from '../../src/migrate/retenant/people/index.ts';
import type { Strategy } from '../../src/tenancy/index.ts';
import { postgresDatabase, type TestDatabase } from './databases.ts';
import { everyLibraryRow } from './library-rows.ts';

export type Empty = Record<string, never>;

const plans = definePlans({
  free: { limits: { bots: 5 }, quotas: { calls: { amount: 1000, per: 'month' } } },
  team: { limits: { bots: 50 }, quotas: { calls: { amount: 5000, per: 'month', overage: 'bill' } } },
});
/** The strategy of most of these tests. */
export const seats = hybridSeats({ plan: 'team', seats: 2 });

/**
 * What these tests do again and again, in one database for a file and under other names in each test. Call it once at the
 * top of a file.
 */
export function retenantPeople() {
  let database: TestDatabase<Empty>;
  let count = 0;
  let name = '';
  beforeAll(async () => {
    database = await postgresDatabase<Empty>();
  });
  afterAll(() => database.destroy());
  beforeEach(() => {
    count += 1;
    name = `merge-${count}`;
  });

  const program = <Chosen extends Strategy<Strategy['name'], 'free' | 'team'>>(strategy: Chosen) =>
    createTenantry({ db: database.app, plans, strategy, apiKeys: { prefix: 'hc' } });

  /** Names that no other test has. */
  const user = (text: string): string => `${text}-${count}`;

  type Told = { readonly to?: Strategy; readonly policies?: Partial<PeoplePolicies>; readonly unit?: string };
  const unitOf = (oldTenantId: string, targets: PeopleUnit['targets'], told: Told = {}): PeopleUnit => ({
    retenanting: name,
    unit: told.unit ?? oldTenantId,
    oldTenantId,
    targets,
    to: told.to ?? seats,
    now: new Date(),
    ...(told.policies && { policies: told.policies }),
  });
  const move = (unit: PeopleUnit) => database.owner.transaction().execute((tx) => movePeople(tx, unit));
  const back = (unit: string) =>
    database.owner.transaction().execute((tx) => returnPeople(tx, { retenanting: name, unit, now: new Date() }));
  const failed = async (): Promise<string[]> =>
    (await verifyPeople(database.app, name)).filter(({ status }) => status !== 'pass').map((check) => check.name);

  /** Everything of the library's tables but what counts on by itself. */
  const everything = () => everyLibraryRow(database.app);

  /** Two organizations with one person in both. */
  async function twoOrganizations() {
    const tenantry = program(seats);
    const { organizations, apiKeys, plans: limits } = tenantry;
    const create = (title: string, owner: string, bought: number) =>
      organizations.create({
        name: `${title} ${count}`,
        seats: bought,
        owner: { userId: user(owner), email: `${owner}@x.test` },
      });
    const [acme, beta] = [await create('Acme', 'ada', 3), await create('Beta', 'eve', 4)];
    const add = (tenantId: string, userId: string, role: 'admin' | 'member' = 'member') =>
      organizations.members.add({ tenantId, userId: user(userId), role });
    await add(acme.tenantId, 'bob');
    await add(beta.tenantId, 'bob', 'admin');
    await add(beta.tenantId, 'sam');
    await organizations.members.suspend({ tenantId: beta.tenantId, userId: user('sam') });
    const bobAtBeta = await organizations.members.get({ tenantId: beta.tenantId, userId: user('bob') });
    const keys = {
      acme: (await apiKeys.issue({ tenantId: acme.tenantId })).secret,
      beta: (await apiKeys.issue({ tenantId: beta.tenantId })).secret,
      bob: (await apiKeys.issue({ tenantId: beta.tenantId, memberId: bobAtBeta?.id ?? '' })).secret,
    };
    await limits.consume(acme.tenantId, 'calls', 10);
    await limits.consume(beta.tenantId, 'calls', 32);
    await limits.consume(beta.tenantId, 'bots', 2);
    return { tenantry, acme, beta, keys };
  }

  return {
    get app() {
      return database.app;
    },
    get owner() {
      return database.owner;
    },
    get count() {
      return count;
    },
    get name() {
      return name;
    },
    program,
    user,
    unitOf,
    move,
    back,
    failed,
    everything,
    twoOrganizations,
  };
}
