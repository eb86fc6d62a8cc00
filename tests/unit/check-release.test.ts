import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenantry-release-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function check(manifest: object): Promise<{ readonly status: number | null; readonly said: string }> {
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  const script = join(import.meta.dirname, '../../scripts/check-release.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  return { status, said: stderr };
}

it('says before a release what provenance needs', async () => {
  const address = { type: 'git', url: 'git+https://example.com/acme/tenantry.git' };
  expect(await check({ version: '1.0.0', repository: address })).toEqual({ status: 0, said: '' });
  expect(await check({ version: '1.0.0', repository: 'github:acme/tenantry' })).toMatchObject({ status: 0 });
  for (const lacking of [{}, { repository: '' }, { repository: { type: 'git' } }]) {
    const { status, said } = await check({ version: '1.0.0', ...lacking });
    expect([status, said]).toEqual([1, expect.stringContaining('"repository"')]);
  }
  expect(await check({ version: '0.0.0', repository: address })).toMatchObject({ status: 1 });
});
