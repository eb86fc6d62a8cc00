import { isUuid, TenantryError } from '../../core/index.ts';
import type { AnyDatabase } from '../../database/index.ts';
import { findSession } from './session-store.ts';

/**
 * Goes on only within a session of the user's own that is not over: whoever acts as somebody else changes nothing by which
 * that user logs in.
 *
 * @throws TenantryError `permission_denied`.
 */
export async function requireSelf(
  db: AnyDatabase,
  { userId, sessionId }: { readonly userId: string; readonly sessionId: string },
  permission: string,
  now: Date,
): Promise<void> {
  const session = isUuid(sessionId) ? await findSession(db, sessionId) : null;
  const own = session !== null && session.userId === userId && session.impersonator === null;
  if (!own || session.endedAt !== null || session.expiresAt <= now) {
    throw new TenantryError('permission_denied', { permission });
  }
}
