import { dangling, missing } from './refusal.ts';

/** The object that the path names; 404 where there is none. */
export function atPath<Kept>(table: ReadonlyMap<string, Kept>, id: string, what: string, param = 'id'): Kept {
  const row = table.get(id);
  if (row === undefined) throw missing(what, id, param);
  return row;
}

/** The object that a parameter names; 400 where there is none. */
export function named<Kept>(table: ReadonlyMap<string, Kept>, id: string, what: string, param: string): Kept {
  const row = table.get(id);
  if (row === undefined) throw dangling(what, id, param);
  return row;
}
