import { expect, it } from 'vitest';
import { type DeliveryOptions, readRules } from './options.ts';

const pathOf = (options: DeliveryOptions): unknown => {
  try {
    return readRules(options, 15_000);
  } catch (error) {
    return Object(error).details.path;
  }
};

it('refuses numbers by which nothing could be delivered', () => {
  const wrong: [string, DeliveryOptions][] = [
    ...[0, 1.5, Number.NaN, 2 ** 31].flatMap((number): [string, DeliveryOptions][] => [
      ['concurrency', { concurrency: number }],
      ['perEndpoint', { perEndpoint: number }],
      ['circuit.failures', { circuit: { failures: number } }],
    ]),
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].flatMap((number): [string, DeliveryOptions][] => [
      ['circuit.pauseSeconds', { circuit: { pauseSeconds: number } }],
      ['circuit.longestPauseSeconds', { circuit: { longestPauseSeconds: number } }],
      ['pollMilliseconds', { pollMilliseconds: number }],
      ['disableAfterDays', { disableAfterDays: number }],
    ]),
    ['leaseMilliseconds', { leaseMilliseconds: 15_000 }],
    ['retry', { retry: { steps: [5, Number.NaN] } }],
    ['retry', { retry: { afterOverload: -1 } }],
  ];
  for (const [name, options] of wrong) expect(pathOf(options)).toBe(`webhooks.delivery.${name}`);
});

it('takes what is given, and its own where nothing is', () => {
  const given = { concurrency: 2, disableAfterDays: 0.5, circuit: { pauseSeconds: 0.1 }, retry: { steps: [] } };
  expect(readRules(given, 15_000)).toMatchObject({
    concurrency: 2,
    perEndpoint: 8,
    leaseMilliseconds: 45_000,
    disableAfterDays: 0.5,
    circuit: { failures: 10, pauseSeconds: 0.1, longestPauseSeconds: 600 },
    retry: { steps: [], afterOverload: 60 },
  });
});
