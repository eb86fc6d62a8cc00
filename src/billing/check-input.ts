import { cleanText, opaqueId, TenantryError } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import type { CheckoutInput, SubscribeInput, SwapInput } from './billing-interface.ts';
import type { Payer } from './ensure-customer.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const unsent = /[\u0000-\u0020\u007f]|\p{Surrogate}/u;

/**
 * Checks an address to which the provider sends a payer back; words in braces that the provider fills in may stand in it.
 *
 * @throws TenantryError `name_invalid`.
 */
export function checkUrl(field: string, url: unknown): string {
  if (typeof url === 'string' && url.length <= 5000 && /^https?:\/\/[^/]/.test(url) && !unsent.test(url)) {
    if (URL.canParse(url)) return url;
  }
  throw new TenantryError('name_invalid', { field, problem: 'must be an address that begins with https://' });
}

/** Checks a moment. @throws TenantryError `name_invalid`. */
export function checkTime(field: string, time: unknown): Date {
  if (isMoment(time)) return time;
  throw new TenantryError('name_invalid', { field, problem: 'must be a date' });
}

/** Checks a moment that is to come. @throws TenantryError `name_invalid`. */
export function checkFuture(field: string, time: unknown, now: Date): Date {
  const at = checkTime(field, time);
  if (at.getTime() > now.getTime()) return at;
  throw new TenantryError('name_invalid', { field, problem: 'must lie in the future' });
}

/** Checks a whole number within bounds. @throws TenantryError `amount_invalid`. */
export function checkCount(value: unknown, [least, most]: readonly [number, number]): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const problem = `must be a whole number from ${least} to ${most}`;
  throw new TenantryError('amount_invalid', { amount: String(value).slice(0, 40), problem });
}

/** Checks ids of others' by their fields, those that are given. @throws TenantryError `name_invalid`. */
export function checkIds(ids: { readonly [field: string]: string | undefined }): void {
  for (const [field, id] of Object.entries(ids)) if (id !== undefined) opaqueId(field, id);
}

/** What people are known by, each once. @throws TenantryError `name_invalid`. */
export function checkFingerprints(fingerprints: readonly string[] = []): readonly string[] {
  if (fingerprints.length > 50) {
    throw new TenantryError('name_invalid', { field: 'fingerprints', problem: 'are more than 50' });
  }
  return [...new Set(fingerprints.map((one) => cleanText('fingerprint', one, 200)))];
}

type Wish = Partial<Pick<SubscribeInput, 'daysUntilDue' | 'agreed'>> &
  Partial<Pick<CheckoutInput, 'payer' | 'locale'>> &
  Partial<Pick<SwapInput, 'prorationDate' | 'coupon' | 'addOns'>>;

/**
 * Checks what a caller wishes for and what only the provider would refuse, or the database.
 *
 * @throws TenantryError `name_invalid`, `amount_invalid`.
 */
export function checkWish({ payer, coupon, locale, addOns = {}, daysUntilDue, agreed, prorationDate }: Wish): void {
  if (coupon !== undefined) opaqueId('coupon', coupon);
  if (locale !== undefined) checkLocale(locale);
  if (prorationDate !== undefined) checkTime('prorationDate', prorationDate);
  if (daysUntilDue !== undefined) checkCount(daysUntilDue, [0, 730]);
  if (agreed !== undefined) checkCount(agreed, [0, Number.MAX_SAFE_INTEGER]);
  for (const quantity of Object.values(addOns)) checkCount(quantity, [0, 1_000_000]);
  if (payer !== undefined) checkPayer(payer);
}

function checkLocale(locale: unknown): void {
  if (typeof locale === 'string' && /^(auto|[a-z]{2,3}(-[A-Z0-9]{2,4})?)$/.test(locale)) return;
  throw new TenantryError('name_invalid', { field: 'locale', problem: 'must be a language such as "de" or "pt-BR"' });
}

function checkPayer({ name, email }: Payer): void {
  if (name !== undefined) cleanText('payer.name', name, 200);
  if (email !== undefined) cleanText('payer.email', email, 320);
}
