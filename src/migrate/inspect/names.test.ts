import { describe, expect, it } from 'vitest';
import {
  bookkeeperOf,
  endsWith,
  isActor,
  isArchiveName,
  isNamedAfter,
  nounOf,
  nounsOf,
  singular,
  stemOf,
  wordsOf,
} from './names.ts';

describe('words of names', () => {
  it('are found in snake case and camel case alike', () => {
    expect(wordsOf('billing_customer_id')).toEqual(['billing', 'customer', 'id']);
    expect(wordsOf('billingCustomerId')).toEqual(['billing', 'customer', 'id']);
    expect(wordsOf('Große-Kunden')).toEqual(['große', 'kunden']);
  });

  it.each([
    ['companies', 'company'],
    ['addresses', 'address'],
    ['boxes', 'box'],
    ['people', 'person'],
    ['status', 'status'],
    ['bus', 'bus'],
    ['houses', 'house'],
  ])('the singular of %s is %s', (plural, one) => {
    expect(singular(plural)).toBe(one);
  });

  it('lead from a column to a table', () => {
    expect(stemOf('billingCustomerId')).toEqual(['billing', 'customer']);
    expect(stemOf('id')).toEqual(['id']);
    expect(endsWith(stemOf('billing_customer_id'), nounOf('customers'))).toBe(true);
    expect(endsWith(nounOf('crm_customers'), stemOf('customer_id'))).toBe(true);
    expect([
      isNamedAfter('customer_id', 'customers'),
      isNamedAfter('canvasCode', 'Canvass'),
      isNamedAfter('statusId', 'statuses'),
      isNamedAfter('news', 'news'),
    ]).toEqual([true, true, true, true]);
    expect(isNamedAfter('billing_customer_id', 'customers')).toBe(false);
    expect(nounsOf('canvass')).toEqual([['canvass'], ['canvas']]);
    expect(nounsOf('order_statuses')).toEqual([
      ['order', 'status'],
      ['order', 'statuse'],
    ]);
    expect(endsWith(['customer'], ['billing', 'customer'])).toBe(false);
    expect(endsWith(['customer'], [])).toBe(false);
  });
});

describe('what a name says', () => {
  it('tells who did something from whose it is', () => {
    expect(['created_by', 'author_id', 'assigneeId', 'default_address_id'].map((name) => isActor([name]))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(isActor(['customer_id']) || isActor(['owner_id']) || isActor(['bypass_id'])).toBe(false);
  });

  it('tells a copy of what was from the application’s tables', () => {
    expect(['orders_backup', 'old_orders', 'orders_20240131', 'users_old', 'tmp_import'].every(isArchiveName)).toBe(
      true,
    );
    expect(['orders', 'backup', 'old', 'copyrights', 'household_members', 'template_files'].some(isArchiveName)).toBe(
      false,
    );
  });

  it('tells the tables of migration tools', () => {
    expect(bookkeeperOf('_prisma_migrations')).toBe('Prisma');
    expect(bookkeeperOf('SequelizeMeta')).toBe('Sequelize');
    expect(bookkeeperOf('bird_migrations')).toBeNull();
  });
});
