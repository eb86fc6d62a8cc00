import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether this machine has a Redis: the tests that want one are skipped where it has none. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis of a test. */
export interface TestRedis {
  readonly port: number;
  /** A connection that has the methods of both kinds of clients. */
  client(): Promise<TestRedisClient>;
  stop(): Promise<void>;
}

/** What a test needs of a client of Redis: it speaks RESP 2 over one connection. */
export interface TestRedisClient {
  /** As `ioredis` has it. */
  call(command: string, ...args: string[]): Promise<unknown>;
  /** As `redis` (node-redis) has it. */
  sendCommand(args: string[]): Promise<unknown>;
  /** Told of messages of channels. */
  onMessage(listener: (channel: string, message: string) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

/** Starts a Redis that keeps nothing, on a port of the loopback address; on a free one when absent. */
export async function startRedis(wanted?: number): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-redis-'));
  const port = wanted ?? (await freePort());
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const server: ChildProcess = spawn('redis-server', args, { stdio: 'ignore' });
  const clients: TestRedisClient[] = [];
  const client = async (): Promise<TestRedisClient> => {
    const made = await connectRedis(port);
    clients.push(made);
    return made;
  };
  await patiently(client);
  return {
    port,
    client,
    async stop() {
      for (const one of clients) one.close();
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function patiently(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = Object(probe.address());
  probe.close();
  await once(probe, 'close');
  return port;
}

async function connectRedis(port: number): Promise<TestRedisClient> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  const messages: ((channel: string, message: string) => void)[] = [];
  const closed: (() => void)[] = [];
  let buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    for (let reply = parse(buffer, 0); reply !== undefined; reply = parse(buffer, 0)) {
      buffer = buffer.subarray(reply.end);
      const { value } = reply;
      if (Array.isArray(value) && value[0] === 'message') {
        for (const listener of messages) listener(String(value[1]), String(value[2]));
      } else if (value instanceof Error) waiting.shift()?.reject(value);
      else waiting.shift()?.resolve(value);
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const { reject } of waiting.splice(0)) reject(new Error('Connection is closed.'));
    for (const listener of closed) listener();
  });
  const sendCommand = (args: string[]) => send(socket, waiting, args);
  return {
    sendCommand,
    call: (command, ...args) => sendCommand([command, ...args]),
    onMessage: (listener) => void messages.push(listener),
    onClose: (listener) => void closed.push(listener),
    close: () => socket.destroy(),
  };
}

function send(
  socket: Socket,
  waiting: { resolve(value: unknown): void; reject(error: Error): void }[],
  args: readonly string[],
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) {
      reject(new Error('Connection is closed.'));
      return;
    }
    waiting.push({ resolve, reject });
    const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
    socket.write(`*${args.length}\r\n${parts.join('')}`);
  });
}

/** One reply of RESP 2 from a place on; undefined as long as it is not whole. */
function parse(buffer: Buffer, start: number): { readonly value: unknown; readonly end: number } | undefined {
  const line = buffer.indexOf('\r\n', start);
  if (line < 0) return undefined;
  const kind = String.fromCharCode(buffer[start] ?? 0);
  const text = buffer.toString('utf8', start + 1, line);
  const next = line + 2;
  if (kind === '+') return { value: text, end: next };
  if (kind === '-') return { value: new Error(text), end: next };
  if (kind === ':') return { value: Number(text), end: next };
  const length = Number(text);
  if (length < 0) return { value: null, end: next };
  if (kind === '$') {
    if (buffer.length < next + length + 2) return undefined;
    return { value: buffer.toString('utf8', next, next + length), end: next + length + 2 };
  }
  const values: unknown[] = [];
  let end = next;
  for (let index = 0; index < length; index += 1) {
    const item = parse(buffer, end);
    if (item === undefined) return undefined;
    values.push(item.value);
    end = item.end;
  }
  return { value: values, end };
}
