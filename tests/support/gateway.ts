import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a database that can be cut. */
export interface Gateway {
  /** The connection string that leads through it. */
  readonly url: string;
  /** Breaks every connection and takes no new ones. */
  close(): Promise<void>;
  open(): Promise<void>;
}

/** Puts a gateway in front of the server of a connection string. */
export async function createGateway(to: string): Promise<Gateway> {
  const target = new URL(to);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;

  function join(socket: Socket): void {
    const other = connect(Number(target.port), target.hostname);
    for (const [one, another] of [
      [socket, other],
      [other, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => another.destroy());
      one.on('close', () => {
        sockets.delete(one);
        another.destroy();
      });
      one.pipe(another);
    }
  }

  const gateway: Gateway = {
    get url() {
      const url = new URL(to);
      url.hostname = '127.0.0.1';
      url.port = String(port);
      return url.href;
    },
    async open() {
      server = createServer(join).listen(port, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (typeof address === 'object' && address !== null) port = address.port;
    },
    async close() {
      const closing = server;
      server = undefined;
      if (closing === undefined) return;
      const closed = once(closing, 'close');
      closing.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  await gateway.open();
  return gateway;
}
