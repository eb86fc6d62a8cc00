/** Something that the provider has and that says for which tenant the library made it. */
export interface ProviderMade {
  readonly what: 'customer' | 'subscription';
  readonly id: string;
  /** The customer itself, or whose subscription it is. */
  readonly customerId: string;
  readonly tenantId: string;
  /** Of a subscription: its state, in the provider's word. */
  readonly status: string | null;
  /** Of a subscription: the lookup keys under which its prices are or were sold. */
  readonly lookupKeys: readonly string[];
}
