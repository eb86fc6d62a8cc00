import type { FastifyReply, FastifyRequest } from 'fastify';

/** Reads a cookie of a request. */
export function readCookie({ headers }: Pick<FastifyRequest, 'headers'>, name: string): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** How a cookie is kept. */
export interface CookieOptions {
  /** Over https alone: everywhere but on the developer's own machine. */
  readonly secure: boolean;
  /** Until when; as long as the browser is open when absent. */
  readonly expires?: Date;
}

/** Sets a cookie that no script reads and no other site's form brings. The value must need no escaping. */
export function writeCookie(reply: FastifyReply, name: string, value: string, options: CookieOptions): void {
  const { secure, expires } = options;
  const until = expires === undefined ? '' : `; Expires=${expires.toUTCString()}`;
  reply.header('set-cookie', `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}${until}`);
}

/** Takes a cookie back. */
export function clearCookie(reply: FastifyReply, name: string, secure: boolean): void {
  writeCookie(reply, name, '', { secure, expires: new Date(0) });
}
