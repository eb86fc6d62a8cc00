import { createHash } from 'node:crypto';
import type { RawBuilder } from 'kysely';
import type { AnyDatabase } from '../../database/index.ts';
import { expressionText } from '../sql-text.ts';
import type { AnyRetenanting } from './definition.ts';
import { partOf, type RowModel } from './rows/table.ts';

/** A hash of plain data. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** A hash of everything that a definition says, its SQL written out. */
export function retenantingFingerprint(db: AnyDatabase, { people, ...definition }: AnyRetenanting): string {
  const plain = JSON.stringify([people ?? {}, definition], (_, value: unknown) =>
    isSql(value) ? expressionText(db, value, '') : value,
  );
  return hashOf(plain);
}

function isSql(value: unknown): value is RawBuilder<unknown> {
  return typeof value === 'object' && value !== null && 'toOperationNode' in value;
}

/** The shape of each table, to notice that one changed since a plan. */
export function shapesOf(model: RowModel): Record<string, string> {
  const { tables } = partOf(model, 'application');
  return Object.fromEntries(
    tables.map(({ name, column, key, columns, uniques, references }) => [
      name,
      hashOf([column, key, columns, uniques, references]),
    ]),
  );
}
