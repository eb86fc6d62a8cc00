const digits = /\d(?:[ -]?\d){12,18}/g;

/**
 * A text or number of a gateway's answer without what could be the number of a card: of 13 to 19 digits that pass the check
 * of ISO 7812 the last four are left. Nobody needs more, and whoever stores more answers for it.
 */
export function maskNumber(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replaceAll(digits, (found) => (isCardNumber(found) ? masked(found) : found));
  if (typeof value !== 'number') return value;
  const text = String(value);
  return text.length >= 13 && isCardNumber(text) ? masked(text) : value;
}

function masked(text: string): string {
  return `••••${text.replaceAll(/\D/g, '').slice(-4)}`;
}

function isCardNumber(text: string): boolean {
  const all = [...text.replaceAll(/\D/g, '')].reverse().map(Number);
  const sum = all.reduce((total, digit, place) => {
    const twice = place % 2 === 1 ? digit * 2 : digit;
    return total + (twice > 9 ? twice - 9 : twice);
  }, 0);
  return sum % 10 === 0;
}
