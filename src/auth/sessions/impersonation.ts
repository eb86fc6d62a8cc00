import { cleanText, isPermissionPattern, isUuid, opaqueId, TenantryError } from '../../core/index.ts';
import type { CallOptions } from '../../database/index.ts';
import type { Toolbox } from '../toolbox.ts';
import type { TenantDenial } from './acting.ts';
import { requireSelf } from './require-self.ts';
import type { IssuedTokens, Session } from './session.ts';
import { holdSession } from './session-store.ts';
import type { SessionsInside } from './sessions.ts';

/** Who acts as whom, and why. */
export interface ImpersonateInput {
  /**
   * Who really acts, from a session of their own. With `superAdmin` the application vouches that they may; nobody else
   * may.
   */
  readonly by: { readonly userId: string; readonly sessionId: string; readonly superAdmin: boolean };
  readonly userId: string;
  readonly tenantId: string;
  /** Told in the tenant's audit trail, where its owners read it. */
  readonly reason: string;
  readonly ip?: string;
  readonly userAgent?: string;
}

/** A session in which somebody acts as another, or why there is none. */
export type ImpersonateResult =
  | { readonly ok: true; readonly session: Session; readonly tokens: IssuedTokens }
  | { readonly ok: false; readonly reason: 'user_suspended' | TenantDenial };

/** How long somebody may act as another, and what not. */
export interface ImpersonationOptions {
  /** 30 when absent, and at most. */
  readonly minutes?: number;
  /**
   * Patterns of permissions that nobody has meanwhile, whatever the user's role allows; `billing:*` and `factors:*` when
   * absent.
   */
  readonly denies?: readonly string[];
}

/** Lets somebody act as a user. */
export interface Impersonation {
  /**
   * Starts a session in which somebody acts as a user, in one tenant, with a reason, for 30 minutes, and no longer than
   * the session from which it began. Its tokens name both (`act`).
   *
   * @throws TenantryError `permission_denied` for who is no super admin, for a session that is over or another's, and out of
   * another impersonation; `name_invalid` without a reason.
   */
  start(input: ImpersonateInput, options?: CallOptions): Promise<ImpersonateResult>;
  /** The permissions that nobody has meanwhile. */
  readonly denies: readonly string[];
}

/**
 * Makes the impersonation.
 *
 * @throws TenantryError `config_invalid`.
 */
export function createImpersonation(
  { clock, changing, publish }: Toolbox,
  sessions: SessionsInside,
  { minutes = 30, denies = ['billing:*', 'factors:*'] }: ImpersonationOptions = {},
): Impersonation {
  const invalid = (path: string, problem: string) =>
    new TenantryError('config_invalid', { path: `auth.impersonation.${path}`, problem });
  if (!(minutes > 0 && minutes <= 30)) throw invalid('minutes', 'must be above 0, at most 30');
  if (!denies.every(isPermissionPattern)) throw invalid('denies', 'must be patterns of permissions');

  const start: Impersonation['start'] = async ({ by, userId, tenantId, reason, ip, userAgent }, options) => {
    const actor = opaqueId('by.userId', by.userId);
    const user = opaqueId('userId', userId);
    const why = cleanText('reason', reason, 500);
    if (by.superAdmin !== true || actor === user) {
      throw new TenantryError('permission_denied', { permission: 'users:impersonate' });
    }
    if (!isUuid(tenantId)) return { ok: false, reason: 'tenant_not_found' };
    const started = await changing(options, async (tx) => {
      // From here on it does not end without this seeing it, or being seen.
      if (isUuid(by.sessionId)) await holdSession(tx, by.sessionId);
      await requireSelf(tx, { userId: actor, sessionId: by.sessionId }, 'users:impersonate', clock());
      const impersonator = { userId: actor, reason: why };
      const origin = { ...(ip !== undefined && { ip }), ...(userAgent !== undefined && { userAgent }) };
      const how = { lifetime: minutes * 60_000, impersonator, beganIn: by.sessionId };
      const begun = await sessions.startWithin({ userId: user, tenantId, ...how, ...origin }, tx);
      if (begun.ok) {
        const { sessionId, expiresAt, tenantId: where } = begun.session;
        const data = { userId: user, sessionId, reason: why, endsAt: expiresAt.toISOString() };
        await publish(where, { name: 'impersonation.started', data }, tx, { userId: actor, superAdmin: true });
      }
      return begun;
    });
    return sessions.signed(started, options);
  };

  return { start, denies };
}
