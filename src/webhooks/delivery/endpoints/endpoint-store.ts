import { sql } from 'kysely';
import { type AnyDatabase, libraryOf } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';
import type { WebhookEndpointTable } from '../../../database/webhook-tables.ts';
import type { EndpointRef } from '../toolbox.ts';
import { quietTime } from '../worker/quiet-time.ts';
import type { EndpointHealth, EndpointOrdering, EndpointSecret, SignatureKind, WebhookEndpoint } from './endpoint.ts';

/** What an endpoint is made with. */
export interface NewEndpoint {
  readonly tenantId: string;
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  readonly filters: readonly string[];
  readonly version: string | null;
  readonly headers: string | null;
  readonly headerNames: readonly string[];
  readonly ordering: EndpointOrdering;
  readonly metadata: string;
  readonly now: Date;
}

/** What is changed of an endpoint; what is undefined stays. */
export type EndpointPatch = Partial<Omit<NewEndpoint, 'tenantId' | 'id' | 'now'>>;

/** A secret as it is stored. */
export interface SealedSecret {
  readonly id: string;
  readonly kind: SignatureKind;
  readonly sealed: string;
  readonly publicKey: string | null;
  readonly expiresAt: Date | null;
}

interface EndpointRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  readonly status: WebhookEndpointTable['status'];
  readonly disabled_reason: string | null;
  readonly disabled_at: Date | null;
  readonly filters: string[];
  readonly version: string | null;
  readonly header_names: string[];
  readonly ordering: EndpointOrdering;
  readonly metadata: Record<string, unknown>;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const columns = [
  'tenant_id',
  'id',
  'url',
  'description',
  'status',
  'disabled_reason',
  'disabled_at',
  'filters',
  'version',
  'header_names',
  'ordering',
  'metadata',
  'created_at',
  'updated_at',
] as const;

