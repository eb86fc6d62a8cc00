import { mkdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packedPackage } from '../support/packed.ts';
import { run } from '../support/run.ts';

const { files, project, tarball } = await packedPackage();
const installed = join(project, 'node_modules/tenantry');
const manifest: { exports: Record<string, string | { types: string; default: string }>; files: string[] } = JSON.parse(
  await readFile(join(installed, 'package.json'), 'utf8'),
);
const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json');
const nameOf = (subpath: string): string => `tenantry${subpath.slice(1)}`;

describe('the packed files', () => {
  it('are the build, the manifest and the documents, and nothing else', () => {
    const unexpected = files.filter(
      (file) => !/^(dist\/.+\.(js|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file),
    );
    expect(unexpected).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'dist/index.js']));
  });

  it('hold every target of the exports', () => {
    const targets = subpaths.flatMap((subpath) => Object.values(Object(manifest.exports[subpath])));
    expect(targets).toHaveLength(subpaths.length * 2);
    for (const target of targets) expect(files).toContain(String(target).slice(2));
  });

  it('import what is built into Node by its full name, which workers want', async () => {
    for (const file of files.filter((name) => name.endsWith('.js'))) {
      const text = await readFile(join(installed, file), 'utf8');
      const names = [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*["']([^"']+)["']/g)].map(([, name]) => name);
      expect([file, names.filter((name) => builtinModules.includes(String(name)))]).toEqual([file, []]);
    }
  });

  it('name no path of the machine that built them', async () => {
    for (const file of files) {
      const text = await readFile(join(installed, file), 'utf8');
      expect(text.includes(process.cwd()), file).toBe(false);
    }
  });
});

describe('the manifest', () => {
  it('is published to all, with provenance, and runs nothing when it is installed', async () => {
    const text = await readFile(join(installed, 'package.json'), 'utf8');
    const { publishConfig, scripts, dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(text);
    expect(publishConfig).toEqual({ access: 'public', provenance: true });
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    expect(Object.keys(dependencies)).toEqual(['commander']);
    const required = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
    expect(required).toEqual(['kysely']);
  });
});

describe('the installed package', () => {
  it.each(subpaths.map(nameOf))('imports %s', async (name) => {
    const script = `console.log(JSON.stringify(Object.keys(await import(${JSON.stringify(name)}))))`;
    const names: string[] = JSON.parse(await run(process.execPath, ['--input-type=module', '-e', script], project));
    expect(names).not.toHaveLength(0);
    expect(names).not.toContain('default');
  });

  it('gives its manifest away, and nothing that is not in the exports', async () => {
    const script = (name: string) => [
      '--input-type=module',
      '-e',
      `await import('${name}', { with: { type: 'json' } })`,
    ];
    await run(process.execPath, script('tenantry/package.json'), project);
    await expect(run(process.execPath, script('tenantry/dist/index.js'), project)).rejects.toThrow(
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    );
  });

  it('loads webhooks, core and http where no peer is installed: neither Kysely nor a validator nor a provider', async () => {
    const bare = join(project, '../bare');
    await mkdir(join(bare, 'node_modules/tenantry'), { recursive: true });
    await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(bare, 'node_modules/tenantry')], bare);
    const load = (name: string) =>
      run(process.execPath, ['--input-type=module', '-e', `await import('${name}')`], bare);
    for (const name of ['tenantry/webhooks', 'tenantry/core', 'tenantry/http']) await load(name);
    await expect(load('tenantry/database')).rejects.toThrow("Cannot find package 'kysely'");
  });
});
