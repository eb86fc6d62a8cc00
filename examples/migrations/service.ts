import Fastify, { type FastifyInstance } from 'fastify';
import type { FastifyAdapter } from 'tenantry/fastify';
import { answerClientError } from 'tenantry/http';

/**
 * Makes the Fastify application of an example, whose failures are problems by RFC 9457. Bodies are taken as they were
 * sent: what does not fit is refused with 400, not bent until it fits.
 */
export function createService({
  plugin,
  frameworkErrors,
}: Pick<FastifyAdapter<unknown>, 'plugin' | 'frameworkErrors'>): FastifyInstance {
  const ajv = { customOptions: { coerceTypes: false, removeAdditional: false } } as const;
  const service = Fastify({ bodyLimit: 102_400, ajv, frameworkErrors, clientErrorHandler: answerClientError });
  service.register(plugin);
  return service;
}

/** A text without what PostgreSQL has no place for: NUL, and halves of characters. */
export const text = (maxLength: number) =>
  ({ type: 'string', minLength: 1, maxLength, pattern: '^[^\\u0000\\p{Cs}]*$' }) as const;

/** A whole number. */
export const whole = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum }) as const;

/** One of several words. */
export const oneOf = (...words: readonly string[]) => ({ type: 'string', enum: words }) as const;

type Fields = Readonly<Record<string, object>>;

/** The schema of a body: all of `needed`, any of `others` (at least one where nothing is needed), and nothing else. */
export function bodyOf(needed: Fields, others: Fields = {}) {
  const required = Object.keys(needed);
  const least = required.length === 0 ? { minProperties: 1 } : {};
  const properties = { ...needed, ...others };
  return { body: { type: 'object', additionalProperties: false, required, properties, ...least } };
}
