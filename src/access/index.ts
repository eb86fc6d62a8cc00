/**
 * The gate of a request: who acts, for which tenant, whether they may, and how much is left.
 *
 * @packageDocumentation
 */

export type { Access, AccessResult } from './access.ts';
export type { Wiring } from './check-wiring.ts';
export { checkWiring } from './check-wiring.ts';
export type { EndpointLimits } from './endpoint-limits.ts';
export { endpointLimitsOf } from './endpoint-limits.ts';
export type { AdmitOptions, Gate } from './gate.ts';
export { createGate } from './gate.ts';
export type { GateDeps } from './gate-deps.ts';
