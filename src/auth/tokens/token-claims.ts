/** What an access token says. */
export interface TokenClaims {
  readonly userId: string;
  /** Null in a token of another issuer. */
  readonly sessionId: string | null;
  /** Null: the user chose no tenant yet. */
  readonly tenantId: string | null;
  /** The role when the token was made; null without a tenant. */
  readonly role: string | null;
  /** The membership when the token was made: its version counts up with every change of role, status or grants. */
  readonly member: { readonly id: string; readonly version: number } | null;
  /** Who really acts; null: the user. */
  readonly impersonator: { readonly userId: string } | null;
  readonly expiresAt: Date;
  /** Of another issuer, whose tokens are taken for a time. */
  readonly legacy: boolean;
}

/**
 * Why a token is refused. Of its form: `malformed`, `algorithm_refused` (also `none`), `type_refused` (no access token),
 * `header_refused` (it brings its own key, or asks for an extension), `key_unknown`, `signature_invalid`,
 * `issuer_refused`, `audience_refused`, `expired`, `not_yet_valid`, `claims_invalid`; `legacy_ended` for a token of an old
 * issuer after its time. Of what became of it since: `session_ended`, `user_suspended`, `membership_changed`.
 */
export type TokenDenial =
  | 'malformed'
  | 'algorithm_refused'
  | 'type_refused'
  | 'header_refused'
  | 'key_unknown'
  | 'signature_invalid'
  | 'issuer_refused'
  | 'audience_refused'
  | 'expired'
  | 'not_yet_valid'
  | 'claims_invalid'
  | 'legacy_ended'
  | 'session_ended'
  | 'user_suspended'
  | 'membership_changed';

/** Whether a token is in order, and why not. */
export type TokenVerification =
  | { readonly ok: true; readonly claims: TokenClaims }
  | { readonly ok: false; readonly reason: TokenDenial };
