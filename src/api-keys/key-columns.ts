import type { Selectable } from 'kysely';
import type { Per } from '../core/period-of.ts';
import type { ApiKeyTable } from '../database/tables.ts';
import type { ApiKey } from './api-key.ts';
import { ownerOf } from './key-owner.ts';
import { usesStateOf } from './limits/key-uses.ts';
import type { RateLimit } from './limits/rate-limit.ts';

/** A row of `tenantry.api_keys`. */
export type KeyColumns = Selectable<ApiKeyTable>;

const units: readonly RateLimit['per'][] = ['second', 'minute', 'hour', 'day'];
const periods: readonly Per[] = ['hour', 'day', 'week', 'month', 'year', 'once'];

/** The key that a row is, with what is left of its uses at a moment. */
export function apiKeyOf(row: KeyColumns, now: Date): ApiKey {
  const per = periods.find((one) => one === row.uses_per) ?? 'once';
  const counted = { count: Number(row.uses_count), period: row.uses_period };
  return {
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    environment: row.environment === 'test' ? 'test' : 'live',
    start: row.start,
    scheme: row.scheme,
    scopes: row.scopes,
    owner: ownerOf(row.member_id, row.team_id),
    createdBy: row.created_by,
    enabled: row.enabled,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    rotatedAt: row.rotated_at,
    lastUsedAt: row.last_used_at,
    allowedIps: row.allowed_ips,
    metadata: row.metadata ?? {},
    rateLimit: rateOf(row.rate_limit),
    uses:
      row.uses_amount === null
        ? null
        : usesStateOf({ amount: Number(row.uses_amount), per }, counted, row.created_at, now),
  };
}

function rateOf(written: Record<string, unknown> | null): RateLimit | null {
  if (written === null) return null;
  const burst = written.burst === undefined ? {} : { burst: Number(written.burst) };
  return { limit: Number(written.limit), per: units.find((one) => one === written.per) ?? 'day', ...burst };
}
