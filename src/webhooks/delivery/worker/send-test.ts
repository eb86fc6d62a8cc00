import { TenantryError } from '../../../core/index.ts';
import { run } from '../../../database/run.ts';
import type { Endpoints } from '../endpoints/endpoints-interface.ts';
import type { Attempt } from '../log/attempt-log.ts';
import { listAttempts } from '../log/attempt-log.ts';
import { payloadText } from '../publish/publish.ts';
import { noEndpoint, readEndpointRef, type Toolbox } from '../toolbox.ts';
import type { MakeAttempt } from './attempt.ts';
import type { Recorder } from './record.ts';
import { readTargets } from './target-store.ts';

/** What a test sends where no type was named. It is in no catalogue, and no filter lets it through. */
const testType = 'webhook_endpoint.test';

/** The message and its delivery, which is claimed already: no worker takes it, unless this process ends meanwhile. */
const insertText = `
  with message as (
    insert into tenantry.webhook_messages (tenant_id, id, type, payload, created_at, deliver_at)
    values ($1::uuid, $3::uuid, $4::text, $5::text, $6::timestamptz, $6::timestamptz)
  )
  insert into tenantry.webhook_deliveries
    (tenant_id, endpoint_id, message_id, status, due_at, leased_at, fence, tries, trigger, created_at)
  values ($1::uuid, $2::uuid, $3::uuid, 'pending', $7::timestamptz, $6::timestamptz, 1, 1, 'test', $6::timestamptz)`;

/** Makes what sends tests to endpoints. */
export function createTest(
  { db, clock, ids, catalogue }: Toolbox,
  {
    attempt,
    recorder,
    leaseMilliseconds,
    maxPayloadBytes,
  }: {
    readonly attempt: MakeAttempt;
    readonly recorder: Recorder;
    readonly leaseMilliseconds: number;
    readonly maxPayloadBytes: number;
  },
): Endpoints['test'] {
  function example(type: string, endpointId: string): unknown {
    if (type === testType) return { endpointId };
    const [first] = catalogue.events.get(type)?.examples ?? [];
    if (first !== undefined) return first;
    throw new TenantryError('webhook_event_invalid', { type: type.slice(0, 128), problem: 'it has no example' });
  }

  return async ({ type = testType, ...given }): Promise<Attempt> => {
    const ref = readEndpointRef('webhooks.endpoints.test', given);
    const data = example(type, ref.endpointId);
    const now = clock();
    const target = (await readTargets(db, [ref], now)).get(ref.endpointId);
    if (target === undefined) throw noEndpoint(ref.endpointId);
    const messageId = ids();
    const payload = payloadText({ type, timestamp: now.toISOString(), data }, maxPayloadBytes);
    const until = new Date(now.getTime() + leaseMilliseconds);
    await run(db, insertText, [ref.tenantId, ref.endpointId, messageId, type, payload, now, until]);
    const claimed = {
      ...ref,
      messageId,
      fence: 1,
      tries: 1,
      trigger: 'test',
      type,
      payload,
      dueAt: now,
      traceParent: null,
    };
    await recorder.record(await attempt(claimed, target, { once: true }));
    const [logged] = await listAttempts(db, { ...ref, messageId });
    if (logged === undefined) throw noEndpoint(ref.endpointId);
    return logged;
  };
}
