import { systemClock, TenantryError, uuidv7 } from '../core/index.ts';
import type { AnyDatabase, ModuleDeps } from '../database/index.ts';
import type { Auth, AuthOptions } from './auth-interface.ts';
import type { AuthEvent } from './events.ts';
import { createLockOut } from './login/lock-out.ts';
import { createLogin } from './login/login.ts';
import { createSignUp } from './login/sign-up.ts';
import { createMailer } from './mail/mailer.ts';
import { createPasswords } from './passwords/passwords.ts';
import { prune } from './prune-store.ts';
import type { AuthTenancy } from './sessions/acting.ts';
import { createImpersonation } from './sessions/impersonation.ts';
import { readStanding } from './sessions/refresh-store.ts';
import { createSessions } from './sessions/sessions.ts';
import { accessLifetime, createTokenIssuer } from './sessions/token-issuer.ts';
import { createSetup } from './setup/setup.ts';
import { createKeyRing } from './tokens/key-ring.ts';
import type { TokenDenial, TokenVerification } from './tokens/token-claims.ts';
import { looksLikeToken } from './tokens/token-header.ts';
import { verifierOf } from './tokens/token-verifier.ts';
import { createToolbox } from './toolbox.ts';
import { createEmailChange } from './users/email-change.ts';
import { createEmailVerification } from './users/email-verification.ts';
import { createMailTokens } from './users/mail-tokens.ts';
import { createPasswordChanges } from './users/password-changes.ts';
import { createUsers } from './users/users.ts';

/** What {@link createAuth} is made from, beside its options. */
export interface AuthDeps extends ModuleDeps<AuthEvent> {
  /** Where users act and new ones get their tenant; a `Tenancy` fits. Without it tokens name no tenant. */
  readonly tenancy?: AuthTenancy;
  /** Receives what concerns users and no tenant; `audit.sink` keeps it for the platform. */
  readonly platformEvents?: NonNullable<ModuleDeps<AuthEvent>['events']>;
}

/**
 * Makes the auth module: users, passwords, sessions and access tokens. It needs the package `jose`.
 *
 * @throws TenantryError `config_invalid` for an option that cannot be.
 *
 * @example
 * ```ts
 * import { PGlite } from '@electric-sql/pglite';
 * import { Kysely, PGliteDialect } from 'kysely';
 * import { createAuth, createSigningKey } from 'tenantry/auth';
 * import { installSchema } from 'tenantry/database';
 * import { createTenancy, perUser } from 'tenantry/tenancy';
 *
 * const db = new Kysely<Record<string, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
 * await installSchema(db);
 * const auth = createAuth({
 *   db,
 *   tenancy: createTenancy({ db, strategy: perUser() }),
 *   issuer: 'https://auth.acme.example',
 *   audience: 'https://api.acme.example',
 *   keys: [await createSigningKey()],
 * });
 *
 * const made = await auth.signUp({ email: 'ada@acme.example', password: 'correct horse battery' });
 * const login = await auth.login({ email: 'ada@acme.example', password: 'correct horse battery', ip: '203.0.113.7' });
 * if (login.ok) await auth.authenticate(login.tokens.accessToken); // { ok: true, claims: { userId, tenantId, role: 'owner', … } }
 * ```
 */
export function createAuth<const Step extends string = never>({
  db,
  clock = systemClock,
  ids = uuidv7,
  events,
  platformEvents,
  tenancy,
  ...options
}: AuthDeps & AuthOptions<Step>): Auth<Step> {
  const { issuer, audience, sessions: sessionsOptions = {}, mail = {}, requireVerifiedEmail = false } = options;
  checkTimes('sessions', sessionsOptions);
  checkTimes('mail.minutes', mail.minutes ?? {});
  const toolbox = createToolbox(
    {
      db,
      clock,
      ids,
      passwords: createPasswords(options.passwords),
      mailer: createMailer(mail.send, mail.templates, mail.onError ?? (() => undefined)),
    },
    { events, platformEvents },
  );
  const ring = createKeyRing(options.keys, { db, clock, lifetime: accessLifetime(sessionsOptions) });
  const { legacy, tolerance } = options;
  const verifyToken = verifierOf({
    issuer,
    audience,
    clock,
    findKey: ring.findKey,
    ...(legacy !== undefined && { legacy }),
    ...(tolerance !== undefined && { tolerance }),
  });
  const tokenIssuer = createTokenIssuer({ clock, ids }, { issuer, audience, ring }, sessionsOptions);
  const inside = createSessions(toolbox, tenancy, tokenIssuer, sessionsOptions);
  const { startWithin, endWithin, signed, ...sessions } = inside;
  const tokens = createMailTokens({ clock }, mail.minutes ?? {});
  const lockOut = createLockOut({ clock }, options.lockOut);
  const verification = createEmailVerification(toolbox, tokens);

  return {
    signUp: createSignUp(toolbox, {
      tenancy,
      sessions: inside,
      requireVerifiedEmail,
      prepareVerification: verification.prepare,
    }),
    login: createLogin(toolbox, { lockOut, sessions: inside, requireVerifiedEmail }),
    verifyToken,

    async authenticate(token, call): Promise<TokenVerification> {
      const result = await verifyToken(token);
      if (!result.ok) return result;
      const { claims } = result;
      const { session, user, member } = await readStanding(call?.db ?? db, claims, clock());
      const refused = (reason: TokenDenial): TokenVerification => ({ ok: false, reason });
      // An old issuer knows users that are not here.
      if (user === 'suspended') return refused('user_suspended');
      if (!session || (user === null && !claims.legacy)) return refused('session_ended');
      return member ? result : refused('membership_changed');
    },

    looksLikeToken,
    users: createUsers(toolbox, inside),
    sessions,
    impersonation: createImpersonation(toolbox, inside, options.impersonation),
    emailVerification: { send: verification.send, confirm: verification.confirm },
    emailChange: createEmailChange(toolbox, tokens),
    ...createPasswordChanges(toolbox, { tokens, lockOut, sessions: inside }),
    setup: createSetup<Step>(toolbox, options.setup ?? noSteps()),
    keys: { jwks: ring.jwks, rotate: ring.rotate, end: ring.end },

    async cutAccess({ tenantId, userId, how }, tx: AnyDatabase) {
      await endWithin({ userId, tenantId }, how === 'removed' ? 'member_removed' : 'member_suspended', tx);
    },

    prune: (call) => prune(call?.db ?? db, clock()),
    flush: toolbox.mailer.flush,
  };
}

/** Without a set-up there is no name of a step either. */
function noSteps<Step extends string>(): { readonly [Name in Step]: never } {
  return Object.create(null);
}

function checkTimes(path: string, times: object): void {
  for (const [name, value] of Object.entries(times)) {
    if (typeof value !== 'number') continue;
    if (Number.isFinite(value) && (name === 'graceSeconds' ? value >= 0 && value <= 60 : value > 0)) continue;
    const problem = name === 'graceSeconds' ? 'must be 0 to 60' : 'must be above 0';
    throw new TenantryError('config_invalid', { path: `auth.${path}.${name}`, problem });
  }
}
