const cells = 20;

/** A bar that is full to a part from 0 to 1. */
export function bar(part: number): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * cells);
  return `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
}
