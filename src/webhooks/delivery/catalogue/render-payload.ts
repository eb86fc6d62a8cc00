import type { EventCatalogue } from './define-events.ts';

/** The body of a message: what Standard Webhooks asks for. */
export interface WebhookPayload {
  readonly type: string;
  /** When it happened, ISO 8601. */
  readonly timestamp: string;
  readonly data: unknown;
}

/**
 * The body of a message as an endpoint of a version is sent it. Messages are stored in the newest version; what an older
 * one was is made of it, version by version.
 */
export function renderPayload(
  catalogue: EventCatalogue,
  payload: string,
  type: string,
  version: string | null,
): string {
  const steps =
    version === null ? [] : (catalogue.events.get(type)?.older ?? []).filter((one) => one.version >= version);
  if (steps.length === 0) return payload;
  const parsed: WebhookPayload = JSON.parse(payload);
  let data: unknown = parsed.data;
  for (const { from } of steps) data = Reflect.apply(from, undefined, [data]);
  return JSON.stringify({ ...parsed, data });
}
