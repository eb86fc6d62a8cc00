import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createWebhookReceiver,
  createWebhookSecret,
  type FastifyReply,
  type ReceivedWebhook,
  signGithubWebhook,
  signStripeWebhook,
  signWebhook,
  type WebhookReceiver,
} from '../index.ts';
import { readNodeBody } from './read-body.ts';

const secret = createWebhookSecret();
const body = '{"type":"bot.created","data":{"id":7}}';
const sign = (text: string | Uint8Array = body) =>
  Object.entries(signWebhook({ id: 'msg_1', timestamp: new Date(), body: text, secret }));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

async function post(url: string, text: string | Uint8Array<ArrayBuffer> = body, headers = sign(text)): Promise<string> {
  const response = await fetch(url, { method: 'POST', headers, body: text });
  return `${response.status} ${await response.text()}`.trim();
}

/** What body parsers of frameworks do before a route: read the request, and leave something in its place. */
function parsed(receiver: WebhookReceiver, leave: (bytes: Buffer) => object): RequestListener {
  return async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const next = (error: unknown): void => void response.writeHead(500).end(String(error));
    await receiver.express(Object.assign(request, leave(Buffer.concat(chunks))), response, next);
  };
}

function collecting(maxBodyBytes?: number) {
  const received: ReceivedWebhook[] = [];
  const receiver = createWebhookReceiver({
    secret,
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    handle: async (message) => received.push(message),
  });
  return { received, receiver };
}

describe('node', () => {
  it('reads the bytes, verifies them and hands the message on', async () => {
    const { received, receiver } = collecting();
    const url = await serve(receiver.node);
    expect(await post(url)).toBe('204');
    expect(received).toEqual([
      { id: 'msg_1', type: 'bot.created', timestamp: expect.any(Date), payload: JSON.parse(body) },
    ]);
    expect(await post(url, `${body} `, sign())).toBe('400 no_matching_signature');
    expect(await post(url, body, [])).toBe('400 missing_headers');
    expect(await post(url, 'no json')).toBe('400 invalid_payload');
    expect(await post(url, Uint8Array.of(0xff))).toBe('400 invalid_payload');
    expect(received).toHaveLength(1);
  });

  it('stops reading a body that is too large, told or not', async () => {
    const { received, receiver } = collecting(100);
    const url = await serve(receiver.node);
    expect(await post(url, 'x'.repeat(101))).toBe('413 body_too_large');
    expect(received).toEqual([]);
  });

  it('lets who answers read the rest of one that is too large: Express answers an error only then', async () => {
    const url = await serve(async (request, response) => {
      expect(await readNodeBody(request, 100)).toBeNull();
      request.on('end', () => response.writeHead(413).end()).resume();
    });
    expect(await post(url, 'x'.repeat(1_000_000))).toBe('413');
  });

  it('answers 500 and tells of the error when the work fails', async () => {
    const errors: unknown[] = [];
    const failure = new Error('no disk');
    const handle = async () => Promise.reject(failure);
    const receiver = createWebhookReceiver({ secret, handle, onError: (error) => errors.push(error) });
    expect(await post(await serve(receiver.node))).toBe('500');
    expect(errors).toEqual([failure]);
  });

  it('says so when the request was read already', async () => {
    const errors: unknown[] = [];
    const receiver = createWebhookReceiver({
      secret,
      handle: async () => undefined,
      onError: (error) => errors.push(error),
    });
    const url = await serve((request, response) => {
      request.resume().on('end', () => receiver.node(request, response));
    });
    expect(await post(url)).toBe('500');
    expect(errors).toEqual([expect.any(TypeError)]);
  });
});

