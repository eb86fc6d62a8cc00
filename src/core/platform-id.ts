/**
 * The id under which events of the platform itself are told. It is no tenant's.
 *
 * @example
 * ```ts
 * import { platformId } from 'tenantry/core';
 *
 * const ofThePlatform = (tenantId: string): boolean => tenantId === platformId;
 * ```
 */
export const platformId = '00000000-0000-0000-0000-000000000000';
