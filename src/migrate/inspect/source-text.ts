/** The width of the lines of a drafted file. */
const width = 120;

/** A text as a TypeScript literal in single quotes. */
export function textLiteral(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`;
}

/** A name as the key of an object or a type. */
export function propertyName(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : textLiteral(name);
}

/** SQL as a tagged template. */
export function sqlTemplate(text: string): string {
  return `sql\`${text.replace(/[\\`]|\$(?=\{)/g, '\\$&')}\``;
}

/** A list of names as a literal: the name itself when it is one. */
export function namesLiteral(names: readonly string[]): string {
  return names.length === 1 && names[0] !== undefined
    ? textLiteral(names[0])
    : `[${names.map(textLiteral).join(', ')}]`;
}

/** A comment, broken into lines. Whatever a name of the database holds, it stays a comment. */
export function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}//`;
  for (const word of text.split(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/u).filter(Boolean)) {
    if (line.length + 1 + word.length > width && line !== `${indent}//`) {
      lines.push(line);
      line = `${indent}//`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** `name: value,` with the options of a call on lines of their own where one line is too narrow. */
export function property(indent: string, name: string, call: string, options: readonly string[], args = ''): string[] {
  const begin = `${indent}${name}: ${call}(`;
  const last = options.length === 0 ? [] : [`{ ${options.join(', ')} }`];
  const short = `${begin}${[...(args === '' ? [] : [args]), ...last].join(', ')}),`;
  if (short.length <= width || options.length === 0) return [short];
  return [`${begin}${args}, {`, ...options.map((option) => `${indent}  ${option},`), `${indent}}),`];
}
