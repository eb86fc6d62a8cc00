import { sql } from 'kysely';
import { isTenantryError } from '../../src/core/index.ts';
import type { TestDatabase } from './databases.ts';

/** With a sink every change runs in a transaction of the module, without one as a single statement. */
export const ways = [
  { way: 'single statements', sink: false },
  { way: 'transactions with a sink', sink: true },
];

/** Runs all at once; gives the values and the codes of the errors, and fails on any other error. */
export async function atOnce<Value>(
  calls: readonly (() => Promise<Value>)[],
): Promise<{ values: Value[]; codes: string[] }> {
  const results = await Promise.allSettled(calls.map((call) => call()));
  const values: Value[] = [];
  const codes: string[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') values.push(result.value);
    else if (isTenantryError(result.reason)) codes.push(result.reason.code);
    else throw result.reason;
  }
  return { values, codes };
}

/** What the tables say of an organization: what is counted, and what there is. */
export async function stateOf(database: Pick<TestDatabase<Record<string, never>>, 'app'>, tenantId: string) {
  const { rows } = await sql<Record<'bought' | 'taken' | 'held' | 'members' | 'invited' | 'owners', number>>`
    select o.seats_bought as bought, o.seats_taken as taken, o.seats_held as held,
      (select count(*)::integer from tenantry.members m where m.tenant_id = o.tenant_id
        and m.status in ('active', 'pending') and not m.seat_exempt) as members,
      (select count(*)::integer from tenantry.invitations i where i.tenant_id = o.tenant_id
        and i.status = 'pending' and i.seat_held) as invited,
      (select count(*)::integer from tenantry.members m where m.tenant_id = o.tenant_id
        and m.status = 'active' and m.role = 'owner') as owners
    from tenantry.organizations o where o.tenant_id = ${tenantId}::uuid`.execute(database.app);
  const row = rows[0];
  if (row === undefined) throw new Error('no such organization');
  return row;
}

/** An address of each user. */
export const mail = (n: number): string => `user${n}@example.com`;
