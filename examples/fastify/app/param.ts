import type { FastifyRequest } from 'fastify';
import { isUuid } from 'tenantry/core';
import { notFound } from './site.ts';

/** An id in the address; what is no id is not there. */
export function paramOf({ params }: Pick<FastifyRequest, 'params'>, name: string): string {
  const value: unknown = Object(params)[name];
  if (typeof value === 'string' && isUuid(value)) return value;
  throw notFound();
}
