import type { ReadEntry } from './store.ts';

/** How a trail is written. */
export type ExportFormat = 'csv' | 'jsonl';

const columns = [
  'sequence',
  'occurred_at',
  'action',
  'actor_type',
  'actor_id',
  'actor_name',
  'targets',
  'ip',
  'user_agent',
  'changes',
  'metadata',
  'id',
  'hash',
] as const;

/** The first line of a table of comma-separated values. */
export const csvHeader = `${columns.join(',')}\r\n`;

/** One line of comma-separated values (RFC 4180). */
export function csvLine({ entry }: ReadEntry): string {
  const { actor, context } = entry;
  const row: Readonly<Record<(typeof columns)[number], string | number | null | undefined>> = {
    sequence: entry.sequence,
    occurred_at: entry.occurredAt.toISOString(),
    action: entry.action,
    actor_type: actor.type,
    actor_id: actor.id,
    actor_name: actor.name,
    targets: jsonCell(entry.targets),
    ip: context.ip,
    user_agent: context.userAgent,
    changes: jsonCell(entry.changes),
    metadata: jsonCell(entry.metadata),
    id: entry.id,
    hash: entry.hash,
  };
  return `${columns.map((column) => csvCell(String(row[column] ?? ''))).join(',')}\r\n`;
}

function jsonCell(value: object): string {
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}

/**
 * One cell. A text that a spreadsheet would take for a formula is preceded by an apostrophe: what users typed must not
 * run on the desk of whoever reads the trail.
 */
function csvCell(text: string): string {
  const safe = /^[\t\r\n]|^\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
  return /[",\r\n;]|^'|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line of JSON. With a proof it holds the text that the hash covers. */
export function jsonLine({ entry, canonical }: ReadEntry): string {
  return `${JSON.stringify(canonical === null ? entry : { ...entry, canonical })}\n`;
}
