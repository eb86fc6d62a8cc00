import { TenantryError } from '../../core/index.ts';
import { type StageName, stageNames } from '../plan.ts';

/** The options of a run that are numbers or a stage, as a caller may give them. */
interface GivenSettings {
  readonly to?: StageName | undefined;
  readonly lockTimeout?: number | undefined;
  readonly lockRetries?: number | undefined;
  readonly leasePatience?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly batchMilliseconds?: number | undefined;
  readonly pause?: number | undefined;
  readonly maxReplicaLag?: number | undefined;
  readonly maxLockWaiters?: number | undefined;
}

/** The least that each may be. For PostgreSQL a lock_timeout of 0 is none at all. */
const least = {
  lockTimeout: 1,
  lockRetries: 0,
  leasePatience: 0,
  batchSize: 1,
  batchMilliseconds: 1,
  pause: 0,
  maxReplicaLag: 0,
  maxLockWaiters: 0,
} as const;

/** They stand in the text of exported files. */
const whole: readonly string[] = ['lockTimeout', 'lockRetries', 'batchSize', 'batchMilliseconds', 'pause'];

/**
 * Refuses options with which a run would do nothing, or wait for ever.
 *
 * @throws TenantryError `config_invalid`.
 */
export function checkSettings(settings: GivenSettings): void {
  for (const [name, lowest] of Object.entries(least)) {
    const value: unknown = Reflect.get(settings, name);
    if (value === undefined) continue;
    const isNumber = typeof value === 'number' && value >= lowest && value <= 2_147_483_647;
    if (isNumber && (!whole.includes(name) || Number.isInteger(value))) continue;
    const kind = whole.includes(name) ? 'whole number' : 'number';
    throw new TenantryError('config_invalid', { path: name, problem: `must be a ${kind} of at least ${lowest}` });
  }
  const { to } = settings;
  if (to !== undefined && !stageNames.includes(to)) {
    throw new TenantryError('config_invalid', { path: 'to', problem: `must be one of ${stageNames.join(', ')}` });
  }
}
