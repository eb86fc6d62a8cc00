import type { DomainEvent } from '../../core/index.ts';

/** A tenant, as events of the platform name it. */
export interface TenantRef {
  readonly type: 'tenant';
  readonly id: string;
}

/** What happens on the platform, above all tenants. These are told under `platformId`, which is no tenant. */
export type PlatformEvent =
  | DomainEvent<'tenant.purged', { readonly tenant: TenantRef; readonly rows: Readonly<Record<string, number>> }>
  | DomainEvent<'tenant.exported', { readonly tenant: TenantRef }>
  | DomainEvent<'tenant.imported', { readonly tenant: TenantRef; readonly rows: Readonly<Record<string, number>> }>
  /** Somebody looked across tenants, at what and why. */
  | DomainEvent<
      'platform.read',
      {
        readonly view: string;
        readonly reason: string | null;
        readonly filter: Readonly<Record<string, string | number | null>>;
        readonly tenant?: TenantRef;
      }
    >;
