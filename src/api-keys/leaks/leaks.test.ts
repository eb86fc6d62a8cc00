import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedClock } from '../../testing/index.ts';
import { makeToken } from '../token.ts';
import { createGithubReports } from './github-reports.ts';
import { findSecrets, secretPattern } from './secret-pattern.ts';

describe('the pattern of secrets', () => {
  it('finds every secret in a text, each once, and nothing whose checksum is wrong', () => {
    const secrets = [
      makeToken({ prefix: 'my_app', environment: 'live' }),
      makeToken({ prefix: 'my_app', environment: 'test' }),
    ];
    const other = makeToken({ prefix: 'other', environment: 'live' });
    const wrong = `${(secrets[0] ?? '').slice(0, -1)}${secrets[0]?.endsWith('a') ? 'b' : 'a'}`;
    const text = `KEY="${secrets[0]}"\n// ${secrets[1]}, ${secrets[0]} ${other} x${secrets[0]} ${secrets[0]}0 ${wrong}`;
    expect(findSecrets(text, 'my_app')).toEqual(secrets);
    expect(text.match(new RegExp(secretPattern('my_app'), 'g'))).toEqual([...secrets, secrets[0], wrong]);
  });

  it('finds nothing where there is nothing', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => findSecrets(text, 'hc').length === 0));
    for (const prefix of ['', 'a-b', '.*']) {
      expect(() => secretPattern(prefix)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
  });
});

describe("GitHub's reports", () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const secret = makeToken({ prefix: 'hc', environment: 'live' });
  const pem = (key: typeof pair.publicKey): string => key.export({ type: 'spki', format: 'pem' }).toString();

  function world() {
    const clock = fixedClock();
    const reported: unknown[] = [];
    let asked = 0;
    let answers: 'keys' | 'nothing' | 'failure' = 'keys';
    const receive = createGithubReports({
      clock,
      apiKeys: {
        async reportLeak(input) {
          reported.push(input);
          return input.secret === secret ? Object.assign(Object.create(null), { ended: 'key' }) : null;
        },
      },
      async fetch(url) {
        expect(url).toBe('https://api.github.com/meta/public_keys/secret_scanning');
        asked += 1;
        if (answers === 'failure') throw new Error('no network');
        const public_keys =
          answers === 'nothing' ? 'oops' : [{ key_identifier: 'one', key: pem(pair.publicKey), is_current: true }];
        return { ok: true, json: async () => ({ public_keys }) };
      },
    });
    const send = (body: string | Uint8Array, { by = pair, identifier = 'one', signed = body } = {}) => {
      const signature = sign('sha256', Buffer.from(signed), by.privateKey).toString('base64');
      return receive({
        headers: { 'Github-Public-Key-Identifier': identifier, 'Github-Public-Key-Signature': signature },
        body,
      });
    };
    return { clock, reported, receive, send, asked: () => asked, answer: (how: typeof answers) => (answers = how) };
  }

  it('end the secrets that are ours and say which were', async () => {
    const { send, reported, asked } = world();
    const url = 'https://github.com/a/b/blob/x.ts#L1';
    const body = JSON.stringify([
      { token: secret, type: 'hc_api_key', url, source: 'content' },
      { token: 'hc_live_nonsense', type: 'hc_api_key', url: '', source: 'commit' },
    ]);
    expect(await send(body)).toEqual({
      status: 200,
      body: [
        { token_raw: secret, token_type: 'hc_api_key', label: 'true_positive' },
        { token_raw: 'hc_live_nonsense', token_type: 'hc_api_key', label: 'false_positive' },
      ],
    });
    expect(reported).toEqual([
      { secret, source: 'github', url },
      { secret: 'hc_live_nonsense', source: 'github', url: null },
    ]);
    expect(await send(Buffer.from(body))).toMatchObject({ status: 200 });
    expect(asked()).toBe(1);
  });

  it('are believed only when GitHub signed exactly this body', async () => {
    const { send, receive, reported } = world();
    const body = JSON.stringify([{ token: secret, type: 'x', url: '' }]);
    for (const answer of [
      receive({ headers: {}, body }),
      receive({ headers: { 'github-public-key-identifier': 'one', 'github-public-key-signature': 'nonsense' }, body }),
      receive({ headers: { 'github-public-key-identifier': 'one', 'github-public-key-signature': '' }, body }),
      send(body, { by: stranger }),
      send(body, { signed: `${body} ` }),
      send(body, { identifier: 'two' }),
    ]) {
      expect(await answer).toEqual({ status: 401, body: [] });
    }
    expect(reported).toEqual([]);
  });

  it.each([
    {
      identifier: 'bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c',
      key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAd\nAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==',
      signature: 'MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==',
      body: '[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]',
    },
    {
      identifier: 'f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d',
      key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==',
      signature: 'MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY=',
      body: '[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]',
    },
  ])('that GitHub itself signed are understood ($identifier)', async ({ identifier, key, signature, body }) => {
    const reported: unknown[] = [];
    const receive = createGithubReports({
      apiKeys: {
        async reportLeak({ secret: token }) {
          reported.push(token);
          return null;
        },
      },
      fetch: async () => ({
        ok: true,
        json: async () => ({
          public_keys: [
            { key_identifier: identifier, key: `-----BEGIN PUBLIC KEY-----\n${key}\n-----END PUBLIC KEY-----\n` },
          ],
        }),
      }),
    });
    const headers = { 'github-public-key-identifier': identifier, 'github-public-key-signature': signature };
    expect(await receive({ headers, body })).toEqual({
      status: 200,
      body: [{ token_raw: 'some_token', token_type: 'some_type', label: 'false_positive' }],
    });
    expect(await receive({ headers, body: body.replace('some_token', 'some_tokem') })).toMatchObject({ status: 401 });
    const last = signature.at(-5) === 'A' ? 'B' : 'A';
    const changed = `${signature.slice(0, -5)}${last}${signature.slice(-4)}`;
    expect(await receive({ headers: { ...headers, 'github-public-key-signature': changed }, body })).toMatchObject({
      status: 401,
    });
    expect(reported).toEqual(['some_token']);
  });

  it('that cannot be understood are refused', async () => {
    const { send, reported } = world();
    for (const body of ['', '{}', '[1]', '[{"token":1}]', 'null', `[${'1,'.repeat(1001)}1]`, ' '.repeat(5_000_001)]) {
      expect(await send(body)).toEqual({ status: 400, body: [] });
    }
    expect(reported).toEqual([]);
  });

  it('with made-up identifiers make us ask for keys once in a minute', async () => {
    const { send, asked, clock } = world();
    for (let index = 0; index < 5; index += 1) await send('[]', { identifier: `made-up-${index}` });
    expect(asked()).toBe(1);
    clock.advance(60_000);
    expect(await send('[]', { identifier: 'two' })).toMatchObject({ status: 401 });
    expect(asked()).toBe(2);
    clock.advance(24 * 3_600_000);
    expect(await send('[]')).toEqual({ status: 200, body: [] });
    expect(asked()).toBe(3);
  });

  it('wait when the keys cannot be had, and go by those that are known', async () => {
    const { send, answer, clock } = world();
    answer('failure');
    expect(await send('[]')).toEqual({ status: 503, body: [] });
    answer('nothing');
    expect(await send('[]')).toEqual({ status: 503, body: [] });
    answer('keys');
    expect(await send('[]')).toEqual({ status: 200, body: [] });
    answer('failure');
    clock.advance(48 * 3_600_000);
    expect(await send('[]')).toEqual({ status: 200, body: [] });
  });
});
