/** What every call that changes something at the provider carries. */
export interface ProviderCall {
  /** The same wish has the same key, however often it is sent: the provider does it once. At most 255 characters. */
  readonly idempotencyKey: string;
}
