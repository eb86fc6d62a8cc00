import { Client } from 'pg';
import { type AuditEntry, createAudit } from 'tenantry/audit';
import { createTenancy, perUser } from 'tenantry/tenancy';
import { fixedClock } from 'tenantry/testing';
import { postgresDatabase } from './databases.ts';

type Empty = Record<string, never>;

/** The clock of {@link auditWorld}. */
export const clock = fixedClock('2026-03-01T12:00:00Z');

/** A database with audit trails, and who can do with them what the library forbids. */
export async function auditWorld() {
  const database = await postgresDatabase<Empty>();
  const superuser = new Client({ connectionString: database.urls?.superuser ?? '' });
  await superuser.connect();
  // A superuser passes row-level security by; this lets it pass foreign keys by as well.
  await superuser.query('set session_replication_role = replica');
  const tenancy = createTenancy({ db: database.app, strategy: perUser() });
  const audit = () => createAudit({ db: database.app, clock });
  let count = 0;
  async function newTenant(): Promise<string> {
    count += 1;
    return (await tenancy.provision({ userId: `user ${count}` })).tenantId;
  }
  return {
    database,
    superuser,
    audit,
    newTenant,
    /** A tenant with a chain of so many entries. */
    async withChain(length: number): Promise<{ tenantId: string; entries: readonly AuditEntry[] }> {
      const tenantId = await newTenant();
      for (let n = 1; n <= length; n += 1) {
        await audit().record({
          tenantId,
          action: 'thing.done',
          metadata: { n },
          occurredAt: new Date(1_700_000_000_000 + n),
        });
      }
      await audit().chain({ tenantId });
      const { items } = await audit().list({ tenantId, order: 'oldest', limit: 1000 });
      return { tenantId, entries: items };
    },
    async destroy(): Promise<void> {
      await superuser.end();
      await database.destroy();
    },
  };
}
