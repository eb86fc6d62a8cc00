import { TenantryError } from '../../../core/index.ts';
import { defaultSteps, type RetryOptions } from './retry-schedule.ts';
import type { AttemptReason } from './verdict.ts';

/** When the circuit breaker of an endpoint opens. */
export interface CircuitRules {
  /** Failed attempts in a row after which nothing is sent for a while. What waits keeps its tries. */
  readonly failures: number;
  /** How long the first pause is; each further one is twice as long. After a pause one delivery is tried. */
  readonly pauseSeconds: number;
  readonly longestPauseSeconds: number;
}

/** What is told of each attempt. */
export interface AttemptMetrics {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly type: string;
  readonly outcome: 'delivered' | 'failed';
  readonly reason: AttemptReason | null;
  readonly status: number | null;
  readonly durationMilliseconds: number;
  /** How long after it was due it began. */
  readonly lateMilliseconds: number;
  readonly attempt: number;
}

/** What is told while deliveries are made, for counters and logs. What it throws is not looked at. */
export interface DeliveryHooks {
  /** An attempt ended, and what came of it is written. */
  attempt?(metrics: AttemptMetrics): void;
  /** So many deliveries were claimed in one statement. */
  claimed?(metrics: { readonly deliveries: number; readonly running: number }): void;
  /** Something failed that nobody waits for, such as the database. The worker goes on. */
  error?(error: unknown): void;
}

/** How messages are delivered. */
export interface DeliveryOptions {
  /** How many attempts of a process are under way at once, those that take long not counted; 64 when absent. */
  readonly concurrency?: number;
  /** How many of them go to one endpoint; 8 when absent. Half as many after each failure in a row, down to one. */
  readonly perEndpoint?: number;
  /** After how many milliseconds an attempt takes long: it then gives its place to others; 500 when absent. */
  readonly slowAfterMilliseconds?: number;
  /** How long a claim holds, in milliseconds; 30 s more than an attempt may take when absent. */
  readonly leaseMilliseconds?: number;
  /** How often is looked for work where there was none, in milliseconds; 1,000 when absent. */
  readonly pollMilliseconds?: number;
  readonly retry?: RetryOptions;
  readonly circuit?: Partial<CircuitRules>;
  /** After how many days without one success an endpoint is disabled; 5 when absent. */
  readonly disableAfterDays?: number;
  readonly hooks?: DeliveryHooks;
}

/** The options with what holds in the absence of one. */
export interface DeliveryRules extends Required<Omit<DeliveryOptions, 'hooks' | 'circuit' | 'retry'>> {
  readonly retry: RetryOptions;
  readonly circuit: CircuitRules;
  readonly hooks: Required<DeliveryHooks>;
}

/**
 * Reads options.
 *
 * @throws TenantryError `config_invalid`.
 */
export function readRules(options: DeliveryOptions, deadlineMilliseconds: number): DeliveryRules {
  const {
    concurrency = 64,
    perEndpoint = 8,
    slowAfterMilliseconds = 500,
    leaseMilliseconds = deadlineMilliseconds + 30_000,
    pollMilliseconds = 1000,
    disableAfterDays = 5,
    retry = {},
    circuit = {},
    hooks = {},
  } = options;
  const { failures = 10, pauseSeconds = 30, longestPauseSeconds = 600 } = circuit;
  const wholeNumbers = { concurrency, perEndpoint, 'circuit.failures': failures };
  const seconds = { 'circuit.pauseSeconds': pauseSeconds, 'circuit.longestPauseSeconds': longestPauseSeconds };
  const numbers = { ...wholeNumbers, ...seconds, slowAfterMilliseconds, pollMilliseconds, disableAfterDays };
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0 && value < 2 ** 31)) throw invalid(name, 'must be a number above 0');
  }
  for (const [name, value] of Object.entries(wholeNumbers)) {
    if (!Number.isInteger(value)) throw invalid(name, 'must be a whole number');
  }
  if (!(leaseMilliseconds > deadlineMilliseconds && leaseMilliseconds < 2 ** 31)) {
    throw invalid('leaseMilliseconds', `must be more than the ${deadlineMilliseconds} that an attempt may take`);
  }
  const { steps = defaultSteps, afterOverload = 60 } = retry;
  if (![...steps, afterOverload].every((step) => step >= 0 && step <= 30 * 86_400)) {
    throw invalid('retry', 'must be seconds from 0 to 30 days');
  }
  return {
    concurrency,
    perEndpoint,
    slowAfterMilliseconds,
    leaseMilliseconds,
    pollMilliseconds,
    disableAfterDays,
    retry: { steps, afterOverload },
    circuit: { failures, pauseSeconds, longestPauseSeconds },
    hooks: {
      attempt: (metrics) => quietly(() => hooks.attempt?.(metrics)),
      claimed: (metrics) => quietly(() => hooks.claimed?.(metrics)),
      error: (error) => quietly(() => hooks.error?.(error)),
    },
  };
}

/** A mistake in a counter must not keep a message from its receiver. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // Nobody is left to tell.
  }
}

function invalid(name: string, problem: string): TenantryError {
  return new TenantryError('config_invalid', { path: `webhooks.delivery.${name}`, problem });
}
