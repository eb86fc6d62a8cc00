import { afterAll, beforeEach } from 'vitest';
import { fixedClock } from '../../src/testing/index.ts';
import { postgresDatabase } from './databases.ts';
import type { None } from './plans.ts';

/** A database for the tests of a file, and a clock that stands at `start` when each of them begins. */
export async function planWorld() {
  const database = await postgresDatabase<None>();
  const start = '2026-02-01T00:00:00.000Z';
  const clock = fixedClock(start);
  beforeEach(() => clock.set(start));
  afterAll(() => database.destroy());
  return { database, clock, start };
}
