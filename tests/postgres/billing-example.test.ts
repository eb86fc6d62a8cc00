import { expect, it } from 'vitest';
import { setUps } from '../../examples/billing/set-ups.ts';
import { postgresDatabase } from '../support/databases.ts';

async function told(name: string): Promise<string[]> {
  const database = await postgresDatabase();
  try {
    const lines: string[] = [];
    await setUps[name]?.tell(database.app, (line) => lines.push(line));
    return lines;
  } finally {
    await database.destroy();
  }
}
/* Each of the price set-ups that `npm run example:billing` tells of, to the cent. */

it('per organization: $50 a month for five developers', async () => {
  expect(await told('per-organization')).toEqual([
    'Acme subscribes: paid $50.00',
    'four developers join: 5 of 5 seats are taken',
    'the next one has no seat: seats_exhausted',
    'projects: 20',
    'a month later: paid $50.00',
  ]);
});

it('per developer: $10 a month each, who may leave alone', async () => {
  expect(await told('per-developer')).toEqual([
    'Ada subscribes: paid $10.00',
    'Eve subscribes: paid $10.00',
    'Ada calls a hundred times, then: quota_exceeded',
    'a month later, Ada: paid $10.00',
    'Eve, who said that she leaves: canceled, paid $10.00 was her last',
  ]);
});

it('hybrid: a base, seats, and what each developer used beyond the quota', async () => {
  expect(await told('hybrid')).toEqual([
    'Acme subscribes with one developer: paid $25.00',
    'two developers join: 3 seats at Stripe',
    'calls of each developer: 900 and 400',
    'beyond the quota: 300 calls',
    'a month later: paid $51.00, of which',
    '  1 for $20.00',
    '  3 for $15.00',
    '  300 for $6.00',
    '  $10.00 for two seats of the month before',
  ]);
});

it('Free, Starter, Pro and Enterprise: what is paid is what may be used', async () => {
  expect(await told('receptionist')).toEqual([
    'Salon signs up: free, 50 calls a month, bots: 1',
    'it subscribes: starter, 500 calls a month, bots: 3, paid $29.00',
    // 21 of the 31 days of March are left: $67.06 of Pro less $19.65 of Starter.
    'it grows, for $47.41 at once: pro, 2000 calls a month, bots: 10, paid $47.41',
    'its card declines: past_due, pro, 2000 calls a month, bots: 10',
    'two weeks of grace are over: free, 50 calls a month, bots: 1',
    'Chain agrees on a price by invoice: open $24,000.00',
    'Chain pays: paid $24,000.00, which is $2,000.00 a month',
  ]);
});

it('vouchers: sessions that come with a payment by transfer, in cash or at a terminal', async () => {
  expect(await told('vouchers')).toEqual([
    'INV-0001, Standard Individual Therapy: $399.99 by bank_transfer, for 10 sessions and 2 spare ones',
    'INV-0002, Group Therapy Package: $199.99 by cash, for 8 sessions and 2 spare ones',
    'INV-0003, Intensive Daily Sessions: $799.99 by card_terminal, for 20 sessions and 4 spare ones',
    'what the terminal answered: {"pan":"••••4242","approved":true}',
    '46 sessions are booked, then: quota_exceeded',
  ]);
});
