import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  signGithubWebhook,
  signStripeWebhook,
  signWebhook,
  verifyGithubWebhook,
  verifyStripeWebhook,
  verifyWebhook,
  webhookKey,
} from '../index.ts';

interface Vector {
  readonly source: string;
  readonly scheme: string;
  readonly secret: string;
  readonly id: string;
  readonly timestamp: number | string;
  readonly payload: string | null;
  readonly payload_repeat?: readonly [string, number];
  readonly signature: string;
  /** Null: only the form is published, not the key. */
  readonly valid: boolean | null;
  /** What the clock says, in Unix seconds; the vector's own timestamp when absent. */
  readonly now?: number;
}

/** What other libraries signed. HMAC gives one answer, so what is signed here alike is verified there as well. */
interface PeerMessage {
  readonly by: string;
  readonly scheme: 'standard' | 'stripe';
  readonly secret: string;
  readonly id: string;
  readonly timestamp: number;
  readonly body: string;
  readonly signature: string;
}

const fixture = (name: string) => readFileSync(new URL(`../../../tests/fixtures/${name}`, import.meta.url), 'utf8');
const vectors: readonly Vector[] = JSON.parse(fixture('webhook-vectors.json'));
const messages: readonly PeerMessage[] = JSON.parse(fixture('webhook-peer-messages.json'));

const titled = (list: readonly Vector[]) =>
  list.map((vector) => [`${vector.valid ? 'takes' : 'refuses'} ${vector.scheme}: ${vector.source}`, vector] as const);
const of = (...schemes: string[]) => titled(vectors.filter(({ scheme }) => schemes.includes(scheme)));
const bodyOf = ({ payload, payload_repeat: [text, times] = ['', 0] }: Vector) => payload ?? text.repeat(times);
/** Some vectors give an Ed25519 key as its seed in hex. */
const secretOf = ({ secret }: Vector) =>
  secret.startsWith('seed:') ? `whsk_${Buffer.from(secret.slice(5), 'hex').toString('base64')}` : secret;
const headersOf = ({ id, timestamp, signature }: Vector) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
});

describe('published vectors', () => {
  it.each(of('standard-v1', 'standard-v1a'))('%s', (_title, vector) => {
    const body = bodyOf(vector);
    const secret = secretOf(vector);
    const at = new Date(Number(vector.now ?? vector.timestamp) * 1000);
    const result = verifyWebhook({ headers: headersOf(vector), body, secret, clock: () => at });
    expect(result.ok).toBe(vector.valid);
    if (vector.valid) {
      const own = signWebhook({ id: vector.id, timestamp: at, body, secret });
      expect(vector.signature).toContain(own['webhook-signature']);
    }
  });

  it.each(of('standard-v1a-key'))('%s', (_title, { secret, valid }) => {
    if (valid) expect(webhookKey(secret).version).toBe('v1a');
    else expect(() => webhookKey(secret)).toThrow(expect.objectContaining({ code: 'webhook_secret_invalid' }));
  });

  it.each(of('standard-format-only'))('reads, as no key is published, the form alone: %s', (_title, vector) => {
    const clock = () => new Date(Number(vector.timestamp) * 1000);
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const result = verifyWebhook({ headers: headersOf(vector), body: bodyOf(vector), secret, clock });
    expect(result).toEqual({ ok: false, reason: 'no_matching_signature' });
  });

  it.each(of('hmac-sha256-hex', 'github-256'))('%s', (_title, vector) => {
    const { secret } = vector;
    const body = bodyOf(vector);
    const signature = vector.signature.replace(/^(sha256=)?/, 'sha256=');
    const headers = { 'X-Hub-Signature-256': signature };
    expect(verifyGithubWebhook({ headers, body, secret }).ok).toBe(vector.valid);
    if (vector.valid) expect(signGithubWebhook({ body, secret })['x-hub-signature-256']).toBe(signature);
  });

  it.each(
    vectors.filter(({ scheme }) => scheme.startsWith('convoy')).map((vector) => [vector.source, vector] as const),
  )("refuses Convoy's own scheme, whose vectors hold over compacted JSON: %s", (_title, vector) => {
    const [, algorithm = '', encoding = ''] = /(sha\d+)-(\w+)$/.exec(vector.scheme) ?? [];
    const compact = JSON.stringify(JSON.parse(bodyOf(vector)));
    const text = vector.timestamp === null ? compact : `${vector.timestamp},${compact}`;
    const mac = createHmac(algorithm, vector.secret)
      .update(text)
      .digest(encoding === 'hex' ? 'hex' : 'base64');
    expect(vector.signature.replace(/^v\d=/, '')).toBe(mac);
    const headers = { 'stripe-signature': `t=${vector.timestamp},${vector.signature}` };
    const clock = () => new Date(Number(vector.timestamp) * 1000);
    const secret = vector.secret.padEnd(8);
    expect(verifyStripeWebhook({ headers, body: compact, secret, clock }).ok).toBe(false);
  });

  it('are all tried', () => {
    const tried = /^(standard-(v1|v1a|v1a-key|format-only)|hmac-sha256-hex|github-256|convoy-.*)$/;
    expect(vectors.filter(({ scheme }) => !tried.test(scheme))).toEqual([]);
    expect(vectors).toHaveLength(51);
  });
});

describe('other libraries', () => {
  it.each(messages.map((message) => [message.by, message] as const))(
    'sign as it is signed here: %s',
    (_by, message) => {
      const { id, timestamp, body, secret, signature } = message;
      const clock = () => new Date(timestamp * 1000);
      if (message.scheme === 'stripe') {
        const headers = { 'Stripe-Signature': signature };
        expect(verifyStripeWebhook({ headers, body, secret, clock })).toEqual({ ok: true, timestamp: clock() });
        expect(signStripeWebhook({ timestamp, body, secret })['stripe-signature']).toBe(signature);
        return;
      }
      const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature };
      expect(verifyWebhook({ headers, body, secret, clock })).toEqual({ ok: true, id, timestamp: clock() });
      expect(signWebhook({ id, timestamp, body, secret })).toEqual(headers);
    },
  );
});
