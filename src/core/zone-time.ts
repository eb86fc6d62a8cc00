const formats = new Map<string, Intl.DateTimeFormat>();
const mostFormats = 1000;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formats.size >= mostFormats) formats.clear();
  formats.set(zone, made);
  return made;
}

/** Tells whether the platform knows a time zone by this name, such as `Europe/Berlin`. */
export function isTimeZone(zone: unknown): zone is string {
  if (typeof zone !== 'string' || zone.length > 64) return false;
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of a time zone show at a moment, written as if it were UTC, in milliseconds. */
export function wallOf(instant: number, zone: string): number {
  const fraction = ((instant % 1000) + 1000) % 1000;
  const parts: Record<string, string> = {};
  for (const { type, value } of formatOf(zone).formatToParts(instant - fraction)) parts[type] = value;
  const year = Number(parts.year);
  const wall = new Date(0);
  wall.setUTCFullYear(parts.era === 'BC' ? 1 - year : year, Number(parts.month) - 1, Number(parts.day));
  wall.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second));
  return wall.getTime() + fraction;
}

const day = 86_400_000;

/**
 * The moment at which the clocks of a time zone first show a time or a later one. A time that is skipped in spring is the
 * moment of the jump, one that comes twice in autumn is its first: so a later time never is an earlier moment.
 */
export function instantOf(wall: number, zone: string): number {
  // Offsets a day before and after embrace every change of clocks; both are tried, the earlier moment first.
  const before = wall - day;
  const after = wall + day;
  const offsets = [wallOf(before, zone) - before, wallOf(after, zone) - after];
  const candidates = offsets.map((offset) => wall - offset).toSorted((one, other) => one - other);
  const exact = candidates.find((candidate) => wallOf(candidate, zone) === wall);
  if (exact !== undefined) return exact;
  // Skipped: the first moment that shows more, between the two.
  let [low = wall, high = wall] = candidates;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (wallOf(middle, zone) >= wall) high = middle;
    else low = middle;
  }
  return high;
}
