import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createWebhookKeyPair,
  createWebhookSecret,
  signWebhook,
  unwrapWebhookAsync,
  verifyWebhook,
  verifyWebhookAsync,
  webhookKey,
} from '../index.ts';

const now = new Date('2026-03-01T12:00:00Z');
const clock = (): Date => now;
const pair = createWebhookKeyPair();
const secret = createWebhookSecret();
const sign = (body: string | Uint8Array, by: string | string[] = pair.secretKey) =>
  signWebhook({ id: 'msg_1', timestamp: now, body, secret: by });

describe('v1a', () => {
  it('verifies with the public key what the secret one signed, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat(7), (body, at, bit) => {
        const headers = sign(body);
        expect(verifyWebhook({ headers, body, secret: pair.publicKey, clock })).toMatchObject({ ok: true });
        const flipped = Uint8Array.from(body);
        flipped[at % body.length] = (flipped[at % body.length] ?? 0) ^ (1 << bit);
        expect(verifyWebhook({ headers, body: flipped, secret: pair.publicKey, clock }).ok).toBe(false);
        const signature = Buffer.from(headers['webhook-signature'], 'latin1');
        signature[at % signature.length] = (signature[at % signature.length] ?? 0) ^ (1 << bit);
        const changed = { ...headers, 'webhook-signature': signature.toString('latin1') };
        expect(verifyWebhook({ headers: changed, body, secret: pair.publicKey, clock }).ok).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('reads a whsk_ of 32 bytes and of 64, and refuses one whose halves do not belong together', () => {
    const bytes = Buffer.from(pair.secretKey.slice(5), 'base64');
    const seed = `whsk_${bytes.subarray(0, 32).toString('base64url')}`;
    expect(sign('{}', seed)).toEqual(sign('{}'));
    const other = Buffer.concat([bytes.subarray(0, 32), Buffer.alloc(32, 7)]).toString('base64');
    const bad = [`whsk_${other}`, 'whsk_', `whsk_${'A'.repeat(44)}`, `whpk_${'A'.repeat(86)}==`];
    for (const text of bad) {
      expect(() => webhookKey(text)).toThrow(expect.objectContaining({ code: 'webhook_secret_invalid' }));
    }
  });

  it('never signs with a public key', () => {
    expect(() => sign('{}', pair.publicKey)).toThrow(expect.objectContaining({ code: 'webhook_secret_invalid' }));
  });

  it('counts a signature only under the label of the key', () => {
    const [v1 = '', v1a = ''] = sign('{}', [secret, pair.secretKey])['webhook-signature'].split(' ');
    const tried = (signature: string, by: string) =>
      verifyWebhook({ headers: { ...sign('{}'), 'webhook-signature': signature }, body: '{}', secret: by, clock }).ok;
    expect([tried(v1, secret), tried(v1a, pair.publicKey)]).toEqual([true, true]);
    expect([tried(`${v1} ${v1a}`, secret), tried(`${v1} ${v1a}`, pair.publicKey)]).toEqual([true, true]);
    expect([tried(v1.replace('v1,', 'v1a,'), secret), tried(v1a.replace('v1a,', 'v1,'), pair.publicKey)]).toEqual([
      false,
      false,
    ]);
    // The bytes of a public key are known to all: an HMAC with them must never count.
    const forged = sign('{}', pair.publicKey.replace('whpk_', 'whsec_'))['webhook-signature'];
    expect([tried(forged, pair.publicKey), tried(forged.replace('v1,', 'v1a,'), pair.publicKey)]).toEqual([
      false,
      false,
    ]);
  });
});

describe('verifyWebhookAsync', () => {
  it('says what verifyWebhook says', async () => {
    const keys = [secret, pair.publicKey];
    const headers = sign('{"a":1}', [secret, pair.secretKey]);
    const inputs = [
      { headers, body: '{"a":1}', secret: keys, clock },
      { headers, body: '{"a":1}', secret: pair.publicKey, clock },
      { headers, body: '{"a":2}', secret: keys, clock },
      { headers, body: '{"a":1}', secret: [], clock },
      { headers, body: '{"a":1}', secret: createWebhookSecret(), clock },
      { headers, body: '{"a":1}', secret, clock, maxBodyBytes: 3 },
      { headers: {}, body: '{"a":1}', secret, clock },
    ];
    for (const input of inputs) expect(await verifyWebhookAsync(input)).toEqual(verifyWebhook(input));
  });

  it('fetches the secret only for a message that may be genuine', async () => {
    let fetched = 0;
    const fetch = async (): Promise<string> => {
      fetched += 1;
      return secret;
    };
    const headers = sign('{"a":1}', secret);
    const late = () => new Date(now.getTime() + 301_000);
    expect(await verifyWebhookAsync({ headers, body: '{"a":1}', secret: fetch, clock: late })).toMatchObject({
      reason: 'timestamp_out_of_tolerance',
    });
    expect(fetched).toBe(0);
    const { payload } = await unwrapWebhookAsync({ headers, body: '{"a":1}', secret: fetch, clock });
    expect([payload, fetched]).toEqual([{ a: 1 }, 1]);
  });
});
