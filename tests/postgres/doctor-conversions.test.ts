import { type Kysely, sql } from 'kysely';
import { type AnyMigration, applyMigration } from 'tenantry/migrate';
import { type DoctorOptions, doctor } from 'tenantry/tenancy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commercialUpgrade } from '../../examples/migrations/host-manager/definition.ts';
import { generateHosts } from '../../examples/migrations/host-manager/generate.ts';
import type { HostDatabase } from '../../examples/migrations/host-manager/legacy-schema.ts';
import { customersToOrganizations } from '../../examples/migrations/hotcross/definition.ts';
import { generateLegacy } from '../../examples/migrations/hotcross/generate.ts';
import type { LegacyDatabase } from '../../examples/migrations/hotcross/legacy-schema.ts';
import { receptionistToSaas } from '../../examples/migrations/phone-receptionist/definition.ts';
import { generateReceptionist } from '../../examples/migrations/phone-receptionist/generate.ts';
import type { ReceptionistDatabase } from '../../examples/migrations/phone-receptionist/legacy-schema.ts';
import { organizationsToUsers } from '../../examples/migrations/sonicus/definition.ts';
import { generateSonicus } from '../../examples/migrations/sonicus/generate.ts';
import type { SonicusDatabase } from '../../examples/migrations/sonicus/legacy-schema.ts';
import { practiceToOrganizations } from '../../examples/migrations/therapy-vouchers/definition.ts';
import { generateTherapy } from '../../examples/migrations/therapy-vouchers/generate.ts';
import type { TherapyDatabase } from '../../examples/migrations/therapy-vouchers/legacy-schema.ts';
import type { AnyDatabase } from '../../src/database/index.ts';
import { conversionOf } from '../support/conversion.ts';
import { openRunner } from '../support/runner.ts';

interface Legacy {
  readonly owner: AnyDatabase;
  readonly app: AnyDatabase;
  readonly runner: AnyDatabase;
  grant(): Promise<void>;
  destroy(): Promise<void>;
}

interface System {
  readonly name: string;
  readonly definition: AnyMigration;
  /** Who migrates: the owner, or a login of its own where the tables have triggers. */
  readonly by: 'owner' | 'runner';
  readonly options: DoctorOptions;
  /** The tables of the legacy database that carry no tenant. */
  readonly holes: readonly string[];
  /** Legacy tables that stand beside the new ones until the contract stage takes them away. */
  readonly archived?: readonly string[];
  /**
   * What a conversion leaves to the application to decide: what is looked up before the tenant is known, such as the
   * address of a login, stays unique over all tenants.
   */
  readonly left: readonly string[];
  open(): Promise<Legacy>;
}

function from<DB>(generate: (owner: Kysely<DB>) => Promise<unknown>): () => Promise<Legacy> {
  return async () => {
    const { database, grant, destroy } = await conversionOf<DB>(generate);
    const runner = await openRunner(database);
    return {
      owner: database.owner,
      app: database.app,
      runner: runner.db,
      grant,
      async destroy() {
        await runner.db.destroy();
        await destroy();
        await runner.destroy();
      },
    };
  };
}

const systems: readonly System[] = [
  {
    name: 'hotcross',
    definition: customersToOrganizations,
    by: 'owner',
    options: { shared: ['endpoints'] },
    holes: ['api_calls', 'customers', 'notes', 'projects'],
    left: ['unique_crosses:public.customers.customers_email_key'],
    open: from<LegacyDatabase>((owner) => generateLegacy(owner, { customers: 100, calls: 200 })),
  },
  {
    name: 'host-manager',
    definition: commercialUpgrade,
    by: 'runner',
    options: { tenantColumn: 'organizationId', ignore: ['public._prisma_migrations'] },
    holes: ['AuditLog', 'Host', 'User'],
    left: ['unique_crosses:public.User.User_email_key'],
    open: from<HostDatabase>((owner) => generateHosts(owner, { users: 40 })),
  },
  {
    name: 'sonicus',
    definition: organizationsToUsers,
    by: 'runner',
    options: { shared: ['sound_packages', 'therapy_sounds'] },
    holes: [
      'analytics_events',
      'audit_logs',
      'dashboard_widgets',
      'feature_usage',
      'organization_analytics',
      'organization_metrics',
      'organization_sound_packages',
      'organizations',
      'subscriptions',
      'therapy_sessions',
      'user_sessions',
      'users',
      'webhook_deliveries',
      'webhook_endpoints',
      'wellness_metrics',
    ],
    archived: ['organization_analytics', 'organization_metrics', 'organization_sound_packages', 'organizations'],
    left: ['unique_crosses:public.users.users_email_key'],
    open: from<SonicusDatabase>((owner) => generateSonicus(owner, { users: 60 })),
  },
  {
    name: 'therapy-vouchers',
    definition: practiceToOrganizations,
    by: 'owner',
    options: { tenantColumn: 'organization_id', shared: ['holidays'] },
    holes: ['therapy_sessions', 'users', 'vouchers'],
    left: ['unique_crosses:public.users.users_email', 'unique_crosses:public.vouchers.vouchers_code'],
    open: from<TherapyDatabase>((owner) => generateTherapy(owner, { users: 60 })),
  },
  {
    name: 'phone-receptionist',
    definition: receptionistToSaas,
    by: 'owner',
    options: { tenantColumn: 'organization_id', shared: ['users', 'voices'] },
    holes: ['businesses', 'call_turns', 'calls', 'orders'],
    left: ['unique_crosses:public.businesses.businesses_phone'],
    open: from<ReceptionistDatabase>((owner) => generateReceptionist(owner, { businesses: 60 })),
  },
];

describe.each(systems)('$name', ({ definition, by, options, holes, archived = [], left, open }) => {
  let legacy: Legacy;
  beforeAll(async () => {
    legacy = await open();
  });
  afterAll(() => legacy.destroy());

  it('has holes before', async () => {
    const found = await doctor(legacy.owner, options);
    const without = found.filter(({ code }) => code === 'table_without_tenant').map(({ object }) => object);
    expect(without).toEqual(holes.map((table) => `public.${table}`));
  });

  it.each([
    { to: 'switch', ignored: archived.map((table) => `public.${table}`) },
    { to: 'contract', ignored: [] },
  ] as const)('has none after $to, for the application and for the owner', async ({ to, ignored }) => {
    const { owner, app, grant } = legacy;
    await applyMigration(legacy[by], definition, { to });
    await grant();
    const ignore = [...(options.ignore ?? []), ...left, ...ignored];
    expect(await doctor(app, { ...options, ignore })).toEqual([]);
    expect(await doctor(owner, { ...options, ignore })).toEqual([]);
  });

  it('leaves to the application what it must decide, with the SQL for it', async () => {
    const found = await doctor(legacy.app, options);
    expect(found.map(({ code, object }) => `${code}:${object}`)).toEqual(left);
    for (const { mend } of found) for (const statement of mend) await sql.raw(statement).execute(legacy.owner);
    expect(await doctor(legacy.app, options)).toEqual([]);
  });
});
