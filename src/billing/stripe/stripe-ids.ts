/** The id of what Stripe gives as an id or, expanded, as an object. */
export function idOf(value: string | { readonly id: string } | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : value.id;
}

/** A moment that Stripe gives in seconds. */
export function timeOf(seconds: number): Date;
export function timeOf(seconds: number | null | undefined): Date | null;
export function timeOf(seconds: number | null | undefined): Date | null {
  return typeof seconds === 'number' ? new Date(seconds * 1000) : null;
}

/** A moment as Stripe takes it. */
export function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** Names in the metadata of what the library makes at Stripe. */
export const metadataNames = {
  tenant: 'tenantry_tenant_id',
  plan: 'tenantry_plan',
  key: 'tenantry_key',
  call: 'tenantry_call',
  /** The coupon that the last change gave. */
  coupon: 'tenantry_coupon',
} as const;
