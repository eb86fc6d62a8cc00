import { cleanText, isUuid, TenantryError } from '../../../core/index.ts';
import { pageOf, readPage } from '../../../core/page.ts';
import type { CallOptions } from '../../../database/index.ts';
import { sqlstateOf } from '../../../database/install.ts';
import { type EndpointRef, noEndpoint, readEndpointRef, readTenantId, type Toolbox } from '../toolbox.ts';
import type { WebhookEndpoint } from './endpoint.ts';
import {
  readDescription,
  readFilters,
  readHeaders,
  readMetadata,
  readOrdering,
  readVersion,
} from './endpoint-input.ts';
import {
  closeEndpoint,
  countEndpoints,
  deleteSecrets,
  type EndpointPatch,
  endSecrets,
  findEndpoint,
  insertEndpoint,
  insertSecret,
  listEndpoints,
  listSecrets,
  lockEndpoints,
  openEndpoint,
  readHealth,
  type SwitchedEndpoint,
  updateEndpoint,
} from './endpoint-store.ts';
import type { Endpoints, UpdateEndpointInput } from './endpoints-interface.ts';
import { headersPlace, makeSecret } from './make-secret.ts';

/** What a tenant may have of webhooks. */
export interface WebhookLimits {
  /** How many endpoints; null: no limit. */
  readonly endpoints: number | null;
}

