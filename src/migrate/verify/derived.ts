import { quoteIdentifier } from '../../database/isolation-sql.ts';
import type { OwnTable } from '../model.ts';
import { type Checker, none, numbers, quarantined, type VerifyCheck } from './check.ts';

/**
 * A derived table, with its rows in quarantine, holds what its SELECT gives, no row more and none less. From the switch on
 * it is the new application's, and differs by right.
 */
export async function checkDerived({ tx, model, switched }: Checker, table: OwnTable): Promise<VerifyCheck[]> {
  if (table.derivation === undefined) return [];
  const name = 'derived';
  if (switched) {
    return [{ name, table: table.name, status: 'skip', detail: 'the new application writes it since the switch' }];
  }
  const columns = table.table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
  const there = `(select ${columns} from ${table.sql} union all select ${columns} from ${quarantined(model, table)} as q)`;
  const given = `(select ${columns} from (${table.derivation.select}) as s)`;
  const found = await numbers<'missing' | 'extra'>(
    tx,
    `select (select count(*) from (${given} except all ${there}) as d)::text as missing,
  (select count(*) from (${there} except all ${given}) as d)::text as extra`,
  );
  const wrong = found.missing + found.extra;
  return [
    none(
      name,
      table.name,
      wrong,
      `rows differ from what the SELECT gives (${found.missing} missing, ${found.extra} too many)`,
      'every row is what the SELECT gives',
    ),
  ];
}
