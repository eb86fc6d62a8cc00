import { type ColumnType, type QueryExecutorProvider, sql } from 'kysely';

/** `timestamp(3)` without a time zone, which Prisma fills with UTC. */
type Moment = ColumnType<Date, Date | string | undefined, Date | string>;
type Time = ColumnType<Date, Date | string, Date | string>;

/** Somebody who signs in. */
export interface UserTable {
  /** A cuid. */
  id: string;
  /** As it was typed; the unique key tells upper and lower case apart. */
  email: string;
  password: string;
  name: string | null;
  role: ColumnType<'USER' | 'ADMIN', 'USER' | 'ADMIN' | undefined, 'USER' | 'ADMIN'>;
  isActive: ColumnType<boolean, boolean | undefined, boolean>;
  lastLoginAt: Time | null;
  createdAt: Moment;
  updatedAt: Time;
}

/** A machine. Prisma keeps it, without a user, when its user is deleted. */
export interface HostTable {
  id: string;
  name: string;
  hostname: string;
  ipAddress: string | null;
  port: ColumnType<number, number | undefined, number>;
  status: ColumnType<
    'ONLINE' | 'OFFLINE' | 'UNKNOWN',
    'ONLINE' | 'OFFLINE' | 'UNKNOWN' | undefined,
    'ONLINE' | 'OFFLINE' | 'UNKNOWN'
  >;
  tags: ColumnType<string[], string[] | undefined, string[]>;
  notes: string | null;
  userId: string | null;
  createdAt: Moment;
  updatedAt: Time;
}

/** Who did what. The user may be gone. */
export interface AuditLogTable {
  id: ColumnType<number, number | undefined, never>;
  userId: string | null;
  action: string;
  details: string | null;
  createdAt: Moment;
}

/** What Prisma keeps for itself. */
export interface PrismaMigrationsTable {
  id: string;
  checksum: string;
  finished_at: Time | null;
  migration_name: string;
  logs: string | null;
  rolled_back_at: Time | null;
  started_at: Moment;
  applied_steps_count: ColumnType<number, number | undefined, number>;
}

/** The legacy database, in schema `public`, as `prisma migrate` made it. */
export interface HostDatabase {
  User: UserTable;
  Host: HostTable;
  AuditLog: AuditLogTable;
  _prisma_migrations: PrismaMigrationsTable;
}

/** The legacy tables of the application, in the order in which they can be filled. */
export const legacyTables = ['User', 'Host', 'AuditLog'] as const satisfies readonly (keyof HostDatabase)[];

/** What `prisma migrate` wrote, migration by migration; the last one by hand, as teams do. */
const prismaMigrations: readonly { readonly name: string; readonly sql: readonly string[] }[] = [
  {
    name: '20240110090000_init',
    sql: [
      `CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN')`,
      `CREATE TYPE "HostStatus" AS ENUM ('ONLINE', 'OFFLINE', 'UNKNOWN')`,
      `CREATE TABLE "User" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "password" TEXT NOT NULL,
    "name" TEXT,
    "role" "Role" NOT NULL DEFAULT 'USER',
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "lastLoginAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
)`,
      `CREATE TABLE "Host" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "ipAddress" TEXT,
    "port" INTEGER NOT NULL DEFAULT 22,
    "status" "HostStatus" NOT NULL DEFAULT 'UNKNOWN',
    "tags" TEXT[],
    "userId" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "Host_pkey" PRIMARY KEY ("id")
)`,
      `CREATE UNIQUE INDEX "User_email_key" ON "User"("email")`,
      `CREATE INDEX "Host_userId_idx" ON "Host"("userId")`,
      `ALTER TABLE "Host" ADD CONSTRAINT "Host_userId_fkey" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE`,
    ],
  },
  {
    name: '20240902140000_audit_log',
    sql: [
      `ALTER TABLE "Host" ADD COLUMN "notes" TEXT`,
      `CREATE TABLE "AuditLog" (
    "id" SERIAL NOT NULL,
    "userId" TEXT,
    "action" TEXT NOT NULL,
    "details" TEXT,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "AuditLog_pkey" PRIMARY KEY ("id")
)`,
      `CREATE INDEX "AuditLog_userId_createdAt_idx" ON "AuditLog"("userId", "createdAt")`,
    ],
  },
  {
    name: '20250318081500_touch_hosts',
    sql: [
      `CREATE FUNCTION touch_host() RETURNS trigger LANGUAGE plpgsql AS
  $$ begin NEW."updatedAt" := now() at time zone 'UTC'; return NEW; end $$`,
      `CREATE TRIGGER touch_host BEFORE UPDATE ON "Host" FOR EACH ROW EXECUTE FUNCTION touch_host()`,
    ],
  },
];

const bookkeeping = `CREATE TABLE _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`;

/** Makes the empty legacy tables, and Prisma's record of them. */
export async function createLegacyTables(db: QueryExecutorProvider): Promise<void> {
  await sql.raw(bookkeeping).execute(db);
  for (const { name, sql: statements } of prismaMigrations) {
    for (const statement of statements) await sql.raw(statement).execute(db);
    await sql`insert into _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
      values (md5(${name})::uuid::text, encode(sha256(convert_to(${statements.join(';\n')}, 'UTF8')), 'hex'),
        to_timestamp(left(${name}, 14), 'YYYYMMDDHH24MISS'), ${name}, to_timestamp(left(${name}, 14), 'YYYYMMDDHH24MISS'), 1)`.execute(
      db,
    );
  }
}
