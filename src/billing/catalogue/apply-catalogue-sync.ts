import { TenantryError } from '../../core/index.ts';
import type { BillingProvider } from '../provider.ts';
import { applyCouponStep } from './apply-coupon-step.ts';
import { catalogueRefusal } from './check-catalogue.ts';
import type { CatalogueStep, CatalogueSync } from './plan-catalogue-sync.ts';
import type { PriceItem } from './price-definitions.ts';

/**
 * Does what a plan says, step by step, telling of each. It can be killed at any moment: a new plan finds what is left, and
 * what was done is not done twice.
 *
 * @throws TenantryError `config_invalid` for a plan with problems, or one that was made for another provider or mode.
 *
 * @example
 * ```ts
 * import { applyCatalogueSync, type BillingProvider, planCatalogueSync, type PriceCatalogue } from 'tenantry/billing';
 *
 * async function deployPrices(provider: BillingProvider, prices: PriceCatalogue): Promise<void> {
 *   const sync = await planCatalogueSync(provider, prices);
 *   await applyCatalogueSync(provider, sync, (step) => console.log(step));
 * }
 * ```
 */
export async function applyCatalogueSync(
  provider: BillingProvider,
  sync: CatalogueSync,
  onStep: (step: CatalogueStep) => void = () => undefined,
): Promise<void> {
  const [problem] = sync.problems;
  if (problem !== undefined) throw catalogueRefusal(problem);
  if (sync.provider !== provider.name || sync.livemode !== provider.livemode) {
    const path = 'applyCatalogueSync';
    throw new TenantryError('config_invalid', { path, problem: 'the plan was made for another provider or mode' });
  }
  let meters: ReadonlyMap<string, string> | undefined;
  const meterOf = async ({ meter: eventName }: PriceItem): Promise<string | undefined> => {
    if (eventName === null) return undefined;
    meters ??= new Map(
      (await provider.prices.meters()).filter(({ active }) => active).map((meter) => [meter.eventName, meter.id]),
    );
    return meters.get(eventName);
  };
  for (const step of sync.steps) {
    await applyStep(provider, step, meterOf);
    onStep(step);
  }
}

async function applyStep(
  { prices, coupons }: BillingProvider,
  step: CatalogueStep,
  meterOf: (item: PriceItem) => Promise<string | undefined>,
): Promise<void> {
  switch (step.do) {
    case 'create-product': {
      const { productId: id, name } = step;
      await prices.createProduct({ id, name, active: true }, { idempotencyKey: `catalogue product ${id} ${name}` });
      return;
    }
    case 'rename-product': {
      // Names may go back and forth; the one before tells the wishes apart.
      const idempotencyKey = `catalogue rename ${step.productId} ${step.previousName} ${step.name}`.slice(0, 255);
      await prices.renameProduct(step.productId, step.name, { idempotencyKey });
      return;
    }
    case 'create-meter': {
      const { eventName, name } = step;
      await prices.createMeter({ eventName, name }, { idempotencyKey: `catalogue meter ${eventName}` });
      return;
    }
    case 'create-price':
      await createPrice(prices, step.item, null, await meterOf(step.item));
      return;
    case 'replace-price':
      await createPrice(prices, step.item, step.priceId, await meterOf(step.item));
      await prices.archive(step.priceId, { idempotencyKey: `catalogue archive ${step.priceId}` });
      return;
    default:
      await applyCouponStep(coupons, step);
  }
}

async function createPrice(
  prices: BillingProvider['prices'],
  { lookupKey, productId, productName, interval, intervalCount, amounts, per, meter: eventName }: PriceItem,
  replaced: string | null,
  meterId: string | undefined,
): Promise<void> {
  if (per === 'usage' && meterId === undefined) {
    throw new TenantryError('config_invalid', { path: lookupKey, problem: `the provider has no meter "${eventName}"` });
  }
  const told = Object.entries(amounts).map(([currency, amount]) => `${amount}${currency}`);
  await prices.create(
    {
      productId,
      lookupKey,
      transferLookupKey: replaced !== null,
      nickname: productName,
      interval,
      intervalCount,
      amounts,
      ...(meterId !== undefined && { meterId }),
    },
    // A price that comes back after another is a wish of its own.
    { idempotencyKey: `catalogue price ${lookupKey} ${replaced ?? 'first'} ${told.join(' ')}`.slice(0, 255) },
  );
}
