import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPlans, definePlans } from '../../src/plans/index.ts';
import { fixedClock } from '../../src/testing/index.ts';
import { pgliteDatabase, type TestDatabase } from '../support/databases.ts';
import { createModel, type ModelGrant } from '../support/plan-model.ts';
import { anchor, makeTenant, type None } from '../support/plans.ts';

/** TENANTRY_MODEL_RUNS=10000 compares as often as one has time for. */
const numRuns = Number(process.env.TENANTRY_MODEL_RUNS ?? 150);
const catalogue = definePlans({
  hard: { quotas: { calls: { amount: 5, per: 'month' } } },
  billed: { quotas: { calls: { amount: 6, per: 'month', overage: 'bill', overageAtMost: 4 } } },
});

let database: TestDatabase<None>;
beforeAll(async () => {
  database = await pgliteDatabase<None>();
});
afterAll(() => database.destroy());

type Command =
  | {
      readonly kind: 'consume';
      readonly units: number;
      readonly key?: string;
      readonly late?: number;
      readonly pack?: number;
    }
  | { readonly kind: 'grant'; readonly grant: ModelGrant }
  | { readonly kind: 'revoke'; readonly which: number }
  | { readonly kind: 'hold'; readonly units: number; readonly seconds: number; readonly onExpiry: 'release' | 'commit' }
  | { readonly kind: 'settle'; readonly which: number; readonly keep: number }
  | { readonly kind: 'advance'; readonly minutes: number };

const units = fc.integer({ min: 1, max: 8 });
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('consume' as const), units }),
  fc.record({ kind: fc.constant('consume' as const), units, late: fc.constantFrom(90, 20_000, 46_000) }),
  fc.record({ kind: fc.constant('consume' as const), units, key: fc.constantFrom('a', 'b', 'c') }),
  fc.record({
    kind: fc.constant('consume' as const),
    units,
    key: fc.constantFrom('c', 'd'),
    late: fc.constantFrom(1, 1440),
  }),
  fc.record({ kind: fc.constant('consume' as const), units, pack: fc.nat(2), late: fc.constantFrom(0, 0, 1440) }),
  fc.record({ kind: fc.constant('revoke' as const), which: fc.nat(3) }),
  fc.record({
    kind: fc.constant('grant' as const),
    grant: fc.record({
      amount: units,
      spare: fc.constantFrom(0, 0, 2),
      priority: fc.constantFrom(-1, 0, 0, 1),
      days: fc.constantFrom(null, 1, 20, 40),
      startsIn: fc.constantFrom(0, 0, 0, 2),
      rollover: fc.constantFrom(null, { min: 0, max: 3 }, { min: 2, max: 5 }, { min: 4, max: 4 }),
    }),
  }),
  fc.record({
    kind: fc.constant('hold' as const),
    units,
    seconds: fc.constantFrom(60, 3600, 86_400),
    onExpiry: fc.constantFrom('release' as const, 'release' as const, 'commit' as const),
  }),
  fc.record({ kind: fc.constant('settle' as const), which: fc.nat(5), keep: fc.integer({ min: 0, max: 8 }) }),
  fc.record({ kind: fc.constant('advance' as const), minutes: fc.constantFrom(0, 1, 30, 120, 1440, 10_000, 46_000) }),
);

it(`agrees with a plain model of grants, reservations, consumption and expiry (${numRuns} runs)`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('hard' as const, 'billed' as const),
      fc.array(commands, { minLength: 1, maxLength: 24, size: 'max' }),
      async (plan, list) => {
        const clock = fixedClock(anchor);
        const plans = createPlans({ db: database.app, plans: catalogue, clock, lateHours: 24 * 60 });
        const tenantId = await makeTenant(database, plan);
        const model = plan === 'hard' ? createModel(5, 0, anchor) : createModel(6, 4, anchor);
        const ids: string[] = [];
        const grantIds: string[] = [];
        const packs: string[] = [];
        for (const command of list) {
          if (command.kind === 'advance') {
            clock.advance(command.minutes * 60_000 + 7);
            model.advance(command.minutes * 60_000 + 7);
          } else if (command.kind === 'grant') {
            const { amount, spare, priority, days, startsIn, rollover } = command.grant;
            const made = await plans.grants.add(tenantId, 'calls', {
              amount,
              spare,
              priority,
              ...(days !== null && { validDays: days }),
              ...(startsIn > 0 && { startsAt: new Date(clock().getTime() + startsIn * 86_400_000) }),
              ...(rollover !== null && { rollover }),
            });
            grantIds.push(made.id);
            packs.push(made.packId);
            if (spare > 0) {
              const all = await plans.grants.list(tenantId, 'calls', { all: true });
              grantIds.push(all.find((one) => one.packId === made.packId && one.id !== made.id)?.id ?? '');
            }
            model.grant(command.grant);
            // So that those that are made at one moment cannot be told apart by less than their order.
            clock.advance(5);
            model.advance(5);
          } else if (command.kind === 'revoke') {
            const id = grantIds[command.which];
            if (id !== undefined) expect(await plans.grants.revoke(tenantId, id)).toBe(model.revoke(command.which));
          } else if (command.kind === 'hold') {
            const result = await plans.reservations.hold(tenantId, 'calls', command.units, command);
            expect(result.ok).toBe(model.hold(command.units, command.seconds, command.onExpiry));
            if (result.ok) ids.push(result.reservationId);
          } else if (command.kind === 'settle') {
            const id = ids[command.which];
            const held = model.holds[command.which];
            if (id === undefined || held === undefined) continue;
            const keep = Math.min(command.keep, held.units);
            const result = await plans.reservations.commit(tenantId, id, keep);
            expect(result.ok ? 'ok' : result.reason).toBe(model.settle(command.which, keep));
          } else {
            const { units: amount, key, late = 0, pack } = command;
            const packId = pack === undefined ? undefined : packs[pack];
            if (pack !== undefined && packId === undefined) continue;
            const options = {
              ...(key !== undefined && { idempotencyKey: key }),
              ...(packId !== undefined && { pack: packId }),
              ...(late > 0 && { at: new Date(clock().getTime() - late * 60_000) }),
            };
            const result = await plans.consume(tenantId, 'calls', amount, options).then(
              (answer) => (answer.ok ? (answer.replayed === true ? 'replayed' : 'ok') : 'refused'),
              (error: unknown) => {
                expect(error).toMatchObject({ code: 'amount_invalid' });
                return 'invalid';
              },
            );
            expect(result).toBe(model.consume(amount, { key, late: late * 60_000, pack }));
          }
          const { used, granted, room } = model.state;
          const real = await plans.check(tenantId, 'calls', { amount: Math.max(1, room) });
          expect({ ok: real.ok, used: real.used, granted: real.granted ?? 0 }).toEqual({ ok: room > 0, used, granted });
          if (room > 0) expect(await plans.check(tenantId, 'calls', { amount: room + 1 })).toMatchObject({ ok: false });
        }
      },
    ),
    { numRuns },
  );
}, 3_600_000);
