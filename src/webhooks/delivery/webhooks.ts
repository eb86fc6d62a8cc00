import { isUuid, type SecretBox, systemClock, TenantryError, uuidv7 } from '../../core/index.ts';
import { isMoment } from '../../core/moment.ts';
import { pageOf, readPage } from '../../core/page.ts';
import { type CallOptions, type ModuleDeps, reencrypt } from '../../database/index.ts';
import { createSafeFetch, type SafeFetchOptions } from '../safe-fetch/safe-fetch.ts';
import { type EventCatalogue, type EventDefinitions, isCatalogue, noEvents } from './catalogue/define-events.ts';
import { isEventName } from './catalogue/event-patterns.ts';
import { openApiOf } from './catalogue/open-api.ts';
import { createEndpoints, type WebhookLimits } from './endpoints/endpoints.ts';
import type { WebhookEvent } from './events.ts';
import {
  deliveryStatuses,
  findMessage,
  isDeliveryStatus,
  listAttempts,
  listDeliveries,
  listMessages,
} from './log/attempt-log.ts';
import { pruneMessages } from './log/prune.ts';
import { createReplay } from './log/replay.ts';
import { createPublish, ownInput } from './publish/publish.ts';
import { createToolbox, readTenantId } from './toolbox.ts';
import type { Webhooks } from './webhooks-interface.ts';
import { createAttempt } from './worker/attempt.ts';
import { type DeliveryOptions, readRules } from './worker/options.ts';
import { createRecorder } from './worker/record.ts';
import { createTest } from './worker/send-test.ts';
import type { DeliveryTrace } from './worker/trace.ts';
import { createRun } from './worker/worker.ts';

/** What outgoing webhooks are made of. */
export interface WebhooksOptions<Definitions extends EventDefinitions> {
  /** Which events are sent, made by `defineEvents`; none when absent. */
  readonly catalogue?: EventCatalogue<Definitions>;
  /** Seals the secrets of endpoints; needed for endpoints and for delivery. */
  readonly secretBox?: SecretBox;
  /** Where requests may go, and how long an attempt may take: 15 s when absent. */
  readonly fetch?: SafeFetchOptions;
  /** The largest body of a message, in bytes; 256 KiB when absent. Standard Webhooks advises 20 kB. */
  readonly maxPayloadBytes?: number;
  /**
   * Tells how many endpoints a tenant may have, such as by its plan. It is handed the transaction of the caller's, where
   * there is one: what it reads, it reads there.
   */
  readonly limits?: (tenantId: string, options?: CallOptions) => Promise<WebhookLimits>;
  readonly delivery?: DeliveryOptions;
  /**
   * The `trace` of `@opentelemetry/api`: each attempt is a span, linked to the span in which its message was published.
   * Nothing of it is sent to endpoints.
   */
  readonly trace?: DeliveryTrace;
}

/**
 * Makes outgoing webhooks: endpoints of tenants with sealed secrets, messages that are published in the transaction of
 * what they tell, and a worker that delivers them at least once, fairly over tenants and endpoints.
 *
 * @throws TenantryError `config_invalid`; TypeError for options of `fetch` that are none.
 *
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto';
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createSecretBox } from 'tenantry/core';
 * import { installSchema } from 'tenantry/database';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 * import { createWebhooks, defineEvents } from 'tenantry/webhooks/delivery';
 * import { z } from 'zod';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const catalogue = defineEvents({ 'order.paid': { schema: z.object({ orderId: z.string() }) } });
 * const secretBox = createSecretBox([{ id: '2026-07', key: randomBytes(32) }]);
 * const webhooks = createWebhooks({ db, catalogue, secretBox });
 *
 * const { tenantId } = await createTenancy({ db, strategy: perUser() }).provision({ userId: 'ada' });
 * await webhooks.publish({ tenantId, type: 'order.paid', data: { orderId: 'o-1' } });
 * await webhooks.deliverDue(); // { delivered: 0, failed: 0, done: true }: nobody listens yet
 * ```
 */
