import { expect, it } from 'vitest';
import { withoutLiterals } from './without-literals.ts';

it.each([
  [`select * from t where a = 'o''brien' and b = 12.5`, 'select * from t where a = ? and b = ?'],
  [`update "t1"\n  set c2 = -3 -- the secret\nwhere id = $1`, 'update "t1" set c2 = ? where id = $1'],
  [`insert into t values (E'it\\'s', $q$a 'text'$q$, x'ff')`, 'insert into t values (?, ?, ?)'],
  [`select /* key hc_1 */ 'cut off in the mid`, 'select ?'],
])('shows %j without its values', (query, shown) => {
  expect(withoutLiterals(query)).toBe(shown);
});
