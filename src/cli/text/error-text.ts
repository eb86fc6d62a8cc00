import { isTenantryError } from '../../core/index.ts';
import { exitCodes } from '../exit-codes.ts';
import { UsageError } from '../usage-error.ts';

/** An error for people. */
export function errorText(error: unknown, exit: number): string {
  if (error instanceof UsageError) return `tenantry: ${error.message}`;
  if (isTenantryError(error)) {
    const { details } = error;
    const keys = 'keys' in details && Array.isArray(details.keys) ? details.keys : [];
    return [
      `tenantry: ${error.message} (${error.code})`,
      ...(error.code === 'database_unavailable' && error.cause !== undefined ? [`  ${messageOf(error.cause)}`] : []),
      ...(error.code === 'schema_missing' ? ['  tenantry install does that'] : []),
      ...(keys.length > 0 ? [`  such as ${keys.join(', ')}`] : []),
      ...('sql' in details && typeof details.sql === 'string' && details.sql !== ''
        ? [`  in: ${shortened(details.sql)}`]
        : []),
      ...(exit === exitCodes.stopped ? ['  What was done is recorded; run it again and it goes on from there.'] : []),
    ].join('\n');
  }
  return `tenantry: ${messageOf(error)}`;
}

/** A connection that was refused at several addresses is one error without a text. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function shortened(sql: string): string {
  const line = sql.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}
