import type { AnyDatabase, CallOptions } from '../database/index.ts';
import type { LockOutOptions } from './login/lock-out.ts';
import type { Login } from './login/login.ts';
import type { SignUp } from './login/sign-up.ts';
import type { MailTemplates, SendMail } from './mail/mail.ts';
import type { PasswordsOptions } from './passwords/passwords.ts';
import type { Impersonation, ImpersonationOptions } from './sessions/impersonation.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { SessionsOptions } from './sessions/token-issuer.ts';
import type { Setup, SetupDefinition } from './setup/setup.ts';
import type { SigningKeys, SigningKeysInput } from './tokens/key-ring.ts';
import type { LegacyTokens } from './tokens/legacy-tokens.ts';
import type { TokenVerification } from './tokens/token-claims.ts';
import type { VerifyToken } from './tokens/token-verifier.ts';
import type { EmailChange } from './users/email-change.ts';
import type { EmailVerification } from './users/email-verification.ts';
import type { MailTokensOptions } from './users/mail-tokens.ts';
import type { PasswordChanges } from './users/password-changes.ts';
import type { Users } from './users/users.ts';

/** How mails are made and sent. Without `send` and `templates` none is. */
export interface AuthMail {
  readonly send?: SendMail;
  /** `defaultTemplates` makes plain ones. */
  readonly templates?: MailTemplates;
  /** For how many minutes the tokens in them open. */
  readonly minutes?: MailTokensOptions;
  /** Hears why a mail was not sent; nobody does when absent. */
  readonly onError?: (error: unknown) => void;
}

/** How users log in, and what their tokens are. */
export interface AuthOptions<Step extends string = string> {
  /** `iss` of the tokens: the address of this service. */
  readonly issuer: string;
  /** `aud` of the tokens: for whom they are. Give each environment its own. */
  readonly audience: string;
  readonly keys: SigningKeysInput;
  readonly sessions?: SessionsOptions;
  readonly passwords?: PasswordsOptions;
  readonly lockOut?: LockOutOptions;
  readonly mail?: AuthMail;
  /** Whether only who showed that the address is theirs may log in; false when absent. */
  readonly requireVerifiedEmail?: boolean;
  readonly impersonation?: ImpersonationOptions;
  /** The steps of a new tenant's set-up, in their order. */
  readonly setup?: SetupDefinition<Step>;
  /** Tokens of other issuers that are taken for a time. */
  readonly legacy?: readonly LegacyTokens[];
  /** How many seconds the clocks of two machines may differ; 5 when absent, 300 at most. */
  readonly tolerance?: number;
}

/** Users, passwords, sessions and access tokens. */
export interface Auth<Step extends string = string> extends PasswordChanges {
  /**
   * Makes a user, their tenant with its plan, and their first session, in one transaction: all or nothing.
   *
   * @throws TenantryError `name_invalid` for an address or name, `password_refused`, and what `tenancy.provision` throws,
   * such as `slug_taken`.
   */
  readonly signUp: SignUp;
  readonly login: Login;
  /** Verifies an access token by itself: no statement. Whether its session has ended since is not looked at. */
  readonly verifyToken: VerifyToken;
  /**
   * Verifies an access token, and that its session, user and membership still stand, in one statement. The gate
   * (`access.authenticate`) does it for each request.
   */
  authenticate(token: unknown, options?: CallOptions): Promise<TokenVerification>;
  /** Tells whether a text has the form of a token; an API key has not. */
  looksLikeToken(text: string): boolean;
  readonly users: Users;
  readonly sessions: Sessions;
  readonly impersonation: Impersonation;
  readonly emailVerification: EmailVerification;
  readonly emailChange: EmailChange;
  readonly setup: Setup<Step>;
  readonly keys: SigningKeys;
  /**
   * Ends the sessions that act for a tenant of a member who was suspended or removed: hand it to `createOrganizations`.
   * `createTenantry` has done so.
   */
  cutAccess(
    ended: { readonly tenantId: string; readonly userId: string; readonly how: 'suspended' | 'removed' },
    tx: AnyDatabase,
  ): Promise<void>;
  /** Deletes sessions, tokens, tries and keys that are over for a week or more; run it once a day. */
  prune(options?: CallOptions): Promise<{ readonly rows: number }>;
  /** Waits for the mails that are being sent; call it before a process ends. */
  flush(): Promise<void>;
}
