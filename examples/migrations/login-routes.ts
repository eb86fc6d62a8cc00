import type { FastifyInstance } from 'fastify';
import { TenantryError } from 'tenantry';
import type { Auth, IssuedTokens } from 'tenantry/auth';
import { bodyOf, text } from './service.ts';

type Login = { Body: { readonly email: string; readonly password: string } };
type Refresh = { Body: { readonly refresh_token: string } };

/** Adds the routes by which users get their tokens. */
export function addLoginRoutes(
  service: FastifyInstance,
  auth: { readonly login: Auth['login']; readonly sessions: Pick<Auth['sessions'], 'refresh'> },
  prefix: string,
): void {
  const login = { schema: bodyOf({ email: text(320), password: text(1000) }) };
  service.post<Login>(`${prefix}/login`, login, async ({ body, ip }) => {
    const result = await auth.login({ ...body, ip });
    if (result.ok) return tokensOf(result.tokens);
    if (result.reason !== 'throttled') throw new TenantryError('unauthenticated', { reason: result.reason });
    throw new TenantryError('rate_limited', { limitOf: 'log-in', retryAt: result.retryAt.toISOString() });
  });

  const refresh = { schema: bodyOf({ refresh_token: text(1000) }) };
  service.post<Refresh>(`${prefix}/refresh`, refresh, async ({ body }) => {
    const result = await auth.sessions.refresh({ refreshToken: body.refresh_token });
    if (result.ok) return tokensOf(result.tokens);
    throw new TenantryError('unauthenticated', { reason: result.reason });
  });
}

function tokensOf({ accessToken, accessExpiresAt, refreshToken }: IssuedTokens) {
  return { access_token: accessToken, access_expires_at: accessExpiresAt, refresh_token: refreshToken };
}
