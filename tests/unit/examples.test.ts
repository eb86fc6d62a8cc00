import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { entryPoints }: { entryPoints: readonly string[] } = JSON.parse(
  await readFile(join(root, 'typedoc.json'), 'utf8'),
);
const declared = (name: string): RegExp =>
  new RegExp(String.raw`(/\*\*(?:(?!\*/)[^])*\*/)\nexport (?:async )?(?:function\*? |const |class )${name}\b`);

/** The values that an entry point exports from files of its own, by name. */
async function exportsOf(entry: string): Promise<readonly (readonly [name: string, file: string])[]> {
  const source = await readFile(join(root, entry), 'utf8');
  const own = [...source.matchAll(/^export (?:async )?(?:function\*? |const |class )(\w+)/gm)].map(
    ([, name = '']) => [name, entry] as const,
  );
  const handedOn = [...source.matchAll(/^export \{([^}]*)\} from '([^']*)';/gm)].flatMap(([, names = '', from = '']) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^.* as /, ''))
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name) => [name, join(dirname(entry), from)] as const),
  );
  return [...own, ...handedOn].filter(([, file]) => file === entry || !file.endsWith('index.ts'));
}

it.each(entryPoints)('%s: whatever it exports to be called or read is shown in use', async (entry) => {
  const bare: string[] = [];
  for (const [name, file] of await exportsOf(entry)) {
    const comment = declared(name).exec(await readFile(join(root, file), 'utf8'))?.[1] ?? '';
    if (!comment.includes('@example')) bare.push(`${file}: ${name}`);
  }
  expect(bare).toEqual([]);
});
