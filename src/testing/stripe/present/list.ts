import type { Wire } from '../wire.ts';

/** A list inside an object: its first page, and all of it where nothing else is said. */
export function listOf(data: readonly unknown[], url: string, limit: number = data.length): Wire {
  return { object: 'list', data: data.slice(0, limit), has_more: data.length > limit, total_count: data.length, url };
}
