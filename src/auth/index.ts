/**
 * Users, passwords, sessions and access tokens. An optional module: it needs the package `jose`, and `bcryptjs` where
 * hashes of bcrypt are about.
 *
 * @packageDocumentation
 */

export type { AuthDeps } from './auth.ts';
export { createAuth } from './auth.ts';
export type { Auth, AuthMail, AuthOptions } from './auth-interface.ts';
export type { AuthEvent, SessionData, SessionEnd } from './events.ts';
export type { BucketRule } from './login/attempt-store.ts';
export type { LockOutOptions } from './login/lock-out.ts';
export type { Login, LoginInput, LoginResult } from './login/login.ts';
export type { SignUp, SignUpInput, SignUpResult } from './login/sign-up.ts';
export type { TemplateOptions } from './mail/default-templates.ts';
export { defaultTemplates } from './mail/default-templates.ts';
export type { Mail, MailContent, MailFacts, MailTemplates, SendMail } from './mail/mail.ts';
export type { MailTransport } from './mail/nodemailer-sender.ts';
export { nodemailerSender } from './mail/nodemailer-sender.ts';
export type { Argon2idOptions } from './passwords/argon2id.ts';
export { argon2id, hasArgon2id } from './passwords/argon2id.ts';
export type { BcryptOptions } from './passwords/bcrypt.ts';
export { bcrypt } from './passwords/bcrypt.ts';
export type { PasswordHasher } from './passwords/password-hasher.ts';
export type { PasswordsOptions } from './passwords/passwords.ts';
export type { ScryptOptions } from './passwords/scrypt.ts';
export { scrypt } from './passwords/scrypt.ts';
export type { AuthTenancy, TenantDenial } from './sessions/acting.ts';
export type {
  ImpersonateInput,
  ImpersonateResult,
  Impersonation,
  ImpersonationOptions,
} from './sessions/impersonation.ts';
export type { RefreshResult } from './sessions/refresh.ts';
export type { IssuedTokens, Session, SessionOrigin } from './sessions/session.ts';
export type { Sessions, StartResult } from './sessions/sessions.ts';
export type { SessionsOptions } from './sessions/token-issuer.ts';
export type { Setup, SetupDefinition, SetupState, SetupStep, StepInput } from './setup/setup.ts';
export type { StepStatus } from './setup/setup-store.ts';
export type { JsonWebKey, JsonWebKeySet } from './tokens/json-web-key.ts';
export { createSigningKey } from './tokens/json-web-key.ts';
export type { SigningKeys, SigningKeysInput } from './tokens/key-ring.ts';
export type { LegacyIdentity, LegacyKey, LegacyTokens } from './tokens/legacy-tokens.ts';
export type { PublicKeysOptions } from './tokens/public-keys.ts';
export type { TokenClaims, TokenDenial, TokenVerification } from './tokens/token-claims.ts';
export type { TokenVerifierOptions, VerifyToken } from './tokens/token-verifier.ts';
export { createTokenVerifier } from './tokens/token-verifier.ts';
export type { ActOptions } from './toolbox.ts';
export type { EmailChange } from './users/email-change.ts';
export type { EmailVerification, TokenOutcome } from './users/email-verification.ts';
export type { MailTokensOptions } from './users/mail-tokens.ts';
export type { PasswordChanges, PasswordReset } from './users/password-changes.ts';
export type { MailTokenDenial } from './users/token-store.ts';
export type { User, UserRef } from './users/user.ts';
export type { NewUserInput, Users } from './users/users.ts';
