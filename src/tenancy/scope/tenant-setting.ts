import { sql } from 'kysely';
import { TenantryError } from '../../core/index.ts';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';
import { appRole, librarySchema, serviceRole, tenantSetting } from '../../database/index.ts';
import { sqlstateOf } from '../../database/install.ts';
import { createOpening, type Opening } from '../../database/openings.ts';

/** Under which role and for which tenant a transaction runs. */
export interface TenantSetting {
  /** `none` is the login itself. */
  readonly role: string;
  /** Empty when there is none. */
  readonly tenant: string;
}

/** The setting of a tenant's transaction. */
export function settingOf(tenantId: string): TenantSetting {
  return { role: appRole, tenant: tenantId };
}

/** Reads under which role and for which tenant a transaction runs. */
export async function readSetting(tx: AnyDatabase): Promise<TenantSetting> {
  const { rows } = await sql<TenantSetting>`
    select current_setting('role') as role, coalesce(current_setting(${tenantSetting}, true), '') as tenant`.execute(
    libraryOf(tx),
  );
  return rows[0] ?? { role: 'none', tenant: '' };
}

/** Sets role and tenant for the rest of a transaction, or of its innermost savepoint that is rolled back. */
export async function applySetting(tx: AnyDatabase, setting: TenantSetting): Promise<void> {
  await sql`select set_config('role', ${setting.role}, true), set_config(${tenantSetting}, ${setting.tenant}, true)`.execute(
    libraryOf(tx),
  );
}

/** The setting as what opens a transaction, or a single statement. */
export function openingFor({ role, tenant }: TenantSetting, single: boolean): Opening {
  const text = `select set_config('role', $1, true), set_config('${tenantSetting}', $2, true)`;
  return createOpening([{ name: 'tenantry_setting', text, values: [role, tenant] }], single);
}

/** Runs `work` within a savepoint, which is rolled back when it throws. */
export async function withSavepoint<Result>(tx: AnyDatabase, work: () => Promise<Result>): Promise<Result> {
  const library = libraryOf(tx);
  await sql`savepoint tenantry_transaction`.execute(library);
  try {
    const result = await work();
    await sql`release savepoint tenantry_transaction`.execute(library);
    return result;
  } catch (error) {
    try {
      await sql`rollback to savepoint tenantry_transaction`.execute(library);
      await sql`release savepoint tenantry_transaction`.execute(library);
    } catch {
      // The connection is lost, and with it the transaction: the first error tells more.
    }
    throw error;
  }
}

/** Says why the role of tenants' transactions could not be set, and what mends it; any other error is given back. */
export async function explainRefusal(db: AnyDatabase, error: unknown): Promise<unknown> {
  const sqlstate = sqlstateOf(error);
  if (sqlstate === '22023') return new TenantryError('schema_missing', { schema: librarySchema }, { cause: error });
  if (sqlstate !== '42501') return error;
  const details = {
    right: `membership of the role ${appRole}`,
    remedy: `Run as the owner of the roles: ${await grantFor(db)}`,
  };
  return new TenantryError('database_right_missing', details, { cause: error });
}

async function grantFor(db: AnyDatabase): Promise<string> {
  const { rows } = await sql<{ login: string }>`select quote_ident(session_user) as login`.execute(libraryOf(db));
  return `grant ${appRole}, ${serviceRole} to ${rows[0]?.login ?? 'the login'};`;
}