/** What the endpoints are made from, beside what all parts share. */
export interface EndpointsDeps {
  /** Tells what a tenant's plan allows; no limit where none was handed in. */
  readonly limitsOf: ((tenantId: string, options?: CallOptions) => Promise<WebhookLimits>) | undefined;
  readonly disableAfterMilliseconds: number;
  readonly test: Endpoints['test'];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds.
const unwritten = /[\u0000-\u001f\u007f]/;
const mostSecrets = 5;
const longestGrace = 30 * 86_400;

/** Makes what keeps the endpoints of tenants. */
export function createEndpoints(toolbox: Toolbox, deps: EndpointsDeps): Endpoints {
  const { db, clock, ids, catalogue, send, secretBox, changing, tell } = toolbox;

  /** @throws TenantryError `url_refused`. */
  async function readUrl(url: unknown): Promise<string> {
    const given = typeof url === 'string' && url.length <= 2048 ? url.trim() : '';
    // A URL drops or escapes these, and what is stored is the text.
    const text = unwritten.test(given) ? '' : given;
    const checked = await send.check(text);
    if (checked.ok) return text;
    throw new TenantryError('url_refused', { host: URL.parse(text)?.hostname ?? '', reason: checked.reason });
  }

  function sealHeaders(ref: EndpointRef, given: unknown): Required<Pick<EndpointPatch, 'headers' | 'headerNames'>> {
    const headers = readHeaders(given);
    const headerNames = Object.keys(headers);
    const sealed = headerNames.length > 0 ? secretBox().seal(JSON.stringify(headers), headersPlace(ref)) : null;
    return { headers: sealed, headerNames };
  }

  function found(endpoint: WebhookEndpoint | null, { endpointId }: EndpointRef): WebhookEndpoint {
    if (endpoint === null) throw noEndpoint(endpointId);
    return endpoint;
  }

  const dataOf = ({ id: endpointId, url }: WebhookEndpoint) => ({ endpointId, url });

  async function readPatch(ref: EndpointRef, input: UpdateEndpointInput): Promise<EndpointPatch> {
    return {
      ...(input.url !== undefined && { url: await readUrl(input.url) }),
      ...(input.description !== undefined && { description: readDescription(input.description) }),
      ...(input.filters !== undefined && { filters: readFilters(catalogue, input.filters) }),
      ...(input.version !== undefined && { version: readVersion(catalogue, input.version) }),
      ...(input.headers !== undefined && sealHeaders(ref, input.headers)),
      ...(input.ordering !== undefined && { ordering: readOrdering(input.ordering) }),
      ...(input.metadata !== undefined && { metadata: readMetadata(input.metadata) }),
    };
  }

  /** Switches an endpoint and tells of it, where it was otherwise before. */
  async function switched(
    options: Parameters<Endpoints['enable']>[1],
    work: (tx: typeof db) => Promise<SwitchedEndpoint | null>,
    event: (endpoint: WebhookEndpoint) => Parameters<typeof tell>[0],
  ): Promise<WebhookEndpoint | null> {
    return changing(options, async (tx) => {
      const result = await work(tx);
      if (result?.changed === true) await tell(event(result.endpoint), tx);
      return result?.endpoint ?? null;
    });
  }

  return {
    async create({ tenantId, signature, secret, ...input }, options) {
      const ref = { tenantId: readTenantId('webhooks.endpoints.create', tenantId), endpointId: ids() };
      const now = clock();
      const box = secretBox();
      const choice = { ...(signature !== undefined && { signature }), ...(secret !== undefined && { secret }) };
      const made = makeSecret(box, ref, choice, { id: ids(), now });
      const row = {
        tenantId: ref.tenantId,
        id: ref.endpointId,
        description: readDescription(input.description ?? null),
        filters: readFilters(catalogue, input.filters),
        version: readVersion(catalogue, input.version),
        ...sealHeaders(ref, input.headers),
        ordering: readOrdering(input.ordering ?? 'none'),
        metadata: readMetadata(input.metadata ?? {}),
        now,
        url: await readUrl(input.url),
      };
      const limits = await deps.limitsOf?.(ref.tenantId, options);
      return changing(
        options,
        async (tx) => {
          await withinLimit(tx, ref.tenantId, limits);
          const endpoint = await insertEndpoint(tx, row).catch((error) => {
            throw sqlstateOf(error) === '23503' ? new TenantryError('tenant_not_found', { tenant: tenantId }) : error;
          });
          await insertSecret(tx, ref, made.sealed, now);
          const data = { ...dataOf(endpoint), filters: endpoint.filters };
          await tell({ name: 'webhook_endpoint.created', tenantId: ref.tenantId, data }, tx);
          return { endpoint, secret: made.shown };
        },
        true,
      );
    },

    async get(given, options) {
      const tenantId = readTenantId('webhooks.endpoints.get', given.tenantId);
      return isUuid(given.endpointId) ? findEndpoint(options?.db ?? db, { ...given, tenantId }) : null;
    },

    async list({ tenantId, ...page }, options) {
      const checked = readPage(page);
      const tenant = readTenantId('webhooks.endpoints.list', tenantId);
      return pageOf(await listEndpoints(options?.db ?? db, tenant, checked), checked.limit, ({ id }) => id);
    },

    async update(input, options) {
      const ref = readEndpointRef('webhooks.endpoints.update', input);
      const patch = await readPatch(ref, input);
      const changed = Object.keys(patch).filter((name) => name !== 'headerNames');
      return changing(options, async (tx) => {
        const endpoint = found(await updateEndpoint(tx, ref, patch, clock()), ref);
        const data = { ...dataOf(endpoint), changed };
        await tell({ name: 'webhook_endpoint.updated', tenantId: ref.tenantId, data }, tx);
        return endpoint;
      });
    },

    async enable(given, options) {
      const ref = readEndpointRef('webhooks.endpoints.enable', given);
      const endpoint = await switched(
        options,
        (tx) => openEndpoint(tx, ref, clock()),
        (one) => ({ name: 'webhook_endpoint.enabled', tenantId: ref.tenantId, data: dataOf(one) }),
      );
      return found(endpoint, ref);
    },

    async disable({ reason = 'disabled', ...given }, options) {
      const ref = readEndpointRef('webhooks.endpoints.disable', given);
      const why = cleanText('reason', reason, 200);
      const endpoint = await switched(
        options,
        (tx) => closeEndpoint(tx, ref, 'disabled', why, clock()),
        (one) => ({
          name: 'webhook_endpoint.disabled',
          tenantId: ref.tenantId,
          data: { ...dataOf(one), reason: why },
        }),
      );
      return found(endpoint, ref);
    },

    async remove(given, options) {
      const tenantId = readTenantId('webhooks.endpoints.remove', given.tenantId);
      if (!isUuid(given.endpointId)) return false;
      const ref = { tenantId, endpointId: given.endpointId };
      const removed = await switched(
        options,
        async (tx) => {
          const closed = await closeEndpoint(tx, ref, 'removed', 'removed', clock());
          if (closed !== null) await deleteSecrets(tx, ref);
          return closed;
        },
        (one) => ({ name: 'webhook_endpoint.removed', tenantId, data: dataOf(one) }),
      );
      return removed !== null;
    },

    async secrets(given, options) {
      const ref = readEndpointRef('webhooks.endpoints.secrets', given);
      const handle = options?.db ?? db;
      found(await findEndpoint(handle, ref), ref);
      return listSecrets(handle, ref, clock());
    },

    async addSecret(input, options) {
      const ref = readEndpointRef('webhooks.endpoints.addSecret', input);
      const now = clock();
      const made = makeSecret(secretBox(), ref, input, { id: ids(), now });
      return changing(
        options,
        async (tx) => {
          await lockEndpoints(tx, ref.tenantId);
          found(await findEndpoint(tx, ref), ref);
          const used = (await listSecrets(tx, ref, now)).length;
          if (used >= mostSecrets) {
            const details = { meter: 'webhook_endpoint_secrets', limit: mostSecrets, used, requested: 1 };
            throw new TenantryError('limit_reached', details);
          }
          await insertSecret(tx, ref, made.sealed, now);
          return made.shown;
        },
        true,
      );
    },

    async rotateSecret({ graceSeconds = 86_400, ...input }, options) {
      const ref = readEndpointRef('webhooks.endpoints.rotateSecret', input);
      if (!(graceSeconds >= 0 && graceSeconds <= longestGrace)) {
        const problem = `must be from 0 to ${longestGrace} seconds`;
        throw new TenantryError('amount_invalid', { amount: String(graceSeconds), problem });
      }
      const now = clock();
      const until = new Date(now.getTime() + graceSeconds * 1000);
      const made = makeSecret(secretBox(), ref, input, { id: ids(), now });
      return changing(
        options,
        async (tx) => {
          await lockEndpoints(tx, ref.tenantId);
          const endpoint = found(await findEndpoint(tx, ref), ref);
          await insertSecret(tx, ref, made.sealed, now);
          await endSecrets(tx, ref, { kind: made.sealed.kind, but: made.sealed.id }, until);
          const data = { ...dataOf(endpoint), secretId: made.sealed.id, until };
          await tell({ name: 'webhook_endpoint.secret_rotated', tenantId: ref.tenantId, data }, tx);
          return made.shown;
        },
        true,
      );
    },

    async endSecret({ secretId, ...given }, options) {
      const ref = readEndpointRef('webhooks.endpoints.endSecret', given);
      if (!isUuid(secretId)) return false;
      return changing(
        options,
        async (tx) => {
          await lockEndpoints(tx, ref.tenantId);
          const others = (await listSecrets(tx, ref, clock())).filter(({ id }) => id !== secretId);
          if (others.length === 0) return false;
          return (await endSecrets(tx, ref, { secretId }, clock())) === 1;
        },
        true,
      );
    },

    test: deps.test,

    async health(given, options) {
      const ref = readEndpointRef('webhooks.endpoints.health', given);
      const health = await readHealth(options?.db ?? db, ref, clock(), deps.disableAfterMilliseconds);
      if (health === null) throw noEndpoint(ref.endpointId);
      return health;
    },
  };
}

/** Holds off who makes another endpoint at the same time: so a limit is exact. */
async function withinLimit(tx: Toolbox['db'], tenantId: string, limits: WebhookLimits | undefined): Promise<void> {
  if (limits === undefined || limits.endpoints === null) return;
  await lockEndpoints(tx, tenantId);
  const used = await countEndpoints(tx, tenantId);
  if (used < limits.endpoints) return;
  const details = { meter: 'webhook_endpoints', limit: limits.endpoints, used, requested: 1 };
  throw new TenantryError('limit_reached', details);
}
