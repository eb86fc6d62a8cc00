import type { Receptionist } from './receptionist.ts';

/** Tells the teams of a user how they are called now, so that their lists do not show who they were. */
export async function updateMemberships(
  { organizations }: Receptionist,
  { userId, ...details }: { readonly userId: string; readonly name?: string | null; readonly email?: string },
): Promise<void> {
  for (let cursor: string | null = null; ; ) {
    const { items, nextCursor }: Awaited<ReturnType<typeof organizations.ofUser>> = await organizations.ofUser({
      userId,
      cursor,
    });
    for (const { organization } of items) {
      const { tenantId } = organization;
      await organizations.members.update({ tenantId, userId, ...details }, { by: { userId } });
    }
    if (nextCursor === null) return;
    cursor = nextCursor;
  }
}
