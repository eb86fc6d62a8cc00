import { afterAll } from 'vitest';
import { createOrganizations, type OrganizationEvent } from '../../src/organizations/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import type { postgresDatabase } from './databases.ts';

/** A database for the tests of a group, and organizations in it: silent ones, and ones that tell what they did. */
export async function organizationWorld(make: typeof postgresDatabase) {
  const database = await make<Record<string, never>>();
  afterAll(() => database.destroy());
  const clock = fixedClock('2026-03-01T12:00:00Z');
  const events: OrganizationEvent[] = [];
  return {
    database,
    clock,
    /** What was told since {@link telling} was called last. */
    events,
    plain: () => createOrganizations({ db: database.app, clock, roles: { therapist: ['vouchers:*'] } }),
    telling() {
      events.length = 0;
      return createOrganizations({
        db: database.app,
        clock,
        events: async (event) => {
          events.push(event);
        },
      });
    },
  };
}
