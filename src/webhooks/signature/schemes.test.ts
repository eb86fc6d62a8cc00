import { describe, expect, it } from 'vitest';
import {
  signGithubWebhook,
  signStripeWebhook,
  unwrapGithubWebhook,
  unwrapStripeWebhook,
  verifyGithubWebhook,
  verifyStripeWebhook,
} from '../index.ts';

const now = new Date('2026-03-01T12:00:00Z');
const clock = (): Date => now;
const secret = 'whsec_test_secret';
const body = '{"id":"evt_1","type":"invoice.paid"}';

describe("Stripe's scheme", () => {
  const verify = (header: string, more: { readonly body?: string | Uint8Array; readonly secret?: string[] } = {}) => {
    const result = verifyStripeWebhook({ headers: { 'stripe-signature': header }, body, secret, clock, ...more });
    return result.ok ? 'ok' : result.reason;
  };
  const header = signStripeWebhook({ timestamp: now, body, secret })['stripe-signature'];
  const [, hex = ''] = header.split('v1=');
  const t = now.getTime() / 1000;

  it('takes any of the signatures and of the secrets', () => {
    expect(verify(header)).toBe('ok');
    expect(verify(`t=${t},v0=${hex},v1=${'0'.repeat(64)},v1=${hex}`)).toBe('ok');
    expect(verify(header, { secret: ['whsec_another', secret] })).toBe('ok');
    const both = signStripeWebhook({ timestamp: now, body, secret: [secret, 'whsec_another'] })['stripe-signature'];
    expect(verify(both, { secret: ['whsec_another'] })).toBe('ok');
  });

  it('gives the reason of each refusal', () => {
    expect(verify('')).toBe('missing_headers');
    expect(verify(hex)).toBe('invalid_timestamp');
    expect(verify(`t=${t}junk,v1=${hex}`)).toBe('invalid_timestamp');
    expect(verify(`t=${t},t=${t},v1=${hex}`)).toBe('invalid_headers');
    expect(verify(`t=${t}${`,v1=${hex}`.repeat(17)}`)).toBe('invalid_headers');
    expect(verify(`${header},v2=${'0'.repeat(4096)}`)).toBe('invalid_headers');
    expect(verify(`t=${t},v0=${hex}`)).toBe('no_matching_signature');
    expect(verify(`t=${t},v1=${hex.toUpperCase()}`)).toBe('no_matching_signature');
    expect(verify(header, { body: `${body} ` })).toBe('no_matching_signature');
    expect(verify(header, { secret: [] })).toBe('no_key');
  });

  it('refuses a time out of tolerance in both directions', () => {
    for (const [seconds, expected] of [
      [-300, 'ok'],
      [300, 'ok'],
      [-301, 'timestamp_out_of_tolerance'],
      [301, 'timestamp_out_of_tolerance'],
    ] as const) {
      const signed = signStripeWebhook({ timestamp: t + seconds, body, secret });
      expect(verify(signed['stripe-signature'])).toBe(expected);
    }
  });

  it('signs bytes', () => {
    const headers = signStripeWebhook({ timestamp: now, body: Uint8Array.of(0xff), secret });
    expect(verify(headers['stripe-signature'], { body: Uint8Array.of(0xff) })).toBe('ok');
    expect(verify(headers['stripe-signature'], { body: Uint8Array.of(0xfe) })).toBe('no_matching_signature');
  });

  it('unwraps the event with its id', () => {
    expect(unwrapStripeWebhook({ headers: { 'stripe-signature': header }, body, secret, clock })).toEqual({
      id: 'evt_1',
      timestamp: now,
      payload: { id: 'evt_1', type: 'invoice.paid' },
    });
    for (const text of ['no json', '{}', '{"id":7}', '[]', 'null']) {
      const headers = signStripeWebhook({ timestamp: now, body: text, secret });
      expect(() => unwrapStripeWebhook({ headers, body: text, secret, clock })).toThrow(
        expect.objectContaining({ code: 'webhook_signature_invalid', details: { reason: 'invalid_payload' } }),
      );
    }
  });
});

describe("GitHub's scheme", () => {
  const signed = { ...signGithubWebhook({ body, secret }), 'X-GitHub-Delivery': 'd-1', 'X-GitHub-Event': 'push' };
  const verify = (headers: Record<string, string>, bytes: string | Uint8Array = body) => {
    const result = verifyGithubWebhook({ headers, body: bytes, secret });
    return result.ok ? 'ok' : result.reason;
  };

  it('gives the delivery and the event', () => {
    expect(verifyGithubWebhook({ headers: signed, body, secret: ['another secret', secret] })).toEqual({
      ok: true,
      id: 'd-1',
      event: 'push',
    });
    expect(unwrapGithubWebhook({ headers: signed, body, secret })).toMatchObject({ payload: { id: 'evt_1' } });
  });

  it('gives the reason of each refusal', () => {
    const signature = signed['x-hub-signature-256'];
    expect(verify({})).toBe('missing_headers');
    expect(verify({ 'x-hub-signature': signature })).toBe('missing_headers');
    expect(verify({ 'x-hub-signature-256': signature.slice(7) })).toBe('no_matching_signature');
    expect(verify({ 'x-hub-signature-256': `${signature}, ${signature}` })).toBe('no_matching_signature');
    expect(verify(signed, `${body} `)).toBe('no_matching_signature');
    expect(verifyGithubWebhook({ headers: signed, body, secret: [] })).toMatchObject({ reason: 'no_key' });
    expect(verifyGithubWebhook({ headers: signed, body, secret, maxBodyBytes: 3 })).toMatchObject({
      reason: 'body_too_large',
    });
  });

  it('does not compare what lies beyond ASCII, or what an earlier text left behind', () => {
    const signature = signed['x-hub-signature-256'];
    expect(verify(signed)).toBe('ok');
    for (const letter of ['é', 'Ł', '😀']) {
      for (const at of [7, 40, 70]) {
        const changed = `${signature.slice(0, at)}${letter}${signature.slice(at + letter.length)}`;
        expect(verify({ 'x-hub-signature-256': changed })).toBe('no_matching_signature');
      }
    }
    const cut = `${signature.slice(0, -1)}é`;
    expect(verify({ 'x-hub-signature-256': cut })).toBe('no_matching_signature');
  });
});

it('refuses secrets that can be guessed', () => {
  const missing: string = JSON.parse('{}').secret;
  for (const bad of ['', 'short', missing]) {
    for (const sign of [
      () => signGithubWebhook({ body, secret: bad }),
      () => verifyGithubWebhook({ headers: {}, body, secret: [bad] }),
      () => signStripeWebhook({ timestamp: now, body, secret: [bad] }),
    ]) {
      expect(sign).toThrow(expect.objectContaining({ code: 'webhook_secret_invalid' }));
    }
  }
});
