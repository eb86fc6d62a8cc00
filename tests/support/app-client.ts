import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Answer, callPort } from './http-client.ts';

/** Calls a service over HTTP, with a key or an access token. */
export interface AppClient {
  get(path: string, token?: string): Promise<Answer>;
  post(path: string, body: unknown, token?: string): Promise<Answer>;
  put(path: string, body: unknown, token?: string): Promise<Answer>;
  patch(path: string, body: unknown, token?: string): Promise<Answer>;
  delete(path: string, token?: string): Promise<Answer>;
  /** Sends a text as JSON, whatever it is. */
  raw(method: string, path: string, body: string, token?: string): Promise<Answer>;
  /** Logs in, and gives the access token. */
  login(path: string, who: { readonly email: string; readonly password: string }): Promise<string>;
}

/** Makes a client of a service that listens. */
export function appClient(service: FastifyInstance): AppClient {
  const call = (method: string, path: string, token?: string, body?: string): Promise<Answer> => {
    const { port }: AddressInfo = Object(service.server.address());
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      }),
    };
    return callPort(port, { method, path, headers, ...(body !== undefined && { body }) });
  };
  const sending = (method: string) => (path: string, body: unknown, token?: string) =>
    call(method, path, token, JSON.stringify(body));
  return {
    get: (path, token) => call('GET', path, token),
    delete: (path, token) => call('DELETE', path, token),
    post: sending('POST'),
    put: sending('PUT'),
    patch: sending('PATCH'),
    raw: (method, path, body, token) => call(method, path, token, body),
    async login(path, who) {
      const { body } = await sending('POST')(path, who);
      return String(Object(body).access_token);
    },
  };
}
