import type { CatalogueStep, CatalogueSync } from '../../billing/index.ts';
import { counted } from './words.ts';

/** What a sync of the catalogue would do, for people. */
export function catalogueText({ provider, livemode, steps, unchanged, problems }: CatalogueSync): string {
  return [
    `${provider}, ${livemode ? 'live' : 'test'} mode: ${counted(unchanged, 'thing')} as the list says`,
    ...steps.map((step) => `  ${stepText(step)}`),
    ...problems.map(({ lookupKey, detail }) => `  cannot be mended: ${lookupKey}: ${detail}`),
  ].join('\n');
}

/** One step of it. */
export function stepText(step: CatalogueStep): string {
  switch (step.do) {
    case 'create-product':
      return `make product "${step.name}" (${step.productId})`;
    case 'rename-product':
      return `rename product ${step.productId} from "${step.previousName}" to "${step.name}"`;
    case 'create-meter':
      return `make meter "${step.eventName}"`;
    case 'create-price':
      return `make price ${step.item.lookupKey}: ${amountsText(step.item)}`;
    case 'replace-price':
      return `replace price ${step.item.lookupKey} (${step.because.map(({ detail }) => detail).join('; ')}): ${amountsText(step.item)}; who has ${step.priceId} keeps it`;
    case 'create-coupon':
      return `make coupon ${step.coupon.id} ("${step.coupon.name}"): ${step.detail}`;
    case 'rename-coupon':
      return `rename coupon ${step.couponId} from "${step.previousName}" to "${step.name}"`;
    case 'create-code':
      return `make promotion code ${step.code.code} of coupon ${step.code.couponId}: ${step.detail}`;
    case 'replace-code':
      return `replace promotion code ${step.code.code} of coupon ${step.code.couponId}, counted from 0: ${step.detail}`;
  }
}

function amountsText({ amounts, interval }: Extract<CatalogueStep, { do: 'create-price' }>['item']): string {
  const texts = Object.entries(amounts).map(([currency, amount]) => `${amount} ${currency}`);
  return `${texts.join(', ')} in minor units each ${interval}`;
}
