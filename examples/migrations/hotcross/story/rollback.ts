import { rollbackMigration } from 'tenantry/migrate';
import { customersToOrganizations } from '../definition.ts';
import { createProgressView } from '../progress.ts';
import { differences, type Fingerprint, fingerprint } from './fingerprint.ts';
import type { Story } from './story.ts';

/** Takes the migration back and compares the legacy tables with what they were. */
export async function rollBack({ owner, printer, promise }: Story, before: readonly Fingerprint[]): Promise<boolean> {
  const view = createProgressView(printer.output);
  const { kept } = await rollbackMigration(owner, customersToOrganizations, { onProgress: view.show }).finally(
    view.end,
  );
  const after = await fingerprint(owner);
  const different = differences(before, after);
  for (const { table, rows } of kept) {
    printer.remark(
      `new in ${table}, with no place in the old shape, kept aside: ${rows} ${rows === 1 ? 'row' : 'rows'}`,
    );
  }
  printer.table(
    ['table', 'rows', 'checksum before', 'checksum after'],
    before.map(({ table, rows, checksum }, index) => [table, rows, checksum, after[index]?.checksum ?? '']),
  );
  const identical = different.length === 0;
  promise(
    identical,
    identical
      ? 'rows, columns, constraints, indexes, triggers and policies of all tables are what they were'
      : `${different.join(', ')} differ from before`,
  );
  return identical;
}
