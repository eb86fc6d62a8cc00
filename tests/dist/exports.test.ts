import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { packedPackage } from '../support/packed.ts';

const { project } = await packedPackage();
const installed = join(project, 'node_modules/tenantry');
const manifest: { exports: Record<string, { types: string }> } = JSON.parse(
  await readFile(join(installed, 'package.json'), 'utf8'),
);
const subpaths = Object.keys(manifest.exports).filter((path) => path !== './package.json');
const declarations = subpaths.map((subpath) => join(installed, manifest.exports[subpath]?.types ?? ''));
const program = ts.createProgram(declarations, {
  strict: true,
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  typeRoots: [join(project, 'node_modules/@types')],
  noEmit: true,
});

it.each(subpaths.map((subpath, index) => ({ subpath, declaration: declarations[index] ?? '' })))(
  'exports from $subpath what it exported before',
  ({ declaration }) => {
    const checker = program.getTypeChecker();
    const file = program.getSourceFile(declaration);
    const module = file && checker.getSymbolAtLocation(file);
    const names = module && checker.getExportsOfModule(module).map((symbol) => labelOf(symbol, checker));
    expect(names?.toSorted()).toMatchSnapshot();
  },
);

it('has declarations without an error, seen by a user who checks libraries too', () => {
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(installed));
  const problems = own.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]);
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});

/** A name, marked when it is a type alone. */
function labelOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return target.flags & ts.SymbolFlags.Value ? symbol.name : `type ${symbol.name}`;
}
