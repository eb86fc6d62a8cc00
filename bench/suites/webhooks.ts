import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { signWebhook, verifyWebhook, webhookKey } from '../../src/webhooks/index.ts';
import type { Bench, Row, Suite } from '../harness.ts';
import { loadPeer } from '../load-peer.ts';
import { delivering } from './webhook-delivery.ts';
import { slowEndpoint } from './webhook-slow-endpoint.ts';

const id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W';
const at = [1];

/**
 * Signing and verifying: against the bare HMAC of node:crypto with a key object, the least that can be done, and against
 * `standardwebhooks`, which parses no body here either.
 */
export const suite: Suite = async (bench) => {
  const bytes = randomBytes(32);
  const text = `whsec_${bytes.toString('base64')}`;
  return [
    ...(await againstHmac(bench, '1k', text, bytes, 1024)),
    ...(await againstHmac(bench, '64k', text, bytes, 65_536)),
    ...(await againstPeer(bench, text)),
    await delivering(bench),
    await slowEndpoint(bench),
  ];
};

async function againstHmac(bench: Bench, size: string, text: string, bytes: Buffer, length: number): Promise<Row[]> {
  const secret = webhookKey(text);
  const key = createSecretKey(bytes);
  const body = Buffer.from(bodyOf(length));
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = signWebhook({ id, timestamp, body, secret });
  const hmac = (): Buffer => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  const expected = hmac();
  const signing = await bench.compare({
    name: `sign-${size}/hmac`,
    at,
    ours: () => signWebhook({ id, timestamp, body, secret }),
    reference: () => hmac().toString('base64'),
  });
  const verifying = await bench.compare({
    name: `verify-${size}/hmac`,
    at,
    ours() {
      if (!verifyWebhook({ headers, body, secret }).ok) throw new Error('refused');
    },
    reference() {
      if (!timingSafeEqual(hmac(), expected)) throw new Error('refused');
    },
  });
  return [...signing, ...verifying];
}

interface Peer {
  sign(id: string, timestamp: Date, body: string): string;
  verify(body: string, headers: Record<string, string>, options: { jsonParse: boolean }): unknown;
}

async function againstPeer(bench: Bench, text: string): Promise<Row[]> {
  const { Webhook } = await loadPeer('standardwebhooks');
  if (typeof Webhook !== 'function') throw new Error('standardwebhooks has no Webhook');
  const peer: Peer = Reflect.construct(Webhook, [text]);
  const secret = webhookKey(text);
  const body = bodyOf(1024);
  const timestamp = new Date();
  const headers = { ...signWebhook({ id, timestamp, body, secret }) };
  const signing = await bench.compare({
    name: 'sign-1k/standardwebhooks',
    at,
    ours: () => signWebhook({ id, timestamp, body, secret }),
    reference: () => peer.sign(id, timestamp, body),
  });
  const verifying = await bench.compare({
    name: 'verify-1k/standardwebhooks',
    at,
    ours() {
      if (!verifyWebhook({ headers, body, secret }).ok) throw new Error('refused');
    },
    reference: () => peer.verify(body, headers, { jsonParse: false }),
  });
  return [...signing, ...verifying];
}

function bodyOf(length: number): string {
  return JSON.stringify({ type: 'bench.sent', data: '' }).replace('""', `"${'x'.repeat(length - 32)}"`);
}
