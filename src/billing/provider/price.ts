import type { ProviderCall } from './call.ts';
import type { Interval } from './subscription.ts';

/** A price as the provider has it. */
export interface ProviderPrice {
  readonly id: string;
  readonly productId: string;
  readonly lookupKey: string | null;
  /** The lookup key under which it was made, also after a later price took that away; absent where nobody noted it. */
  readonly soldAs?: string | null;
  readonly active: boolean;
  readonly livemode: boolean;
  readonly metered: boolean;
  /** The provider's id of the meter of a metered price. */
  readonly meterId: string | null;
  readonly interval: Interval | string | null;
  readonly intervalCount: number;
  /** By currency, in minor units as decimal numbers in text; null where there are tiers. The first is the main one. */
  readonly amounts: { readonly [currency: string]: string | null };
}

/** A price to be made. */
export interface NewPrice {
  /** Made or taken: the id of the product. */
  readonly productId: string;
  /** Also kept where a later price cannot take it away, so that who has the price is known by it. */
  readonly lookupKey: string;
  /** The lookup key of the list that it is had under, where that is another: a price agreed with one customer. */
  readonly soldAs?: string | undefined;
  /** Takes the lookup key away from the price that has it. */
  readonly transferLookupKey: boolean;
  readonly nickname?: string | undefined;
  readonly interval: Interval;
  readonly intervalCount: number;
  /** The main currency first. */
  readonly amounts: { readonly [currency: string]: string };
  readonly meterId?: string | undefined;
}

/** A product as the provider has it. */
export interface ProviderProduct {
  readonly id: string;
  readonly name: string;
  readonly active: boolean;
}

/** A meter as the provider has it. */
export interface ProviderMeter {
  readonly id: string;
  readonly eventName: string;
  readonly active: boolean;
}

/** What is sold. */
export interface ProviderPrices {
  /** The active prices that have these lookup keys. */
  byLookupKeys(lookupKeys: readonly string[]): Promise<readonly ProviderPrice[]>;
  /** Reads one price; null when the provider does not know it. */
  read(id: string): Promise<ProviderPrice | null>;
  /** Makes a price. */
  create(input: NewPrice, call: ProviderCall): Promise<ProviderPrice>;
  /** Takes a price off sale; who has it keeps it. */
  archive(id: string, call: ProviderCall): Promise<ProviderPrice>;
  /** Reads one product; null when the provider does not know it. */
  product(id: string): Promise<ProviderProduct | null>;
  /** The id is ours, so that making it again finds it. */
  createProduct(input: ProviderProduct, call: ProviderCall): Promise<ProviderProduct>;
  /** Gives a product another name. */
  renameProduct(id: string, name: string, call: ProviderCall): Promise<ProviderProduct>;
  /** Lists the meters. */
  meters(): Promise<readonly ProviderMeter[]>;
  /** Makes a meter. */
  createMeter(input: { readonly eventName: string; readonly name: string }, call: ProviderCall): Promise<ProviderMeter>;
}
