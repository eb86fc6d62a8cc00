import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWebhookSecret, signWebhook, unwrapWebhook, verifyWebhook, webhookKey } from '../index.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const now = new Date('2026-03-01T12:00:00Z');
const clock = (): Date => now;
const signed = (body: string | Uint8Array = '{"a":1}', id = 'msg_1', timestamp: Date | number = now) =>
  signWebhook({ id, timestamp, body, secret });

describe('verifyWebhook', () => {
  it('gives the id and the time of what it verified', () => {
    expect(verifyWebhook({ headers: signed(), body: '{"a":1}', secret, clock })).toEqual({
      ok: true,
      id: 'msg_1',
      timestamp: now,
    });
  });

  it('refuses any flipped bit of body, id, time and signature', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), fc.nat(7), (body, at, bit) => {
        const headers = signed(body);
        const flipped = Uint8Array.from(body);
        flipped[at % body.length] = (flipped[at % body.length] ?? 0) ^ (1 << bit);
        expect(verifyWebhook({ headers, body, secret, clock }).ok).toBe(true);
        expect(verifyWebhook({ headers, body: flipped, secret, clock }).ok).toBe(false);
        for (const [name, value] of Object.entries(headers)) {
          const bytes = Buffer.from(value, 'latin1');
          bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (1 << bit);
          const changed = { ...headers, [name]: bytes.toString('latin1') };
          expect(verifyWebhook({ headers: changed, body, secret, clock }).ok).toBe(false);
        }
      }),
    );
  });

  it('signs bytes: bodies that are no UTF-8 differ', () => {
    const headers = signed(Uint8Array.of(0xff));
    expect(verifyWebhook({ headers, body: Uint8Array.of(0xff), secret, clock }).ok).toBe(true);
    expect(verifyWebhook({ headers, body: Uint8Array.of(0xfe), secret, clock }).ok).toBe(false);
  });

  it('takes a body as text, Buffer, Uint8Array and ArrayBuffer, and a view of a larger buffer', () => {
    const text = '{"name":"Žofie"}';
    const bytes = new TextEncoder().encode(text);
    const padded = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]);
    const bodies = [text, Buffer.from(text), bytes, bytes.slice().buffer, padded.subarray(2, 2 + bytes.length)];
    for (const body of bodies) expect(verifyWebhook({ headers: signed(text), body, secret, clock }).ok).toBe(true);
  });

  it('tells whoever hands in a parsed body how to get the raw one', () => {
    for (const body of [{ a: 1 }, [1], null, undefined]) {
      const parsed: string = JSON.parse(JSON.stringify({ body }))?.body;
      expect(() => verifyWebhook({ headers: signed(), body: parsed, secret, clock })).toThrow(TypeError);
      expect(() => verifyWebhook({ headers: signed(), body: parsed, secret, clock })).toThrow(/express\.raw/);
      expect(() => unwrapWebhook({ headers: signed(), body: parsed, secret, clock })).toThrow(/addContentTypeParser/);
    }
  });

  it('reads headers from Headers, records of any case, arrays and raw pairs, and from the svix names', () => {
    const headers = signed();
    const pairs = Object.entries(headers);
    const forms = [
      new Headers(headers),
      Object.fromEntries(pairs.map(([name, value]) => [name.toUpperCase(), value])),
      Object.fromEntries(pairs.map(([name, value]) => [name, [value]])),
      pairs,
      Object.fromEntries(pairs.map(([name, value]) => [name.replace('webhook', 'Svix'), value])),
      { ...headers, 'webhook-signature': ['v1,AAAA', headers['webhook-signature'], 'v1a,BBBB'] },
    ];
    for (const form of forms) {
      expect(verifyWebhook({ headers: form, body: '{"a":1}', secret, clock })).toMatchObject({ ok: true });
    }
  });

  it('never mixes the two families of header names', () => {
    const { 'webhook-id': id, ...rest } = signed();
    const headers = { ...rest, 'svix-id': id };
    expect(verifyWebhook({ headers, body: '{"a":1}', secret, clock })).toEqual({
      ok: false,
      reason: 'missing_headers',
    });
  });

  it('refuses a time out of tolerance in both directions', () => {
    const at = (offset: number) => {
      const headers = signed('{}', 'msg_1', new Date(now.getTime() + offset * 1000));
      return verifyWebhook({ headers, body: '{}', secret, clock });
    };
    expect([at(-300).ok, at(300).ok]).toEqual([true, true]);
    expect(at(-301)).toEqual({ ok: false, reason: 'timestamp_out_of_tolerance' });
    expect(at(301)).toEqual({ ok: false, reason: 'timestamp_out_of_tolerance' });
    const headers = signed('{}', 'msg_1', new Date(now.getTime() - 10_000));
    expect(verifyWebhook({ headers, body: '{}', secret, clock, toleranceSeconds: 5 }).ok).toBe(false);
    expect(() => verifyWebhook({ headers, body: '{}', secret, clock, toleranceSeconds: Number.NaN })).toThrow(
      TypeError,
    );
  });

  it('gives the reason of each refusal', () => {
    const headers = signed('{}');
    const reasonOf = (changed: Record<string, string>, more: { maxBodyBytes?: number } = {}) => {
      const result = verifyWebhook({ headers: { ...headers, ...changed }, body: '{}', secret, clock, ...more });
      return result.ok ? 'ok' : result.reason;
    };
    const signature = headers['webhook-signature'];
    expect(reasonOf({})).toBe('ok');
    expect(reasonOf({ 'webhook-id': '' })).toBe('missing_headers');
    expect(reasonOf({ 'webhook-id': 'a.b' })).toBe('invalid_headers');
    expect(reasonOf({ 'webhook-timestamp': '123junk' })).toBe('invalid_timestamp');
    expect(reasonOf({ 'webhook-timestamp': '1234567890123' })).toBe('invalid_timestamp');
    expect(reasonOf({ 'webhook-timestamp': '-1' })).toBe('invalid_timestamp');
    expect(reasonOf({}, { maxBodyBytes: 1 })).toBe('body_too_large');
    expect(reasonOf({ 'webhook-signature': signature.replace('v1,', 'v1a,') })).toBe('no_matching_signature');
    expect(reasonOf({ 'webhook-signature': signature.replace('=', '') })).toBe('no_matching_signature');
    expect(reasonOf({ 'webhook-signature': `${'v1,AA '.repeat(15)}${signature}` })).toBe('ok');
    expect(reasonOf({ 'webhook-signature': `${'v1,AA '.repeat(16)}${signature}` })).toBe('invalid_headers');
    expect(reasonOf({ 'webhook-signature': `v1,${'A'.repeat(4096)} ${signature}` })).toBe('invalid_headers');
    expect(verifyWebhook({ headers, body: '{}', secret: [], clock })).toEqual({ ok: false, reason: 'no_key' });
  });

  it('does not let one signature cover another split of id and body', () => {
    const mac = createHmac('sha256', webhookKey(secret).key);
    const seconds = String(now.getTime() / 1000);
    const headers = {
      'webhook-id': `msg.${seconds}`,
      'webhook-timestamp': seconds,
      'webhook-signature': `v1,${mac.update(`msg.${seconds}.${seconds}.{}`).digest('base64')}`,
    };
    expect(verifyWebhook({ headers, body: '{}', secret, clock })).toEqual({ ok: false, reason: 'invalid_headers' });
  });

  it('takes any of several secrets while one is being replaced', () => {
    const [old, fresh] = [createWebhookSecret(), createWebhookSecret()];
    const headers = signWebhook({ id: 'msg_1', timestamp: now, body: '{}', secret: [old, webhookKey(fresh)] });
    for (const known of [old, fresh, [createWebhookSecret(), fresh]]) {
      expect(verifyWebhook({ headers, body: '{}', secret: known, clock }).ok).toBe(true);
    }
    expect(verifyWebhook({ headers, body: '{}', secret: createWebhookSecret(), clock }).ok).toBe(false);
  });
});

