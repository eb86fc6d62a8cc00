import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../database/handle.ts';

/** Usage that the provider is being told of. */
export interface Telling {
  readonly eventName: string;
  readonly units: number;
  /** Since when it is tried under this identifier. */
  readonly since: Date;
  /** The first and the last moment under which it was told, or may have been. */
  readonly from: Date;
  readonly to: Date;
  /** The provider said that it has it. */
  readonly told: boolean;
}

interface Kept extends Pick<Telling, 'eventName' | 'units' | 'told'> {
  readonly since: string;
  readonly from: string;
  readonly to: string;
}

/** Reads what the provider is being told of, by identifier. */
export async function readTelling(db: AnyDatabase, tenantId: string): Promise<ReadonlyMap<string, Telling>> {
  const { rows } = await sql<{ telling: Readonly<Record<string, Kept>> }>`
    select telling from tenantry.billing_flags where tenant_id = ${tenantId}::uuid and kind = 'usage'`.execute(
    libraryOf(db),
  );
  return new Map(
    Object.entries(rows[0]?.telling ?? {}).map(([identifier, { since, from, to, ...kept }]) => [
      identifier,
      { ...kept, since: new Date(since), from: new Date(from), to: new Date(to) },
    ]),
  );
}

/** Notes, before the provider is told, what it will be told of. */
export async function noteTelling(
  db: AnyDatabase,
  tenantId: string,
  identifier: string,
  telling: Telling,
  now: Date,
): Promise<void> {
  await sql`
    insert into tenantry.billing_flags as f (tenant_id, kind, raised, settled, attempts, due_at, updated_at, telling)
    values (${tenantId}::uuid, 'usage', 1, 0, 0, ${now}::timestamptz, ${now}::timestamptz,
      ${JSON.stringify({ [identifier]: telling })}::jsonb)
    on conflict (tenant_id, kind) do update set telling = f.telling || excluded.telling`.execute(libraryOf(db));
}

/**
 * Forgets what was told, once our own counters know that all of it was; but for what was told under moments since one, which
 * tells it from what will be tried in the same minutes.
 */
export async function forgetTelling(db: AnyDatabase, tenantId: string, since: Date): Promise<void> {
  await sql`
    update tenantry.billing_flags set telling = coalesce((
      select jsonb_object_agg(e.key, e.value) from jsonb_each(telling) e
      where (e.value->>'to')::timestamptz >= ${since}::timestamptz), '{}')
    where tenant_id = ${tenantId}::uuid and kind = 'usage' and telling <> '{}'`.execute(libraryOf(db));
}
