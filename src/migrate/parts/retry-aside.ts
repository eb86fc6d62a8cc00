import { quoteLiteral } from '../../database/isolation-sql.ts';
import { keyEquals, type Model } from '../model.ts';
import { fillGrantsSql, grantsSql } from './grants.ts';
import { digestsSql, fillKeysSql, keysSql } from './keys.ts';
import { asideName, type Part, type PartStore, partsOf } from './part.ts';

/**
 * Statements for a user who has just become a member: keys and grants of that user that were set aside for want of a
 * member are made now. `user` is SQL of the user's id.
 */
export function retryAsideSql(model: Model, user: string, store: PartStore): string[] {
  return partsOf(model).flatMap((part) => {
    const waiting = waitingSql(model, part, user);
    const from = `(select x.* from ${part.table.sql} as x join tenantry.migration_quarantine z
      on ${keyEquals(part.table.key, 'x', 'z.row_key')} where ${waiting})`;
    const those = `q.row_key in (select z.row_key from tenantry.migration_quarantine z where ${waiting})`;
    const made = makers[part.name]?.(model, part, from, those, store) ?? [];
    const over = `delete from tenantry.migration_quarantine z where ${waiting} and exists (select 1 from ${store.parts} q
      where q.row_key = z.row_key and q.part = ${quoteLiteral(part.name)} and q.migration = ${quoteLiteral(model.name)})`;
    return made.length === 0 ? [] : [...made, over];
  });
}

function waitingSql(model: Model, part: Part, user: string): string {
  return `z.row_data ->> 'user_id' = ${user} and z.table_name = ${quoteLiteral(asideName(part))} and z.migration = ${quoteLiteral(model.name)}`;
}

type Maker = (model: Model, part: Part, from: string, those: string, store: PartStore) => string[];

const makers: Partial<Record<Part['name'], Maker>> = {
  apiKeys: (model, part, from, those, store) => [
    fillKeysSql(model, part, from, store),
    keysSql(model, part, those, store),
    digestsSql(model, part, those, store),
  ],
  grants: (model, part, from, those, store) => [
    fillGrantsSql(model, part, from, store),
    grantsSql(model, part, those, store),
  ],
};
