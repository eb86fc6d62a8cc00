import { systemClock } from 'tenantry/core';
import { createWebhookSecret, signWebhook, verifyWebhook } from 'tenantry/webhooks';
import type { Story } from './story.ts';

/** Signs a webhook and verifies it, as it was and with one letter changed. */
export function verifyWebhooks({ printer, promise }: Story, tenantId: string): void {
  const secret = createWebhookSecret();
  const body = JSON.stringify({ type: 'member.added', data: { organization: tenantId, name: "Siobhán O'Brien" } });
  const headers = signWebhook({ id: 'msg_hotcross_1', timestamp: systemClock(), body, secret });
  const genuine = verifyWebhook({ headers, body, secret });
  const tampered = verifyWebhook({ headers, body: body.replace('added', 'ended'), secret });
  printer.say(
    `a "member.added" webhook, signed by Standard Webhooks v1: ${headers['webhook-signature'].slice(0, 15)}…`,
  );
  promise(genuine.ok, 'the receiver verifies it');
  promise(!tampered.ok, `with one word changed it is refused${tampered.ok ? '' : ` (${tampered.reason})`}`);
}
