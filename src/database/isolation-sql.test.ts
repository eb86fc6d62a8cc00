import { expect, it } from 'vitest';
import { isolateTable, quoteIdentifier, quoteLiteral, unisolateTable } from './isolation-sql.ts';

it('quotes identifiers and literals', () => {
  expect(quoteIdentifier('Order "lines"')).toBe('"Order ""lines"""');
  expect(quoteLiteral("O'Neil")).toBe("'O''Neil'");
  expect(quoteLiteral(String.raw`a\'b`)).toBe(String.raw` E'a\\''b'`);
});

it('writes the statements that isolate a table, with every name quoted', () => {
  expect(isolateTable({ schema: 'my app', table: 'notes"; drop table x; --', column: 'org' })).toEqual([
    'alter table "my app"."notes""; drop table x; --" enable row level security',
    'alter table "my app"."notes""; drop table x; --" force row level security',
    `create policy tenantry_tenant on "my app"."notes""; drop table x; --" using ("org" = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) with check ("org" = nullif(current_setting('tenantry.tenant_id', true), '')::uuid)`,
    'create policy tenantry_service on "my app"."notes""; drop table x; --" to tenantry_service using (true) with check (true)',
    'grant select, insert, update, delete on "my app"."notes""; drop table x; --" to tenantry_app',
  ]);
});

it('undoes each of them, the last one first', () => {
  const verbs = (statements: string[]): string[] => statements.map((statement) => statement.split(' on ')[0] ?? '');
  expect(verbs(unisolateTable({ table: 'notes' }))).toEqual([
    'revoke select, insert, update, delete',
    'drop policy if exists tenantry_service',
    'drop policy if exists tenantry_tenant',
    'alter table "public"."notes" no force row level security',
    'alter table "public"."notes" disable row level security',
  ]);
});
