import type { Access } from '../access/index.ts';
import type { Acting } from '../audit/index.ts';
import type { Caller } from './visit.ts';

/**
 * Who acts, for the audit trail, from where and in which request. A member's key acts for its user: what the trail keeps of
 * the caller is then erased together with what else it keeps of the user.
 */
export function actingOf(
  { requestId, ip, userAgent }: Caller,
  { key, userId, acting }: Pick<Access<unknown>, 'key' | 'userId' | 'acting'>,
): Acting {
  const context = {
    ...acting.context,
    requestId,
    ...(ip !== undefined && { ip }),
    ...(userAgent !== undefined && { userAgent }),
    ...(key !== null && { keyId: key.id }),
  };
  return { actor: key !== null && userId !== null ? { type: 'user', id: userId } : acting.actor, context };
}