function endpointOf(row: EndpointRow): WebhookEndpoint {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    url: row.url,
    description: row.description,
    status: row.status === 'active' ? 'active' : 'disabled',
    disabledReason: row.disabled_reason,
    disabledAt: row.disabled_at,
    filters: row.filters,
    version: row.version,
    headerNames: row.header_names,
    ordering: row.ordering,
    metadata: row.metadata,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Keeps others from adding an endpoint to the tenant until the transaction ends. */
export async function lockEndpoints(tx: AnyDatabase, tenantId: string): Promise<void> {
  await run(tx, 'select pg_advisory_xact_lock(hashtextextended($1::text, 0))', [`tenantry.webhooks ${tenantId}`]);
}

/** Counts the endpoints of a tenant. */
export async function countEndpoints(db: AnyDatabase, tenantId: string): Promise<number> {
  const text = `select count(*)::integer as n from tenantry.webhook_endpoints
    where tenant_id = $1::uuid and status <> 'removed'`;
  const [row] = await run<{ n: number }>(db, text, [tenantId]);
  return row?.n ?? 0;
}

/** Inserts an endpoint. */
export async function insertEndpoint(db: AnyDatabase, made: NewEndpoint): Promise<WebhookEndpoint> {
  const row = await libraryOf(db)
    .insertInto('tenantry.webhook_endpoints')
    .values({
      tenant_id: made.tenantId,
      id: made.id,
      url: made.url,
      description: made.description,
      status: 'active',
      filters: [...made.filters],
      version: made.version,
      headers: made.headers,
      header_names: [...made.headerNames],
      ordering: made.ordering,
      metadata: made.metadata,
      created_at: made.now,
      updated_at: made.now,
    })
    .returning(columns)
    .executeTakeFirstOrThrow();
  return endpointOf(row);
}

/** Reads an endpoint that was not removed. */
export async function findEndpoint(db: AnyDatabase, ref: EndpointRef): Promise<WebhookEndpoint | null> {
  const row = await libraryOf(db)
    .selectFrom('tenantry.webhook_endpoints')
    .select(columns)
    .where('tenant_id', '=', ref.tenantId)
    .where('id', '=', ref.endpointId)
    .where('status', '<>', 'removed')
    .executeTakeFirst();
  return row === undefined ? null : endpointOf(row);
}

/** Lists the endpoints of a tenant, the oldest first. */
export async function listEndpoints(
  db: AnyDatabase,
  tenantId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly WebhookEndpoint[]> {
  const query = libraryOf(db)
    .selectFrom('tenantry.webhook_endpoints')
    .select(columns)
    .where('tenant_id', '=', tenantId)
    .where('status', '<>', 'removed');
  const part = after === null ? query : query.where('id', '>', after);
  const rows = await part
    .orderBy('id')
    .limit(limit + 1)
    .execute();
  return rows.map(endpointOf);
}

/** Changes an endpoint that was not removed. */
export async function updateEndpoint(
  db: AnyDatabase,
  ref: EndpointRef,
  patch: EndpointPatch,
  now: Date,
): Promise<WebhookEndpoint | null> {
  const row = await libraryOf(db)
    .updateTable('tenantry.webhook_endpoints')
    .set({
      updated_at: now,
      ...(patch.url !== undefined && { url: patch.url }),
      ...(patch.description !== undefined && { description: patch.description }),
      ...(patch.filters !== undefined && { filters: [...patch.filters] }),
      ...(patch.version !== undefined && { version: patch.version }),
      ...(patch.headers !== undefined && { headers: patch.headers, header_names: [...(patch.headerNames ?? [])] }),
      ...(patch.ordering !== undefined && { ordering: patch.ordering }),
      ...(patch.metadata !== undefined && { metadata: patch.metadata }),
    })
    .where('tenant_id', '=', ref.tenantId)
    .where('id', '=', ref.endpointId)
    .where('status', '<>', 'removed')
    .returning(columns)
    .executeTakeFirst();
  return row === undefined ? null : endpointOf(row);
}

/** What {@link closeEndpoint} and {@link openEndpoint} found. */
export interface SwitchedEndpoint {
  readonly endpoint: WebhookEndpoint;
  /** False where it was so before. */
  readonly changed: boolean;
}

/** Disables or removes an endpoint. What is under way to it is given up by the worker. */
export async function closeEndpoint(
  db: AnyDatabase,
  ref: EndpointRef,
  status: 'disabled' | 'removed',
  reason: string,
  now: Date,
): Promise<SwitchedEndpoint | null> {
  const row = await libraryOf(db)
    .updateTable('tenantry.webhook_endpoints')
    .set({ status, disabled_reason: reason, disabled_at: now, updated_at: now, paused_until: null })
    .where('tenant_id', '=', ref.tenantId)
    .where('id', '=', ref.endpointId)
    .where('status', status === 'removed' ? '<>' : '=', status === 'removed' ? 'removed' : 'active')
    .returning(columns)
    .executeTakeFirst();
  if (row !== undefined) return { endpoint: endpointOf(row), changed: true };
  const endpoint = status === 'removed' ? null : await findEndpoint(db, ref);
  return endpoint === null ? null : { endpoint, changed: false };
}

/** Enables an endpoint, and forgets how it failed. */
export async function openEndpoint(db: AnyDatabase, ref: EndpointRef, now: Date): Promise<SwitchedEndpoint | null> {
  const row = await libraryOf(db)
    .updateTable('tenantry.webhook_endpoints')
    .set({
      status: 'active',
      disabled_reason: null,
      disabled_at: null,
      updated_at: now,
      failures: 0,
      failing_since: null,
      notices: 0,
      paused_until: null,
      pauses: 0,
    })
    .where('tenant_id', '=', ref.tenantId)
    .where('id', '=', ref.endpointId)
    .where('status', '=', 'disabled')
    .returning(columns)
    .executeTakeFirst();
  if (row !== undefined) return { endpoint: endpointOf(row), changed: true };
  const endpoint = await findEndpoint(db, ref);
  return endpoint === null ? null : { endpoint, changed: false };
}

/** Inserts a secret of an endpoint. */
export async function insertSecret(db: AnyDatabase, ref: EndpointRef, secret: SealedSecret, now: Date): Promise<void> {
  await libraryOf(db)
    .insertInto('tenantry.webhook_endpoint_secrets')
    .values({
      tenant_id: ref.tenantId,
      id: secret.id,
      endpoint_id: ref.endpointId,
      kind: secret.kind,
      secret: secret.sealed,
      public_key: secret.publicKey,
      created_at: now,
      expires_at: secret.expiresAt,
    })
    .execute();
}

/** Lists the secrets of an endpoint that still sign, the oldest first. */
export async function listSecrets(db: AnyDatabase, ref: EndpointRef, now: Date): Promise<readonly EndpointSecret[]> {
  const rows = await libraryOf(db)
    .selectFrom('tenantry.webhook_endpoint_secrets')
    .select(['id', 'kind', 'public_key', 'created_at', 'expires_at'])
    .where('tenant_id', '=', ref.tenantId)
    .where('endpoint_id', '=', ref.endpointId)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    publicKey: row.public_key,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }));
}

