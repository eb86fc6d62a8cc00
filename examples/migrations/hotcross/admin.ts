import { type Kysely, sql } from 'kysely';
import type { Application } from './application.ts';
import type { LegacyDatabase } from './legacy-schema.ts';

/** What the service's admin scripts did, one function for each command. */
export function adminOf(db: Kysely<LegacyDatabase>, { organizations, apiKeys }: Application) {
  return {
    /** `create-org "Acme Corp" [stripe_id] [max_seats]`; its first developer owns it. */
    async createOrg(name: string, owner: { readonly userId: string; readonly email: string }, maxSeats = 1) {
      return organizations.create({ name, owner, seats: maxSeats });
    },

    /** `list-orgs`: over all organizations, for a role with `tenantry_service`. */
    async listOrgs() {
      const { rows } = await sql<{ id: string; name: string; status: string | null; taken: number; bought: number }>`
        select t.tenant_id as id, t.name, t.subscription_status as status, o.seats_taken as taken, o.seats_bought as bought
        from tenantry.tenants as t join tenantry.organizations as o on o.tenant_id = t.tenant_id
        order by t.name, t.tenant_id`.execute(db);
      return rows;
    },

    /** `update-status <org_id> active`: what the provider's webhook writes when billing is connected. */
    async updateStatus(tenantId: string, status: string): Promise<void> {
      await sql`update tenantry.tenants set subscription_status = ${status}, entitlement_revision = entitlement_revision + 1,
        updated_at = now() where tenant_id = ${tenantId}`.execute(db);
    },

    /** `update-seats <org_id> 10`. */
    updateSeats: (tenantId: string, seats: number) => organizations.setSeats(tenantId, seats),

    /** `create-dev <org_id> alice@acme.com Alice Smith`: a member, and a key that is shown once. */
    async createDev(
      tenantId: string,
      developer: { readonly userId: string; readonly email: string; readonly name: string },
    ) {
      const { member } = await organizations.members.add({ tenantId, role: 'member', ...developer });
      const { key, secret } = await apiKeys.issue({ tenantId, memberId: member.id, name: developer.email });
      return { member, key, secret };
    },

    /** `list-devs <org_id>`, page by page to the last. */
    async listDevs(tenantId: string) {
      const developers = [];
      for (let cursor: string | null = null; ; ) {
        const page: Awaited<ReturnType<typeof organizations.members.list>> = await organizations.members.list({
          tenantId,
          cursor,
        });
        developers.push(...page.items);
        cursor = page.nextCursor;
        if (cursor === null) return developers;
      }
    },

    /** `revoke-dev <developer_id>`: the developer's keys open nothing from now on. */
    async revokeDev(tenantId: string, memberId: string): Promise<number> {
      return (await apiKeys.revokeAll({ tenantId, memberId })).length;
    },
  };
}