describe('unwrapWebhook', () => {
  it('parses only what it has verified', () => {
    expect(unwrapWebhook({ headers: signed('{"a":[1]}'), body: '{"a":[1]}', secret, clock })).toEqual({
      id: 'msg_1',
      timestamp: now,
      payload: { a: [1] },
    });
    const refused = () => unwrapWebhook({ headers: signed('{}'), body: 'no json', secret, clock });
    expect(refused).toThrow(expect.objectContaining({ details: { reason: 'no_matching_signature' } }));
  });

  it('refuses what is no JSON or no UTF-8', () => {
    for (const body of ['', 'no json', Uint8Array.of(0x22, 0xff, 0x22)]) {
      const unwrap = () => unwrapWebhook({ headers: signed(body), body, secret, clock });
      expect(unwrap).toThrow(
        expect.objectContaining({ code: 'webhook_signature_invalid', details: { reason: 'invalid_payload' } }),
      );
    }
  });
});

describe('signWebhook', () => {
  it('refuses ids and times that a receiver would refuse', () => {
    const sign = (id: string, timestamp: Date | number) => () => signWebhook({ id, timestamp, body: '', secret });
    for (const id of ['', 'a.b', 'a b', 'a\r\nx: y', 'ä']) expect(sign(id, now)).toThrow(TypeError);
    for (const time of [now.getTime(), 1.5, -1, Number.NaN, new Date(Number.NaN)]) {
      expect(sign('msg_1', time)).toThrow(TypeError);
    }
    expect(() => signWebhook({ id: 'msg_1', timestamp: now, body: '', secret: [] })).toThrow(TypeError);
  });

  it('verifies what it signed, whatever the body, the id and the secret', () => {
    const id = fc.string({ unit: fc.constantFrom(...'abcXYZ019_-:/+'), minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(fc.uint8Array(), id, fc.integer({ min: 24, max: 64 }), (body, messageId, bytes) => {
        const own = createWebhookSecret({ bytes });
        const headers = signWebhook({ id: messageId, timestamp: now, body, secret: own });
        expect(verifyWebhook({ headers, body, secret: own, clock })).toMatchObject({ ok: true, id: messageId });
      }),
    );
  });
});

describe('secrets', () => {
  it('are made as the standard says', () => {
    expect(createWebhookSecret()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(createWebhookSecret()).not.toBe(createWebhookSecret());
    for (const bytes of [23, 65, 24.5]) expect(() => createWebhookSecret({ bytes })).toThrow(TypeError);
  });

  it('are read with URL-safe letters, without padding or prefix, and with white space', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (bytes) => {
        const base64 = Buffer.from(bytes).toString('base64');
        const strict = `whsec_${base64}`;
        const headers = signWebhook({ id: 'msg_1', timestamp: now, body: '{}', secret: strict });
        const urlSafe = Buffer.from(bytes).toString('base64url');
        for (const read of [base64, `whsec_${urlSafe}`, urlSafe, ` ${strict}\n`, `whsec_ ${base64}`]) {
          expect(verifyWebhook({ headers, body: '{}', secret: read, clock }).ok).toBe(true);
        }
      }),
    );
  });

  it('that are none are refused without being quoted', () => {
    for (const bad of ['', 'whsec_', 'whsec_AAAA', 'whsec_not base64!', `whpk_${'A'.repeat(44)}`, 'A'.repeat(45)]) {
      const read = () => webhookKey(bad);
      expect(read).toThrow(expect.objectContaining({ code: 'webhook_secret_invalid' }));
      if (bad.length > 8) expect(read).not.toThrow(bad);
    }
  });

  it('do not show when a key is printed', () => {
    const key = webhookKey(secret);
    expect(`${inspect(key, { depth: 9 })}${JSON.stringify(key)}`).not.toContain('MfKQ9r8G');
  });
});
