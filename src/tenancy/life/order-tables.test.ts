import fc from 'fast-check';
import { expect, it } from 'vitest';
import { orderTables } from './order-tables.ts';

it('puts parents first, and tables in one group exactly when they lead to each other', () => {
  const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const tables = Array.from({ length: 8 }, (_, oid) => ({
        oid: String(oid),
        parents: pairs.filter(([from]) => from === oid).map(([, to]) => String(to)),
      }));
      const groups = orderTables(tables);
      expect(
        groups
          .flat()
          .map(({ oid }) => oid)
          .toSorted(),
      ).toEqual(tables.map(({ oid }) => oid).toSorted());
      const place = new Map(groups.flatMap((group, n) => group.map(({ oid }) => [oid, n] as const)));
      const reach = (from: string, seen = new Set<string>()): Set<string> => {
        for (const to of tables[Number(from)]?.parents ?? []) if (!seen.has(to) && seen.add(to)) reach(to, seen);
        return seen;
      };
      for (const { oid } of tables) {
        for (const other of reach(oid)) {
          const together = reach(other).has(oid);
          if (together) expect(place.get(other)).toBe(place.get(oid));
          else if (other !== oid) expect(place.get(other) ?? 9).toBeLessThan(place.get(oid) ?? -1);
        }
      }
      for (const group of groups.filter(({ length }) => length > 1)) {
        for (const a of group) for (const b of group) expect(a === b || reach(a.oid).has(b.oid)).toBe(true);
      }
    }),
  );
});
