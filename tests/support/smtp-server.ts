import { createServer, type Socket } from 'node:net';

/** A mail as an SMTP server received it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body, as they were sent. */
  readonly data: string;
}

/** Starts a server that takes every mail, and keeps it. */
export async function startSmtpServer(): Promise<{
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  stop(): Promise<void>;
}> {
  const mails: ReceivedMail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.setEncoding('utf8');
    let rest = '';
    let from = '';
    let to: string[] = [];
    let receiving = false;
    const say = (line: string): boolean => socket.write(`${line}\r\n`);
    say('220 localhost ready');

    function command(line: string): void {
      const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (/^(EHLO|HELO)/i.test(line)) say('250 localhost');
      else if (/^MAIL FROM/i.test(line)) {
        [from, to] = [address, []];
        say('250 ok');
      } else if (/^RCPT TO/i.test(line)) {
        to.push(address);
        say('250 ok');
      } else if (/^DATA/i.test(line)) {
        receiving = true;
        say('354 go on');
      } else if (/^QUIT/i.test(line)) {
        say('221 bye');
        socket.end();
      } else say('250 ok');
    }

    socket.on('data', (chunk) => {
      rest += String(chunk);
      for (;;) {
        const end = rest.indexOf(receiving ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const piece = rest.slice(0, end);
        rest = rest.slice(end + (receiving ? 5 : 2));
        if (receiving) {
          mails.push({ from, to, data: piece });
          receiving = false;
          say('250 taken');
        } else command(piece);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    mails,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
