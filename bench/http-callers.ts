import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * Callers with a connection each that is kept, as light as can be, so that the servers are what is measured: each sends
 * the same bytes again and waits for a whole answer with status 200.
 */
export async function connectCallers(
  port: number,
  requests: readonly string[],
): Promise<{ readonly call: (caller: number) => Promise<void>; readonly close: () => void }> {
  const callers = await Promise.all(requests.map((request) => connectCaller(port, Buffer.from(request))));
  return {
    call: (caller) => callers[caller]?.call() ?? Promise.reject(new Error('there is no such caller')),
    close: () => callers.forEach(({ socket }) => void socket.destroy()),
  };
}

async function connectCaller(port: number, bytes: Buffer): Promise<{ call(): Promise<void>; socket: Socket }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let received = '';
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    if (received.length < head + 4 + length) return;
    const answer = received;
    received = '';
    if (answer.startsWith('HTTP/1.1 200')) settle?.resolve();
    else settle?.reject(new Error(answer));
  });
  socket.on('error', (error) => settle?.reject(error));
  socket.on('close', () => settle?.reject(new Error('the server ended the connection')));
  return {
    socket,
    call: () =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        socket.write(bytes);
      }),
  };
}
