// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
const harmful = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** A text without what would write over a terminal, colour it or turn its lines around; lines and tabs stay. */
export function harmless(text: string): string {
  return text.replace(harmful, ' ');
}