describe('express', () => {
  it('takes the bytes of express.raw, of a raw-body hook, and of a request that nobody read', async () => {
    const { received, receiver } = collecting();
    const next = (error: unknown) => expect(error).toBeUndefined();
    const urls = [
      await serve(parsed(receiver, (bytes) => ({ body: bytes }))),
      await serve(parsed(receiver, (bytes) => ({ body: JSON.parse(bytes.toString()), rawBody: bytes }))),
      // Express 4 leaves an empty object where no parser wanted the body.
      await serve((request, response) => receiver.express(Object.assign(request, { body: {} }), response, next)),
    ];
    for (const url of urls) expect(await post(url)).toBe('204');
    expect(received).toHaveLength(3);
  });

  it('names the remedy when a parser took the bytes, also where it left a text', async () => {
    const { received, receiver } = collecting();
    for (const leave of [
      (bytes: Buffer) => ({ body: JSON.parse(bytes.toString()) }),
      (bytes: Buffer) => ({ body: bytes.toString() }),
      () => ({}),
    ]) {
      expect(await post(await serve(parsed(receiver, leave)))).toMatch(/^500 TypeError: .*express\.raw/);
    }
    expect(received).toEqual([]);
  });

  it('hands errors of the work on', async () => {
    const receiver = createWebhookReceiver({ secret, handle: async () => Promise.reject(new Error('no disk')) });
    expect(await post(await serve(parsed(receiver, (bytes) => ({ body: bytes }))))).toBe('500 Error: no disk');
  });
});

describe('fastify', () => {
  const sent: unknown[] = [];
  const reply: FastifyReply = {
    code: (status) => {
      sent.push(status);
      return reply;
    },
    header: () => reply,
    send: (text) => sent.push(text),
  };
  const raw = { headers: {}, readableDidRead: true, on: () => 0, pause: () => 0 };

  it('takes the bytes of its content type parser, and names the remedy where there are none', async () => {
    const { received, receiver } = collecting();
    const headers = Object.fromEntries(sign());
    await receiver.fastify({ raw, headers, body: Buffer.from(body) }, reply);
    await receiver.fastify({ raw, headers, body: Buffer.from(`${body} `) }, reply);
    expect(sent).toEqual([204, '', 400, 'no_matching_signature']);
    await expect(receiver.fastify({ raw, headers, body: JSON.parse(body) }, reply)).rejects.toThrow(
      /addContentTypeParser/,
    );
    expect(received).toHaveLength(1);
  });
});

describe('fetch', () => {
  const request = (text: string | Uint8Array<ArrayBuffer> = body) =>
    new Request('https://app.example/hooks', { method: 'POST', headers: sign(text), body: text });

  it('answers as the standard says', async () => {
    const { received, receiver } = collecting(100);
    expect((await receiver.fetch(request())).status).toBe(204);
    const large = await receiver.fetch(request('x'.repeat(101)));
    expect([large.status, await large.text()]).toEqual([413, 'body_too_large']);
    const empty = new Request('https://app.example/hooks', { method: 'POST' });
    expect((await receiver.fetch(empty)).status).toBe(400);
    expect(received).toHaveLength(1);
  });

  it('names the remedy when the request was read already', async () => {
    const { receiver } = collecting();
    const read = request();
    await read.json();
    await expect(receiver.fetch(read)).rejects.toThrow(/arrayBuffer/);
  });
});

describe('receive', () => {
  it("takes Stripe's and GitHub's schemes, with secrets that are fetched", async () => {
    const received: ReceivedWebhook[] = [];
    const handle = async (message: ReceivedWebhook) => received.push(message);
    const text = '{"id":"evt_1","type":"invoice.paid"}';
    const stripe = createWebhookReceiver({ scheme: 'stripe', secret: async () => ['whsec_stripe'], handle });
    const headers = signStripeWebhook({ timestamp: new Date(), body: text, secret: 'whsec_stripe' });
    expect(await stripe.receive({ headers, body: text })).toEqual({ status: 204, outcome: 'done', reason: '' });
    const github = createWebhookReceiver({ scheme: 'github', secret: 'a secret', handle });
    const signed = signGithubWebhook({ body: text, secret: 'a secret' });
    await github.receive({ headers: { ...signed, 'x-github-delivery': 'd-1', 'x-github-event': 'push' }, body: text });
    expect(received.map(({ id, type }) => [id, type])).toEqual([
      ['evt_1', 'invoice.paid'],
      ['d-1', 'push'],
    ]);
  });

  it('never takes an error of the work for a refusal', async () => {
    const { receiver } = collecting();
    const failing = createWebhookReceiver({
      secret,
      handle: async () => {
        const answer = await receiver.receive({ headers: {}, body });
        throw new Error(answer.reason);
      },
    });
    await expect(failing.receive({ headers: sign(), body })).rejects.toThrow('missing_headers');
  });
});
