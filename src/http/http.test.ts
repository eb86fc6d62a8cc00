import { describe, expect, it } from 'vitest';
import { TenantryError } from '../core/index.ts';
import { problemOf, rateLimitHeaders, readCredential } from './index.ts';

const clock = (): Date => new Date('2026-01-31T23:59:00.500Z');

describe('readCredential', () => {
  it('reads a bearer token, or else the API key header', () => {
    expect(readCredential({ Authorization: 'Bearer abc' })).toEqual({ kind: 'bearer', value: 'abc' });
    expect(readCredential(new Headers({ authorization: 'bEARER  abc ' }))).toEqual({ kind: 'bearer', value: 'abc' });
    expect(readCredential([['X-Api-Key', ' abc ']])).toEqual({ kind: 'api-key', value: 'abc' });
    expect(readCredential({ authorization: 'Bearer abc', 'x-api-key': 'def' })).toMatchObject({ value: 'abc' });
    expect(readCredential({ authorization: 'Basic abc', 'x-api-key': 'def' })).toMatchObject({ value: 'def' });
  });

  it('gives nothing where there is nothing', () => {
    for (const headers of [{}, { authorization: '' }, { authorization: 'Bearer ' }, { 'x-api-key': '' }]) {
      expect(readCredential(headers)).toBeUndefined();
    }
  });
});

describe('problemOf', () => {
  it('tells code, details and status of an error of the library', () => {
    expect(problemOf(new TenantryError('slug_taken', { slug: 'acme' }))).toMatchObject({
      status: 409,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      body: { type: 'urn:tenantry:error:slug_taken', status: 409, code: 'slug_taken', details: { slug: 'acme' } },
    });
  });

  it('asks for a credential where there is none', () => {
    const { status, headers } = problemOf(new TenantryError('unauthenticated', { reason: 'missing' }));
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
  });

  it('tells when a quota may be tried again', () => {
    const details = { meter: 'calls', limit: 1, used: 1, requested: 1, resetsAt: '2026-02-01T00:00:00.000Z' };
    const { status, headers } = problemOf(new TenantryError('quota_exceeded', details), { clock });
    expect([status, headers['retry-after']]).toEqual([429, '60']);
  });

  it('tells when somebody else will be done', () => {
    const tenantId = '00000000-0000-7000-8000-000000000001';
    for (const code of ['billing_busy', 'tenant_in_maintenance'] as const) {
      expect(problemOf(new TenantryError(code, { tenantId, retryAfter: 5 })).headers['retry-after']).toBe('5');
    }
  });

  it('tells nothing of what the client cannot help', () => {
    const failures = [
      new Error('password is hunter2'),
      'hunter2',
      undefined,
      new TenantryError('raw_sql_unmarked', { sql: "select 'hunter2'" }),
    ];
    for (const failure of failures) {
      const problem = problemOf(failure);
      expect(problem.status).toBe(500);
      expect(problem.body).toEqual({ type: 'about:blank', title: 'Internal Server Error', status: 500 });
    }
  });
});

describe('rateLimitHeaders', () => {
  const resetsAt = new Date('2026-02-01T00:00:00Z');

  it('tells what is left and when it resets', () => {
    expect(rateLimitHeaders('calls', { ok: true, limit: 50, remaining: 49, resetsAt }, { clock })).toEqual({
      ratelimit: '"calls";r=49;t=60',
      'ratelimit-policy': '"calls";q=50',
    });
  });

  it('tells a refused client how long to wait', () => {
    const headers = rateLimitHeaders('a"b', { ok: false, limit: 50, remaining: 0, resetsAt }, { clock });
    expect(headers).toMatchObject({ ratelimit: '"a\\"b";r=0;t=60', 'retry-after': '60' });
  });

  it('tells nothing of what has no limit or no period', () => {
    expect(
      rateLimitHeaders('calls', { ok: true, limit: 'unlimited', remaining: 'unlimited', resetsAt }, { clock }),
    ).toEqual({});
    expect(rateLimitHeaders('bots', { ok: true, limit: 1, remaining: 1, resetsAt: null }, { clock })).toEqual({});
  });
});
