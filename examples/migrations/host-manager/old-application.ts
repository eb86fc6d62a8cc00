import type { Kysely } from 'kysely';
import type { HostDatabase } from './legacy-schema.ts';

type Db = Kysely<HostDatabase>;

/** The old application's queries, as Prisma sends them: users and hosts, no organization. Every user sees every host. */
export const oldApplication = {
  async addUser(
    db: Db,
    user: { readonly id: string; readonly email: string; readonly at: Date; readonly role?: 'ADMIN' },
  ) {
    await db
      .insertInto('User')
      .values({
        id: user.id,
        email: user.email,
        password: '$2b$10$none',
        name: 'New',
        role: user.role ?? 'USER',
        lastLoginAt: null,
        createdAt: user.at,
        updatedAt: user.at,
      })
      .execute();
  },

  async deleteUser(db: Db, id: string): Promise<void> {
    await db.deleteFrom('User').where('id', '=', id).execute();
  },

  async addHost(
    db: Db,
    host: { readonly id: string; readonly name: string; readonly userId: string | null; readonly at: Date },
  ) {
    await db
      .insertInto('Host')
      .values({
        id: host.id,
        name: host.name,
        hostname: `${host.name}.hosts.example`,
        ipAddress: null,
        notes: null,
        userId: host.userId,
        createdAt: host.at,
        updatedAt: host.at,
      })
      .execute();
  },

  async giveHost(db: Db, id: string, userId: string | null, at: Date): Promise<void> {
    await db.updateTable('Host').set({ userId, updatedAt: at }).where('id', '=', id).execute();
  },

  async log(db: Db, userId: string | null, action: string): Promise<void> {
    await db.insertInto('AuditLog').values({ userId, action, details: null }).execute();
  },

  /** The list of hosts that every user sees. */
  async hosts(db: Db): Promise<string[]> {
    const rows = await db.selectFrom('Host').select('id').orderBy('id').execute();
    return rows.map(({ id }) => id);
  },

  /** Who did what last. */
  async recentLog(db: Db, limit: number) {
    return db
      .selectFrom('AuditLog')
      .select(['userId', 'action', 'createdAt'])
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
  },
};
