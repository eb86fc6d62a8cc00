import type { Ids } from '../../../core/index.ts';
import type { AnyDatabase } from '../../../database/index.ts';
import { type Decided, decidePeople } from './decide-people.ts';
import { loadAllPeople } from './load-people.ts';
import { createOverlay } from './overlay.ts';
import type { PeopleUnit } from './people-unit.ts';

/** Units whose rows are read by one statement. */
const unitsAtOnce = 200;

/**
 * Works units out one after another, each on what the ones before it would leave, and writes nothing. Plan and run decide
 * by it.
 *
 * @throws TenantryError `tenant_not_found` when an old tenant is not there or has moved already.
 */
export async function decideAllPeople(tx: AnyDatabase, units: readonly PeopleUnit[], ids?: Ids): Promise<Decided[]> {
  const overlay = createOverlay();
  const all: Decided[] = [];
  for (let begin = 0; begin < units.length; begin += unitsAtOnce) {
    const some = units.slice(begin, begin + unitsAtOnce);
    for (const [place, people] of (await loadAllPeople(tx, some)).entries()) {
      const unit = some[place];
      if (unit === undefined) continue;
      const decided = decidePeople(overlay.onto(people, unit), unit, ids);
      overlay.add(decided.changes);
      all.push(decided);
    }
  }
  return all;
}
