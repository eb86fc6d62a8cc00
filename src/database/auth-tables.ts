import type { ColumnType } from 'kysely';

/** `tenantry.users`: people who log in. A user is no tenant's. */
interface UserTable {
  user_id: string;
  /** As it was given. */
  email: string;
  /** In the form in which addresses are compared. */
  email_key: string;
  name: string | null;
  status: ColumnType<'active' | 'suspended', 'active' | 'suspended' | undefined, 'active' | 'suspended'>;
  /** NULL: nobody showed that the address is theirs. */
  email_verified_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** `tenantry.user_passwords`: a slow hash of each user's password; no row for who has none. */
interface UserPasswordTable {
  user_id: string;
  hash: string;
  changed_at: Date;
}

/** `tenantry.user_tokens`: digests of tokens that were sent by mail. */
interface UserTokenTable {
  digest: string;
  purpose: 'verify' | 'reset' | 'change';
  user_id: string;
  /** The address that the token proves. */
  email: string;
  email_key: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

/** `tenantry.login_attempts`: who tried how often to log in from where, as digests. */
interface LoginAttemptTable {
  bucket: string;
  failures: number;
  last_at: Date;
  blocked_until: Date;
  succeeded_at: Date | null;
}

/** `tenantry.sessions`: where a user is logged in. */
interface SessionTable {
  session_id: string;
  user_id: string;
  /** The tenant that the session acts for now. */
  acting_tenant_id: string | null;
  created_at: Date;
  last_used_at: Date;
  /** It ends then, whatever happens. */
  expires_at: Date;
  ended_at: Date | null;
  ended_reason: string | null;
  ip: string | null;
  user_agent: string | null;
  /** Who really acts; NULL: the user. */
  impersonator_id: string | null;
  impersonation_reason: string | null;
  /** The session of theirs from which it began; it ends with that one. */
  impersonator_session_id: string | null;
}

/** `tenantry.refresh_tokens`: digests of the tokens of a session. */
interface RefreshTokenTable {
  digest: string;
  session_id: string;
  /** The token for which it was given; NULL: the first of the session. */
  parent: string | null;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
}

/** `tenantry.signing_keys`: what access tokens are signed with. */
interface SigningKeyTable {
  kid: string;
  public_key: ColumnType<Record<string, unknown>, string, never>;
  /** Sealed. */
  private_key: string;
  created_at: Date;
  /** From when on it signs; it is published before. */
  signs_from: Date;
  /** NULL: nobody knows yet. */
  ends_at: Date | null;
}

/** `tenantry.setup_steps`: how far a tenant's set-up is. */
interface SetupStepTable {
  tenant_id: string;
  step: string;
  status: 'open' | 'done' | 'skipped';
  data: ColumnType<Record<string, unknown>, string, string>;
  updated_at: Date;
  updated_by: string | null;
}

/** The tables of users, sessions and keys, named with their schema. */
export interface AuthDatabase {
  'tenantry.users': UserTable;
  'tenantry.user_passwords': UserPasswordTable;
  'tenantry.user_tokens': UserTokenTable;
  'tenantry.login_attempts': LoginAttemptTable;
  'tenantry.sessions': SessionTable;
  'tenantry.refresh_tokens': RefreshTokenTable;
  'tenantry.signing_keys': SigningKeyTable;
  'tenantry.setup_steps': SetupStepTable;
}
