import { isUuid } from '../../core/index.ts';
import type { AnyDatabase, CallOptions } from '../../database/index.ts';
import type { SessionEnd } from '../events.ts';
import type { Toolbox } from '../toolbox.ts';
import { type AuthTenancy, actingOf, type TenantDenial } from './acting.ts';
import { findByRefresh, type RefreshTarget, type RotationVerdict, rotateRefresh } from './refresh-store.ts';
import type { IssuedTokens } from './session.ts';
import type { SessionsOf } from './session-store.ts';
import type { SessionsOptions, TokenIssuer } from './token-issuer.ts';

/**
 * The next tokens, or why there are none. `not_found`, `ended`, `expired`, `reused` and `user_suspended`: log in anew. With
 * a reason of the tenant the token stays good: try another tenant, or later.
 */
export type RefreshResult =
  | {
      readonly ok: true;
      readonly sessionId: string;
      readonly userId: string;
      readonly tenantId: string | null;
      readonly tokens: IssuedTokens;
    }
  | {
      readonly ok: false;
      readonly reason: 'not_found' | 'ended' | 'expired' | 'reused' | 'user_suspended' | TenantDenial;
    };

/** What a refresh does beside giving tokens. */
interface RefreshEffects extends Pick<SessionsOptions, 'onTokenReused'> {
  readonly endWithin: (which: SessionsOf, reason: SessionEnd, tx: AnyDatabase) => Promise<number>;
}

/** Makes what gives the next tokens for a refresh token, for the tenant of the session or for another. */
export function createRefresh(
  toolbox: Toolbox,
  tenancy: AuthTenancy | undefined,
  issuer: TokenIssuer,
  { endWithin, onTokenReused }: RefreshEffects,
) {
  const { db, clock, changing, publish } = toolbox;

  /** Two parties hold tokens of one session: it ends for both. */
  async function reused(target: RefreshTarget, options: CallOptions | undefined): Promise<void> {
    const { sessionId, userId, tenantId } = target;
    const ended = await changing(options, (tx) => endWithin({ sessionId }, 'token_reused', tx));
    if (ended > 0) await onTokenReused?.({ sessionId, userId, tenantId });
  }

  return async (
    refreshToken: unknown,
    wanted: string | undefined,
    options: CallOptions | undefined,
  ): Promise<RefreshResult> => {
    const handle = options?.db ?? db;
    const digest = issuer.digestOf(refreshToken);
    const target = digest === null ? null : await findByRefresh(handle, digest);
    if (digest === null || target === null) return { ok: false, reason: 'not_found' };
    if (wanted !== undefined && !isUuid(wanted)) return { ok: false, reason: 'tenant_not_found' };
    const { sessionId, userId } = target;
    if (target.ended) return { ok: false, reason: 'ended' };
    const acting = await actingOf(toolbox, tenancy, { userId, tenantId: wanted ?? target.tenantId }, options);
    const now = clock();
    const next = issuer.newRefresh(now, target.expiresAt);
    const rotation = {
      digest,
      sessionId,
      next: next.digest,
      nextExpiresAt: next.expiresAt,
      tenantId: typeof acting === 'string' ? null : acting.tenantId,
      now,
      graceSince: new Date(now.getTime() - issuer.lifetimes.grace),
    };
    if (typeof acting === 'string') {
      // A token that comes back is a theft, wherever it leads.
      if (target.usedAt === null || target.usedAt > rotation.graceSince) return { ok: false, reason: acting };
      await reused(target, options);
      return { ok: false, reason: 'reused' };
    }
    // Whoever was made to act for a tenant by an impersonation stays there.
    if (target.impersonatorId !== null && wanted !== undefined && wanted !== target.tenantId) {
      return { ok: false, reason: 'tenant_not_found' };
    }
    const switches = acting.tenantId !== target.tenantId;
    const rotated = async (tx: AnyDatabase): Promise<RotationVerdict> => {
      const found = await rotateRefresh(tx, rotation);
      if (switches && (found === 'rotated' || found === 'again')) {
        const data = { userId, sessionId, previousTenantId: target.tenantId };
        await publish(acting.tenantId, { name: 'session.tenant_switched', data }, tx, { userId });
      }
      return found;
    };
    const verdict = await (switches ? changing(options, rotated) : rotated(handle));
    if (verdict === 'reused') await reused(target, options);
    if (verdict !== 'rotated' && verdict !== 'again') return { ok: false, reason: verdict };
    const impersonator = target.impersonatorId === null ? null : { userId: target.impersonatorId };
    const subject = { userId, sessionId, ...acting, impersonator };
    const tokens = await issuer.pair(subject, next, target.expiresAt, options);
    return { ok: true, sessionId, userId, tenantId: acting.tenantId, tokens };
  };
}
