/** The text of a statement with each value that stands in it replaced by `?`, on one line; comments go. */
export function withoutLiterals(query: string): string {
  const shown = query
    .replace(/--[^\n]*/g, ' ')
    .replace(/\/\*.*?(?:\*\/|$)/gs, ' ')
    .replace(/\$([A-Za-z_]\w*)?\$.*?(?:\$\1\$|$)/gs, '?')
    .replace(/(?<!\w)e'(?:[^'\\]|''|\\.)*(?:'|$)/gis, '?')
    .replace(/(?:(?<!\w)(?:b|x|n|u&))?'(?:[^']|'')*(?:'|$)/gis, '?')
    .replace(/(?<![\w$"])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi, '?')
    .replace(/\s+/g, ' ')
    .trim();
  return shown.length > 200 ? `${shown.slice(0, 199)}…` : shown;
}