export function createWebhooks<const Definitions extends EventDefinitions>({
  db,
  clock = systemClock,
  ids = uuidv7,
  events,
  catalogue = noEvents(),
  secretBox,
  fetch = {},
  maxPayloadBytes = 262_144,
  limits,
  delivery = {},
  trace,
}: ModuleDeps<WebhookEvent> & WebhooksOptions<Definitions>): Webhooks<Definitions> {
  if (!isCatalogue(catalogue)) {
    throw new TenantryError('config_invalid', { path: 'webhooks.catalogue', problem: 'must be made by defineEvents' });
  }
  const deadlineMilliseconds = fetch.deadlineMilliseconds ?? 15_000;
  const rules = readRules(delivery, deadlineMilliseconds);
  const send = createSafeFetch({ maxResponseBytes: 65_536, ...fetch });
  const toolbox = createToolbox({ db, clock, ids, events, secretBox, catalogue, send, trace });
  const attempt = createAttempt(toolbox, rules);
  const recorder = createRecorder(toolbox, rules);
  const run = createRun(toolbox, rules, attempt, recorder);
  const publish = createPublish(toolbox, maxPayloadBytes);
  const { leaseMilliseconds } = rules;
  const endpoints = createEndpoints(toolbox, {
    limitsOf: limits,
    disableAfterMilliseconds: rules.disableAfterDays * 86_400_000,
    test: createTest(toolbox, { attempt, recorder, leaseMilliseconds, maxPayloadBytes }),
  });

  return {
    catalogue,
    endpoints,
    publish,

    async sink(event, tx) {
      const input = ownInput(catalogue, event);
      if (input !== null) await publish(input, { db: tx });
    },

    async deliverDue({ budgetMilliseconds = 50_000, signal } = {}) {
      toolbox.secretBox();
      const stop = new AbortController();
      const end = (): void => stop.abort();
      const timer = setTimeout(end, budgetMilliseconds);
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted) end();
      try {
        return await run({ untilIdle: true, stop: stop.signal, cut: new AbortController().signal });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
      }
    },

    startDelivery() {
      toolbox.secretBox();
      const stop = new AbortController();
      const cut = new AbortController();
      let wake: () => void = () => undefined;
      const ended = run({
        untilIdle: false,
        stop: stop.signal,
        cut: cut.signal,
        onStart(waker) {
          wake = waker;
        },
      });
      return {
        wake: () => wake(),
        async stop({ graceMilliseconds = deadlineMilliseconds } = {}) {
          stop.abort();
          const timer = setTimeout(() => cut.abort(), graceMilliseconds);
          await ended;
          clearTimeout(timer);
        },
      };
    },

    async message({ tenantId, messageId }, options) {
      const tenant = readTenantId('webhooks.message', tenantId);
      return isUuid(messageId) ? findMessage(options?.db ?? db, tenant, messageId) : null;
    },

    async messages({ tenantId, type = null, ...page }, options) {
      const tenant = readTenantId('webhooks.messages', tenantId);
      const part = readPage(page);
      // What cannot be the name of an event was never published.
      if (type !== null && !isEventName(type)) return { items: [], nextCursor: null };
      const found = await listMessages(options?.db ?? db, tenant, { type, ...part });
      return pageOf(found, part.limit, ({ id }) => id);
    },

    async deliveries({ tenantId, endpointId = null, messageId = null, status = null, ...page }, options) {
      const tenant = readTenantId('webhooks.deliveries', tenantId);
      const part = readPage(page);
      if (endpointId === null && messageId === null) {
        throw new TenantryError('name_invalid', { field: 'endpointId', problem: 'or messageId must be there' });
      }
      if (status !== null && !isDeliveryStatus(status)) {
        const problem = `must be one of ${deliveryStatuses.join(', ')}`;
        throw new TenantryError('name_invalid', { field: 'status', problem });
      }
      if ([endpointId, messageId].some((id) => id !== null && !isUuid(id))) return { items: [], nextCursor: null };
      const filter = { tenantId: tenant, endpointId, messageId, status, ...part };
      const found = await listDeliveries(options?.db ?? db, filter);
      return pageOf(found, part.limit, (last) => (endpointId === null ? last.endpointId : last.messageId));
    },

    async attempts({ tenantId, endpointId, messageId }, options) {
      const tenant = readTenantId('webhooks.attempts', tenantId);
      if (!isUuid(endpointId) || !isUuid(messageId)) return [];
      return listAttempts(options?.db ?? db, { tenantId: tenant, endpointId, messageId });
    },

    replay: createReplay(toolbox),

    async prune({ before, tenantId }, options) {
      const tenant = tenantId === undefined ? null : readTenantId('webhooks.prune', tenantId);
      if (!isMoment(before)) throw new TenantryError('name_invalid', { field: 'before', problem: 'must be a Date' });
      return pruneMessages(options?.db ?? db, before, tenant);
    },

    async reencrypt(options) {
      const secrets = toolbox.secretBox();
      const handle = options?.db ?? db;
      const first = await reencrypt(handle, { secrets, table: 'tenantry.webhook_endpoint_secrets', column: 'secret' });
      const second = await reencrypt(handle, { secrets, table: 'tenantry.webhook_endpoints', column: 'headers' });
      return { sealed: first.sealed + second.sealed, skipped: first.skipped + second.skipped };
    },

    openApi: (input) => openApiOf(catalogue, input),
  };
}
