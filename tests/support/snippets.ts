/** A piece of TypeScript in a document. */
export interface Snippet {
  readonly code: string;
  /** The line of the file on which the code begins. */
  readonly line: number;
}

/** Finds the `ts` blocks of a Markdown text. */
export function snippetsOf(markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  const lines = markdown.split('\n');
  let start = -1;
  for (const [index, line] of lines.entries()) {
    if (start < 0 && line.trimEnd() === '```ts') start = index + 1;
    else if (start >= 0 && line.trimEnd() === '```') {
      snippets.push({ code: lines.slice(start, index).join('\n'), line: start + 1 });
      start = -1;
    }
  }
  return snippets;
}

/** Finds the examples in the doc comments of a source file. */
export function examplesOf(source: string): Snippet[] {
  const comments = source.replaceAll(/^.*$/gm, (line) => /^ *(?:\/\*\*|\*) ?(.*)$/.exec(line)?.[1] ?? '');
  return snippetsOf(comments);
}
