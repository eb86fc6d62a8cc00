import { describe, expect, it } from 'vitest';
import { createFetchAdapter, createFront, problemOf, readJson } from './index.ts';
import { callerOf, requestIdOf } from './visit.ts';

const exchange = (headers: Readonly<Record<string, string>>, ip?: string) => ({
  headers,
  url: '/',
  ip,
  tell: () => 0,
  forget: () => 0,
});

describe('requestIdOf', () => {
  it('keeps the name that a caller gives a request, where it is one', () => {
    const named = (id: string) => requestIdOf(exchange({ 'x-request-id': id }), 'x-request-id', () => 'made');
    expect(['a', 'req_1:2/3+4=@5-6.7', 'x'.repeat(128)].map(named)).not.toContain('made');
    for (const id of ['', ' ', 'a b', 'a\nb', 'x'.repeat(129), '<b>', '"', 'é']) expect(named(id)).toBe('made');
    expect(requestIdOf(exchange({ 'x-request-id': 'a' }), null, () => 'made')).toBe('made');
  });
});

describe('callerOf', () => {
  it('keeps of what a caller calls itself what a trail can store', () => {
    const agentOf = (agent: string) => callerOf(exchange({ 'user-agent': agent }), 'a').userAgent;
    expect(agentOf('curl/8.0 (é)')).toBe('curl/8.0 (é)');
    expect(agentOf('a\u0000b\ud800c\u202ed')).toBe('a?b?c?d');
    expect(agentOf('x'.repeat(10_000))).toHaveLength(500);
    expect(callerOf(exchange({}), 'a')).toEqual({ requestId: 'a', userAgent: undefined, ip: undefined });
  });
});

describe('problemOf', () => {
  const made = (more: object, message = 'no such bot'): Error => Object.assign(new Error(message), more);

  it('repeats what a framework or the application wrote for the client', () => {
    const meant = [
      made({ status: 404, expose: true }),
      made({ statusCode: 404, code: 'FST_ERR_NOT_FOUND' }),
      made({ statusCode: 404, name: 'FastifyError' }),
    ];
    for (const error of meant) {
      const { status, body } = problemOf(error);
      expect([status, body]).toEqual([
        404,
        { type: 'about:blank', title: 'Not Found', status: 404, detail: 'no such bot' },
      ]);
    }
    expect(problemOf(made({ status: 400, expose: true }, 'x'.repeat(9999))).body.detail).toHaveLength(500);
  });

  it('takes no other status for one of this program', () => {
    const foreign = [
      made({ status: 401 }),
      made({ statusCode: 402, type: 'StripeCardError' }),
      made({ status: 500, expose: true }),
      made({ status: 200, expose: true }),
      made({ status: 499, expose: true }),
      made({ status: '404', expose: true }),
      { status: 404, expose: true },
    ];
    for (const error of foreign) expect(problemOf(error).status).toBe(500);
  });

  it('tells neither what could not be decoded nor what was cut off', () => {
    for (const error of [
      Object.assign(new URIError('Failed to decode %ff'), { status: 400 }),
      made({ statusCode: 400, code: 'ECONNRESET' }, 'aborted'),
    ]) {
      expect(problemOf(error).body).toEqual({ type: 'about:blank', title: 'Bad Request', status: 400 });
    }
  });
});

describe('createFetchAdapter', () => {
  it('answers where the address of the caller cannot be told', async () => {
    const door = createFetchAdapter(
      { access: { forRequest: () => Promise.reject(new Error('let in without an address')) } },
      {
        ipOf(request) {
          throw new TypeError(`no address stands in ${request.headers.get('x-real-ip')}`);
        },
      },
    );
    const request = () => new Request('https://api.example.com/');
    const guarded = await door.handler({}, () => Response.json({}))(request());
    expect([guarded.status, guarded.headers.get('content-type')]).toEqual([500, 'application/problem+json']);
    expect(await door.open(() => Response.json({}))(request())).toMatchObject({ status: 200 });
  });
});

describe('readJson', () => {
  const request = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    new Request('https://api.example.com/', { method: 'POST', headers: { 'content-type': type }, body });

  it('reads JSON of any kind, whatever else its type says', async () => {
    expect(await readJson(request('{"a":1}', 'application/vnd.acme+json; charset=utf-8'))).toEqual({ a: 1 });
    expect(await readJson(request('null'))).toBeNull();
  });

  it('refuses another type, too many bytes, and what is no JSON in UTF-8', async () => {
    const cases = [
      [request('{}', 'text/plain'), 'media_type_unsupported'],
      [request('{}', 'application/jsonp'), 'media_type_unsupported'],
      [request(`"${'x'.repeat(100)}"`), 'body_too_large'],
      [request(''), 'body_invalid'],
      [request('{'), 'body_invalid'],
      [request(Uint8Array.of(0x22, 0xff, 0x22)), 'body_invalid'],
    ] as const;
    for (const [what, code] of cases) await expect(readJson(what, { maxBytes: 100 })).rejects.toMatchObject({ code });
  });
});

describe('createFront', () => {
  it('refuses to be made of nothing', () => {
    // @ts-expect-error: there is no gate
    expect(() => createFront({}, exchange)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });
});