/** Ends secrets of an endpoint: one, or all of a kind but one. Gives how many. */
export async function endSecrets(
  db: AnyDatabase,
  ref: EndpointRef,
  which: { readonly secretId: string } | { readonly kind: SignatureKind; readonly but: string },
  until: Date,
): Promise<number> {
  const query = libraryOf(db)
    .updateTable('tenantry.webhook_endpoint_secrets')
    .set({ expires_at: until })
    .where('tenant_id', '=', ref.tenantId)
    .where('endpoint_id', '=', ref.endpointId)
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', until)]));
  const those =
    'secretId' in which
      ? query.where('id', '=', which.secretId)
      : query.where('kind', '=', which.kind).where('id', '<>', which.but);
  return Number((await those.executeTakeFirst()).numUpdatedRows);
}

/** Deletes the secrets of an endpoint. */
export async function deleteSecrets(db: AnyDatabase, ref: EndpointRef): Promise<void> {
  await libraryOf(db)
    .deleteFrom('tenantry.webhook_endpoint_secrets')
    .where('tenant_id', '=', ref.tenantId)
    .where('endpoint_id', '=', ref.endpointId)
    .execute();
}

/** Reads how an endpoint is doing. */
export async function readHealth(
  db: AnyDatabase,
  ref: EndpointRef,
  now: Date,
  disableAfterMilliseconds: number,
): Promise<EndpointHealth | null> {
  const { rows } = await sql<{
    status: WebhookEndpointTable['status'];
    failures: number;
    failing_since: Date | null;
    paused_until: Date | null;
    last_success_at: Date | null;
    last_failure_at: Date | null;
    last_reason: string | null;
    waiting: number;
    due_since: Date | null;
  }>`
    select e.status, e.failures, e.failing_since, e.paused_until, e.last_success_at, e.last_failure_at, e.last_reason,
      w.waiting, w.due_since
    from tenantry.webhook_endpoints e cross join lateral (
      select count(*)::integer as waiting, min(o.due_at) as due_since from (
        select d.due_at from tenantry.webhook_deliveries d
        where d.tenant_id = e.tenant_id and d.endpoint_id = e.id and d.due_at is not null
        order by d.due_at limit 10000) o) w
    where e.tenant_id = ${ref.tenantId}::uuid and e.id = ${ref.endpointId}::uuid and e.status <> 'removed'`.execute(
    libraryOf(db),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const paused = row.paused_until !== null && row.paused_until > now;
  const failing = row.failing_since === null ? 'healthy' : 'failing';
  const quiet = now.getTime() - (row.last_failure_at?.getTime() ?? 0) > quietTime(disableAfterMilliseconds);
  return {
    state: row.status !== 'active' ? 'disabled' : paused ? 'paused' : failing,
    failures: row.failures,
    failingSince: row.failing_since,
    disabledAt: quiet ? null : row.failing_since && new Date(row.failing_since.getTime() + disableAfterMilliseconds),
    pausedUntil: paused ? row.paused_until : null,
    lastSuccessAt: row.last_success_at,
    lastFailureAt: row.last_failure_at,
    lastReason: row.last_reason,
    waiting: row.waiting,
    dueSince: row.due_since,
  };
}
