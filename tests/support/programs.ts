import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

/** A program of a user's: a title for the test, and what stands in the file of the project. */
export interface Program {
  readonly title: string;
  readonly file: string;
  readonly code: string;
}

/** Writes programs into a project and compiles them as strictly as a careful user would. Gives the problems by file. */
export async function compilePrograms(
  project: string,
  programs: readonly Program[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  // An `export {}` makes a module of a program that imports and exports nothing.
  for (const { file, code } of programs) await writeFile(join(project, file), `${code}\nexport {};\n`);
  const compiled = ts.createProgram(
    programs.map(({ file }) => join(project, file)),
    {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ['node'],
      typeRoots: [join(project, 'node_modules/@types')],
      noEmit: true,
    },
  );
  const problems = new Map<string, readonly string[]>();
  for (const { file } of programs) problems.set(file, problemsOf(compiled, join(project, file)));
  return problems;
}

/** What the compiler says of one file of a program. */
export function problemsOf(program: ts.Program, file: string): readonly string[] {
  const source = program.getSourceFile(file);
  if (source === undefined) throw new TypeError(`${file} is no part of the program`);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(describeProblem);
}

function describeProblem({ file, start, messageText }: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  if (file === undefined || start === undefined) return message;
  const { line } = file.getLineAndCharacterOfPosition(start);
  return `${file.text.split('\n')[line]?.trim()}\n  ${message}`;
}
