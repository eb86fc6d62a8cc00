import { randomBytes } from 'node:crypto';
import { keyChannel, pingPrefix } from './channel.ts';

/** The part of a connected `pg.Client`, or of a client of a `pg.Pool`, that listens. */
export interface ListeningClient {
  /** Sends a statement. */
  query(text: string): PromiseLike<unknown>;
  /** Listens to messages. */
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  /** Listens to the end of the connection. */
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  /** Ends a connection of its own. */
  end?(): unknown;
  /** Gives a connection back to its pool; true ends it. */
  release?(destroy?: boolean): unknown;
}

/** A way to hear messages that is no connection to PostgreSQL, such as {@link listenByRedis} gives. */
export interface KeyListening {
  /** Begins to listen. What is sent to oneself has this id in it, and need not reach others. */
  start(id: string): PromiseLike<unknown>;
  /** Sends a message to oneself, the way that the messages of others take. */
  ping(payload: string): PromiseLike<unknown>;
  /** Listens to messages. */
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  /** Listens to what breaks the way, or may have lost a message on it. */
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
  /** Ends it. */
  end(): unknown;
}

/** Hears what other processes tell. */
export interface Listener {
  /** Whether messages arrive: what is remembered may be used. */
  trusted(): boolean;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** What {@link createListener} is made from. */
export interface ListenerOptions {
  /** Gives a connection of one's own, connected. */
  readonly listen: () => Promise<ListeningClient | KeyListening>;
  readonly onMessage: (payload: string) => void;
  /** Told of what others send to themselves. */
  readonly onForeignPing?: (payload: string) => void;
  /** Called whenever messages may have been missed. */
  readonly onGap: () => void;
  readonly onError: (error: unknown) => void;
  /** How often the connection is tried, in milliseconds. */
  readonly heartbeat: number;
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number;
}

/**
 * Keeps a connection that hears what other processes tell, and makes a new one when it breaks. It is trusted only while
 * messages are seen to arrive: in each heartbeat it sends one to itself, so that a connection that hangs, or a pooler
 * that swallows messages, is noticed too. One that was sent three heartbeats ago and is the last that arrived proves
 * nothing any more.
 */
export function createListener(options: ListenerOptions): Listener {
  const { listen, onMessage, onForeignPing, onGap, onError, heartbeat, now } = options;
  let trustedUntil = 0;
  let closed = false;
  let connecting = false;
  let wake: () => void = () => undefined;
  let current: ListeningClient | KeyListening | undefined;

  function distrust(): void {
    trustedUntil = 0;
    onGap();
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Serves one connection until it breaks or hangs. */
  async function serve(client: ListeningClient | KeyListening): Promise<void> {
    const id = randomBytes(8).toString('hex');
    const own = `${pingPrefix}${id} `;
    const sent = new Map<string, number>();
    let broken: Error | undefined;
    let count = 0;
    let listening = false;
    const end = (error?: Error): void => {
      if (broken !== undefined) return;
      broken = error ?? new Error('the connection that listens ended');
      distrust();
      wake();
    };
    client.on('error', end);
    client.on('end', end);
    client.on('notification', ({ payload = '' }) => {
      // What comes earlier is part of the gap that is told below.
      if (!listening) return;
      if (!payload.startsWith(pingPrefix)) return onMessage(payload);
      const at = sent.get(payload);
      if (!payload.startsWith(own)) onForeignPing?.(payload);
      // They arrive in the order in which they were sent.
      if (at !== undefined) sent.clear();
      if (at === undefined || broken !== undefined) return;
      // Where one was lost on the way, others may have been.
      if (now() >= trustedUntil) onGap();
      trustedUntil = at + 3 * heartbeat;
    });
    await ('start' in client ? client.start(id) : client.query(`listen ${keyChannel}`));
    listening = true;
    // What changed before this connection listened was told to nobody here.
    onGap();
    let lastHeard = now();
    let answered = true;
    while (!closed && broken === undefined) {
      // One at a time: a connection that is slow to answer is not given more to do.
      if (sent.size === 0 || answered) {
        count += 1;
        answered = false;
        const ping = `${own}${count}`;
        sent.set(ping, now());
        Promise.resolve('ping' in client ? client.ping(ping) : client.query(pingText(ping))).then(() => {
          answered = true;
        }, end);
      }
      await pause(heartbeat);
      if (sent.size === 0) lastHeard = now();
      else if (now() - lastHeard > 5 * heartbeat) end(new Error('no message arrived on the connection that listens'));
    }
    if (broken !== undefined && !closed) throw broken;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !closed; ) {
      const begun = now();
      try {
        connecting = true;
        current = await listen();
        connecting = false;
        if (!closed) await serve(current);
      } catch (error) {
        if (!closed) onError(error);
      }
      distrust();
      await drop(current);
      current = undefined;
      failures = now() - begun > 10 * heartbeat ? 0 : failures + 1;
      if (!closed) await pause(Math.min(heartbeat * 5, 50 * 2 ** Math.min(failures, 10)));
    }
  }

  const running = run();
  return {
    trusted: () => now() < trustedUntil,
    async close() {
      closed = true;
      distrust();
      wake();
      await drop(current);
      // A client that tries to connect for as long as it takes keeps nobody; it is ended when it has.
      const patience = new Promise((resolve) => setTimeout(resolve, heartbeat).unref());
      await (connecting ? Promise.race([running, patience]) : running);
    },
  };
}

/** What sends a message to all who listen, also to oneself. */
export function pingText(ping: string): string {
  return `select pg_notify('${keyChannel}', '${ping}')`;
}

async function drop(client: ListeningClient | KeyListening | undefined): Promise<void> {
  try {
    if (client !== undefined && 'release' in client && client.release !== undefined) client.release(true);
    else await client?.end?.();
  } catch {
    // It was given back or ended before.
  }
}
