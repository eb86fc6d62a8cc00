import type { DomainEvent } from '../core/index.ts';

/** Which session an event tells of. */
export interface SessionData {
  readonly userId: string;
  readonly sessionId: string;
}

/** Why a session ended. */
export type SessionEnd =
  | 'logout'
  | 'revoked'
  | 'replaced'
  | 'password_changed'
  | 'user_suspended'
  | 'member_suspended'
  | 'member_removed'
  | 'token_reused';

/**
 * What happens to users and their sessions. What concerns a tenant, the one for which the session acts, is told as that
 * tenant's; what concerns a user alone is told as the platform's.
 */
export type AuthEvent =
  | DomainEvent<'user.signed_up', { readonly userId: string; readonly email: string; readonly name: string | null }>
  | DomainEvent<'user.created', { readonly userId: string; readonly email: string; readonly name: string | null }>
  | DomainEvent<'user.email_verified', { readonly userId: string; readonly email: string }>
  | DomainEvent<
      'user.email_changed',
      { readonly userId: string; readonly email: string; readonly previousEmail: string }
    >
  | DomainEvent<'user.password_changed', { readonly userId: string; readonly how: 'changed' | 'reset' | 'set' }>
  | DomainEvent<'user.suspended', { readonly userId: string }>
  | DomainEvent<'user.resumed', { readonly userId: string }>
  | DomainEvent<'user.removed', { readonly userId: string }>
  | DomainEvent<'session.started', SessionData>
  | DomainEvent<'session.ended', SessionData & { readonly reason: SessionEnd }>
  | DomainEvent<'session.tenant_switched', SessionData & { readonly previousTenantId: string | null }>
  /** A refresh token was shown again after its time of grace: it may have been stolen, so the session ended. */
  | DomainEvent<'session.token_reused', SessionData>
  /** The actor acts as the user from now on. */
  | DomainEvent<'impersonation.started', SessionData & { readonly reason: string; readonly endsAt: string }>
  | DomainEvent<
      'setup.step_changed',
      { readonly step: string; readonly status: 'open' | 'done' | 'skipped'; readonly previousStatus: string }
    >;
