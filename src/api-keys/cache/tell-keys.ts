import { sql } from 'kysely';
import type { DomainEvent } from '../../core/index.ts';
import { libraryOf } from '../../database/handle.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { keyChannel } from './channel.ts';

/** What changes whether keys open although no key changes: tenants, their members, seats and teams. */
const causes = /^(?:tenant|member|seats|team|organization)\./;

/**
 * A sink of events that tells all processes, when the transaction is committed, that what they remember of a tenant's keys
 * may be out of date. `createTenantry` hands it to the other modules; a program that wires them by itself does so too.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { tellKeys } from 'tenantry/api-keys';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * const tenancy = createTenancy({ db, strategy: perUser(), events: tellKeys });
 * ```
 */
export async function tellKeys(event: DomainEvent<string, unknown>, tx: AnyDatabase): Promise<void> {
  if (!causes.test(event.name)) return;
  await sql`select pg_notify(${keyChannel}, ${event.tenantId})`.execute(libraryOf(tx));
}
