import { present } from '../present.ts';
import { invalid } from '../refusal.ts';
import type { Call, Route, Routes } from '../route.ts';
import type { Row } from '../rows.ts';
import type { Wire } from '../wire.ts';
import type { World } from '../world.ts';

export const searchRoutes: Routes = {
  Customers_search: searchOf('/v1/customers/search', (world) => world.customers),
  Subscriptions_search: searchOf('/v1/subscriptions/search', (world) => world.subscriptions),
  Invoices_search: searchOf('/v1/invoices/search', (world) => world.invoices),
  Prices_search: searchOf('/v1/prices/search', (world) => world.prices),
  Products_search: searchOf('/v1/products/search', (world) => world.products),
};

/** Search finds what was there some time ago: what was just made is not found yet. */
function searchOf(url: string, table: (world: World) => ReadonlyMap<string, Row>): Route {
  return {
    takes: 'limit page query',
    run({ world, params }: Call): Wire {
      const clauses = readQuery(params.need('query'));
      const limit = params.number('limit') ?? 10;
      const from = Number(params.text('page') ?? 0);
      const seen = world.now - world.settings.searchLag;
      const found = [...table(world).values()]
        .reverse()
        .filter((row) => 'created' in row && (row.created <= seen || world.settings.searchLag === 0))
        .map((row) => present(world, row))
        .filter((wire) => clauses.every((clause) => holds(wire, clause)));
      const more = found.length > from + limit;
      return {
        object: 'search_result',
        data: found.slice(from, from + limit),
        has_more: more,
        next_page: more ? String(from + limit) : null,
        url,
      };
    },
  };
}

interface Clause {
  readonly not: boolean;
  readonly path: readonly string[];
  readonly sign: string;
  readonly value: string;
}

/** Reads `field:"value" AND metadata["key"]:"value" AND -status:"canceled" AND created>5`. */
function readQuery(query: string): readonly Clause[] {
  return query.split(/\s+AND\s+/).map((text): Clause => {
    const parts = /^(-?)([a-z_.]+)(?:\[(['"])(.*?)\3\])?\s*(:|~|>=|<=|>|<)\s*(?:(['"])(.*)\6|(\S+))$/.exec(text.trim());
    if (parts === null) {
      throw invalid(`We were unable to parse your search query: ${text}`, { param: 'query' });
    }
    const [, not, field = '', , key, sign = ':', , quoted, bare] = parts;
    const path = [...field.split('.'), ...(key === undefined ? [] : [key])];
    return { not: not === '-', path, sign, value: quoted ?? bare ?? '' };
  });
}

function holds(wire: Wire, { not, path, sign, value }: Clause): boolean {
  const is = path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
    wire,
  );
  return compare(is ?? null, sign, value) !== not;
}

function compare(is: unknown, sign: string, value: string): boolean {
  if (sign === ':') return value === 'null' ? is === null : String(is).toLowerCase() === value.toLowerCase();
  if (sign === '~')
    return String(is ?? '')
      .toLowerCase()
      .includes(value.toLowerCase());
  const [one, other] = [Number(is), Number(value)];
  if (is === null) return false;
  if (sign === '>') return one > other;
  if (sign === '<') return one < other;
  return sign === '>=' ? one >= other : one <= other;
}
