import type { Kysely } from 'kysely';
import { isTenantryError } from 'tenantry/core';
import { type Application, withKey } from '../application.ts';
import { legacySecretOf } from '../generate.ts';
import type { LegacyDatabase } from '../legacy-schema.ts';
import { grouped } from '../print.ts';
import type { Story } from './story.ts';

/** A key that the legacy service issued, as the legacy table tells of it. */
export interface IssuedKey {
  readonly customerId: string;
  readonly revoked: boolean;
  /** The customer's own subscription was running. */
  readonly running: boolean;
}

/** What became of the keys. */
export interface KeysOutcome {
  readonly accepted: number;
  readonly refused: number;
}

/** Reads from the legacy table which keys were issued; done before the migration, so that nothing can colour it. */
export async function issuedKeys(db: Kysely<LegacyDatabase>): Promise<IssuedKey[]> {
  const rows = await db
    .selectFrom('customers')
    .select(['id', 'api_key_revoked_at', 'subscription_status'])
    .where('api_key_hash', 'is not', null)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    customerId: row.id,
    revoked: row.api_key_revoked_at !== null,
    running: row.subscription_status === 'active' || row.subscription_status === 'trialing',
  }));
}

/** Tries every key that was ever issued on the door of the application. */
export async function tryKeys(
  { printer, promise }: Story,
  application: Application,
  issued: readonly IssuedKey[],
): Promise<KeysOutcome> {
  const reasons = new Map<string, number>();
  let accepted = 0;
  let shut = 0;
  let open = 0;
  for (let start = 0; start < issued.length; start += 500) {
    const some = issued.slice(start, start + 500);
    const answers = await Promise.all(some.map(({ customerId }) => knock(application, legacySecretOf(customerId))));
    answers.forEach((reason, index) => {
      const key = some[index];
      if (reason === null) accepted += 1;
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      if (key?.revoked === true && reason !== 'revoked') open += 1;
      if (key?.revoked === false && key.running && reason !== null) shut += 1;
    });
  }
  const refused = issued.length - accepted;
  const told = [...reasons].map(([reason, count]) => `${reason} ${grouped(count)}`).join(', ');
  const revoked = issued.filter((key) => key.revoked).length;
  const running = issued.filter((key) => !key.revoked && key.running).length;
  printer.say(
    `${grouped(issued.length)} old keys tried: ${grouped(accepted)} accepted, ${grouped(refused)} refused (${told})`,
  );
  promise(shut === 0 && running > 0, `all ${grouped(running)} old keys of running subscriptions open the door`);
  promise(open === 0 && revoked > 0, `all ${grouped(revoked)} revoked keys are refused, with the reason "revoked"`);
  return { accepted, refused };
}

/** Null when the door opens, or the reason why it does not. */
async function knock({ access }: Application, secret: string): Promise<string | null> {
  try {
    await access.authenticate(withKey(secret));
    return null;
  } catch (error) {
    if (isTenantryError(error, 'key_refused') || isTenantryError(error, 'unauthenticated')) return error.details.reason;
    throw error;
  }
}
