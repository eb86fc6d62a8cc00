import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findingCodes } from '../../src/tenancy/index.ts';

it('lists every code of the doctor with its severity and reason', async () => {
  const guide = await readFile(join(import.meta.dirname, '../../docs/guides/doctor.md'), 'utf8');
  const listed = [...guide.matchAll(/^\| `(\w+)` \| (error|warning|info) \| (.+) \|$/gm)];
  expect(listed.map(([, code, severity, why]) => ({ code, severity, why }))).toEqual(
    Object.entries(findingCodes).map(([code, { severity, why }]) => ({ code, severity, why })),
  );
});
