import fc from 'fast-check';
import type { FaultKind } from '../../src/testing/index.ts';

/** What happens to a tenant and to the program, step by step. */
export type Command =
  | { readonly do: 'subscribe'; readonly plan: 'pro' | 'team' | 'tried'; readonly pays: boolean }
  | {
      readonly do: 'swap';
      readonly plan: 'pro' | 'team' | 'tried';
      readonly when: 'now' | 'period-end';
      readonly proration: 'create' | 'invoice' | 'none';
    }
  | { readonly do: 'cancel'; readonly when: 'now' | 'period-end' | 'later' }
  | { readonly do: 'resume' | 'pause' | 'unpause' | 'keepPlan' | 'sync' | 'work' | 'pay' | 'deliver' }
  | { readonly do: 'atStripe'; readonly what: 'cancel' | 'cancel-later' | 'keep' }
  | { readonly do: 'members'; readonly change: 'add' | 'remove' }
  | { readonly do: 'card'; readonly card: 'ok' | 'declines' }
  | { readonly do: 'days'; readonly days: number }
  | { readonly do: 'fault'; readonly how: FaultKind; readonly next: number }
  | { readonly do: 'kill'; readonly step: number; readonly death: 'before' | 'after' };

const planName = fc.constantFrom('pro' as const, 'team' as const, 'tried' as const);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('subscribe' as const), plan: planName, pays: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('swap' as const),
      plan: planName,
      when: fc.constantFrom('now' as const, 'period-end' as const),
      proration: fc.constantFrom('create' as const, 'invoice' as const, 'none' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cancel' as const),
      when: fc.constantFrom('now' as const, 'period-end' as const, 'later' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'resume' as const,
        'pause' as const,
        'unpause' as const,
        'keepPlan' as const,
        'sync' as const,
        'work' as const,
        'pay' as const,
        'deliver' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('atStripe' as const),
      what: fc.constantFrom('cancel' as const, 'cancel-later' as const, 'keep' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('members' as const),
      change: fc.constantFrom('add' as const, 'add' as const, 'remove' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('card' as const),
      card: fc.constantFrom('ok' as const, 'declines' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('days' as const), days: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      how: fc.constantFrom<FaultKind[]>(
        'error',
        'error-after-effect',
        'rate-limit',
        'timeout-before',
        'timeout-after-effect',
        'drop',
      ),
      next: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      step: fc.integer({ min: 1, max: 45 }),
      death: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
);

/** A random history. */
export const history = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  commands: fc.array(command, { minLength: 4, maxLength: 20, size: 'max' }),
  shuffle: fc.boolean(),
  delay: fc.constantFrom(0, 600, 86_400),
  duplicate: fc.constantFrom(0, 0.3, 1),
  lose: fc.constantFrom(0, 0, 0.3, 1),
  /** Half of the histories begin with a tenant that pays. */
  begun: fc.boolean(),
});
