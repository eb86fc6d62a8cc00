import type { Wire } from '../wire.ts';

/** A list inside an object: all of it on one page. */
export function listOf(data: readonly unknown[], url: string): Wire {
  return { object: 'list', data, has_more: false, total_count: data.length, url };
}
