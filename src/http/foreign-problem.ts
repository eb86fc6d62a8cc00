import { STATUS_CODES } from 'node:http';

/** What a framework, or the application itself, wrote for the client to see. */
export interface ForeignProblem {
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
}

const longestDetail = 500;

/**
 * Reads an error of a framework, or one that was made for clients to see: by `http-errors` or `@fastify/error`. A status
 * alone does not make it one: clients of other services put the status of an answer that they got on their errors.
 */
export function foreignProblem(error: unknown): ForeignProblem | undefined {
  if (!(error instanceof Error)) return undefined;
  const read = (name: string): unknown => (name in error ? Reflect.get(error, name) : undefined);
  const status = read('statusCode') ?? read('status');
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const title = STATUS_CODES[status];
  if (title === undefined) return undefined;
  const isMeant = read('expose') === true || error.name === 'FastifyError' || String(read('code')).startsWith('FST_');
  if (isMeant) return { status, title, detail: error.message.slice(0, longestDetail) };
  // The router of Express found a path that cannot be decoded; Fastify, that the caller went away.
  const isCallers = error instanceof URIError || (read('code') === 'ECONNRESET' && error.message === 'aborted');
  return isCallers ? { status, title, detail: undefined } : undefined;
}
