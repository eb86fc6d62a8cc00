import type { Params } from './params.ts';
import { present } from './present.ts';
import { dangling, invalid } from './refusal.ts';
import type { Row } from './rows.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

/** The parameters of every list. */
export const pageParams = 'limit starting_after ending_before';

/** One page of what a table holds, newest first, as Stripe's lists are. */
export function pageOf(world: World, params: Params, url: string, rows: Iterable<Row>): Wire {
  const found = [...rows].reverse().filter((row) => !('created' in row) || inRange(params, 'created', row.created));
  return page(
    params,
    url,
    found.map((row) => ({ id: row.id, wire: () => present(world, row) })),
  );
}

/** One page of things that are already in their order. */
export function page(params: Params, url: string, things: readonly { readonly id: string; wire(): Wire }[]): Wire {
  const limit = params.number('limit') ?? 10;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw invalid('Invalid limit: must be between 1 and 100', { param: 'limit' });
  }
  const after = params.text('starting_after');
  const before = params.text('ending_before');
  if (after !== undefined && before !== undefined) {
    throw invalid('Received both starting_after and ending_before. Please pass in only one.');
  }
  let from = 0;
  let to = things.length;
  if (after !== undefined) from = placeOf(things, after, 'starting_after') + 1;
  if (before !== undefined) {
    to = placeOf(things, before, 'ending_before');
    from = Math.max(0, to - limit);
  }
  const data = things.slice(from, Math.min(to, from + limit));
  const more = before === undefined ? from + limit < things.length : from > 0;
  return { object: 'list', data: data.map((thing) => thing.wire()), has_more: more, url };
}

/** Whether a time lies in the range that a parameter gives. */
export function inRange(params: Params, name: string, at: number | null): boolean {
  const exact = params.number(name);
  if (exact !== undefined) return at === exact;
  const range = params.hash(name);
  if (range === undefined) return true;
  if (at === null) return false;
  const { gt, gte, lt, lte } = {
    gt: range.number('gt') ?? Number.NEGATIVE_INFINITY,
    gte: range.number('gte') ?? Number.NEGATIVE_INFINITY,
    lt: range.number('lt') ?? Number.POSITIVE_INFINITY,
    lte: range.number('lte') ?? Number.POSITIVE_INFINITY,
  };
  return at > gt && at >= gte && at < lt && at <= lte;
}

function placeOf(things: readonly { readonly id: string }[], id: string, param: string): number {
  const place = things.findIndex((thing) => thing.id === id);
  if (place < 0) throw dangling('object', id, param);
  return place;
}
