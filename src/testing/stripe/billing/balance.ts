import type { BalanceTransactionRow, CustomerRow } from '../rows.ts';
import type { World } from '../world.ts';

/** Moves a customer's balance, in minor units: below zero the customer has credit. */
export function moveBalance(
  world: World,
  customer: CustomerRow,
  move: {
    readonly amount: number;
    readonly currency: string;
    readonly type: string;
    readonly invoice?: string;
    readonly credit_note?: string;
    readonly description?: string | null;
    readonly metadata?: Record<string, string>;
  },
): BalanceTransactionRow {
  const before = customer.balance;
  const row: BalanceTransactionRow = {
    id: world.id('cbtxn'),
    object: 'customer_balance_transaction',
    created: world.now,
    metadata: move.metadata ?? {},
    amount: move.amount,
    checkout_session: null,
    credit_note: move.credit_note ?? null,
    currency: move.currency,
    customer: customer.id,
    description: move.description ?? null,
    ending_balance: before + move.amount,
    invoice: move.invoice ?? null,
    type: move.type,
  };
  world.balanceTransactions.set(row.id, row);
  world.tell('customer_balance_transaction.created', row);
  world.change('customer.updated', customer, (kept) => {
    kept.balance = row.ending_balance;
    kept.currency ??= move.currency;
  });
  return row;
}
