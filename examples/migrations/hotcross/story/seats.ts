import { isTenantryError } from 'tenantry/core';
import type { Application } from '../application.ts';
import type { Story } from './story.ts';

const free = 3;
const callers = 20;

/** Buys three seats more for an organization, and lets twenty callers add a member each at the same moment. */
export async function fillSeats(
  { printer, promise }: Story,
  { organizations }: Application,
  tenantId: string,
): Promise<void> {
  const { taken } = await organizations.seats(tenantId);
  const bought = taken + free;
  await organizations.setSeats(tenantId, bought);
  const userIds = Array.from({ length: callers }, (_, index) => `newcomer-${index + 1}`);
  const added = await Promise.all(
    userIds.map(async (userId) => {
      try {
        await organizations.members.add({ tenantId, userId, role: 'member' });
        return true;
      } catch (error) {
        if (isTenantryError(error, 'seats_exhausted')) return false;
        throw error;
      }
    }),
  );
  const after = await organizations.seats(tenantId);
  const came = added.filter(Boolean).length;
  printer.say(`an organization with ${taken} of ${bought} seats taken; ${callers} callers add a member each, at once`);
  promise(
    came === free && after.taken === bought,
    `${came} came in, ${callers - came} found no seat: ${after.taken} of ${bought} taken`,
  );
}
