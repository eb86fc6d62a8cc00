import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { stripeParameterFiles } from '../../scripts/stripe-parameters.ts';
import { findOperation } from '../../src/testing/stripe/operations.ts';
import { routes } from '../../src/testing/stripe/routes.ts';
import { createStripeSchema } from '../support/stripe-schema.ts';

it.each(Object.entries(stripeParameterFiles()))('%s is what the schema gives', (path, text) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text);
});

it('every parameter that an operation of the fake takes is one that Stripe knows', () => {
  const unknown = Object.entries(createStripeSchema().parameters).flatMap(([operation, known]) =>
    (routes[operation]?.takes.split(' ') ?? [])
      .filter((name) => name !== '' && !known.includes(name))
      .map((name) => `${operation} ${name}`),
  );
  expect(unknown).toEqual([]);
});

it('every operation of the fake is one that Stripe knows', () => {
  const known = Object.keys(createStripeSchema().parameters);
  expect(Object.keys(routes).filter((name) => !known.includes(name))).toEqual([]);
  expect(findOperation('GET', '/v1/customers/search')?.operation.name).toBe('Customers_search');
});
