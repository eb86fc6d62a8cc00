/** Part of `npm run release:publish`: says at once what the registry would refuse after all the tests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const [, , folder = join(import.meta.dirname, '..')] = process.argv;
const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
const { repository, version } = Object(manifest);
const address: unknown = typeof repository === 'string' ? repository : Object(repository).url;
const problems: string[] = [];
if (typeof address !== 'string' || address === '') {
  problems.push(
    'package.json has no "repository": provenance needs the public repository that the release is built from, such as\n' +
      '  "repository": { "type": "git", "url": "git+https://github.com/<owner>/<name>.git" }',
  );
}
if (version === '0.0.0') problems.push('package.json has version 0.0.0: run `npm run release:version` first');

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
