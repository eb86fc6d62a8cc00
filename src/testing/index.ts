/**
 * For the tests of applications: a real PostgreSQL server, a clock that stands still, identifiers that count up.
 *
 * @packageDocumentation
 */

export type { EmbeddedPostgres, StartPostgresOptions } from './embedded-postgres.ts';
export { startPostgres } from './embedded-postgres.ts';
export type { FixedClock } from './fixed.ts';
export { fixedClock, sequentialIds } from './fixed.ts';
