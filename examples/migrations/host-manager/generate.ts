import { type Kysely, sql } from 'kysely';
import { loadDice, setSequences, shareOf, wholeNumber } from '../dice.ts';
import { createLegacyTables, type HostDatabase, legacyTables } from './legacy-schema.ts';

/** How large and how dirty the database is. */
export interface GenerateOptions {
  /** How many users; each has some five hosts and twenty log entries. 300 when absent. */
  readonly users?: number;
  /** Another seed makes other rows. */
  readonly seed?: number;
  /** The share of rows with something wrong; a tenth when absent. */
  readonly dirt?: number;
}

/** How many rows each table got. */
export type RowCounts = Readonly<Record<(typeof legacyTables)[number], number>>;

/**
 * Makes the legacy tables in an empty schema and fills them, dirty as real data is: hosts without a user, accounts of one
 * person twice, log entries of users who are gone, names that are blank or hold control characters, ports that are none.
 * The same options give the same rows on every machine. It runs in one transaction; 100,000 rows take seconds.
 *
 * @throws TypeError for a size that is none.
 *
 * @example
 * ```ts
 * const rows = await generateHosts(db, { users: 1000 });
 * console.log(rows.Host);
 * ```
 */
export async function generateHosts(
  db: Kysely<HostDatabase>,
  { users = 300, seed = 1, dirt = 0.1 }: GenerateOptions = {},
): Promise<RowCounts> {
  const statements = fill(wholeNumber('users', users, 10));
  const dice = { seed: wholeNumber('seed', seed, 0), dirt: shareOf('dirt', dirt) };
  await db.transaction().execute(async (tx) => {
    await createLegacyTables(tx);
    await loadDice(tx, dice);
    for (const statement of statements) await sql.raw(statement).execute(tx);
    await setSequences(tx);
  });
  await sql.raw('analyze "User", "Host", "AuditLog"').execute(db);
  return countRows(db);
}

/** Counts the rows of every legacy table. */
async function countRows(db: Kysely<HostDatabase>): Promise<RowCounts> {
  const counts = legacyTables.map((table) => `(select count(*)::integer from "${table}") as "${table}"`);
  const { rows } = await sql<RowCounts>`select ${sql.raw(counts.join(', '))}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError('the database counted nothing');
  return row;
}

const given = `array['Ada', 'Bela', 'Chiara', 'Dmitri', 'Élodie', 'Farid', 'Łukasz', '太郎', 'Grace']`;
const family = `array['Smith', 'O''Brien', 'Żółć', 'Müller', '山田', 'van der Berg', 'Patel']`;
const words = `array['web', 'db', 'cache', 'mail', 'backup', 'build', 'proxy', 'bücher']`;
const actions = `array['LOGIN', 'LOGOUT', 'HOST_CREATED', 'HOST_UPDATED', 'HOST_DELETED', 'USER_CREATED']`;

/** Prisma's cuid: a letter and 24 characters. */
const cuid = (kind: string, n: string): string =>
  `'c' || substr(replace(pg_temp.uid('${kind}', ${n})::text, '-', ''), 1, 24)`;
const within = (purpose: string): string =>
  `timestamp '2024-01-10 09:00:00' + floor(pg_temp.roll('${purpose}', n) * 40000000) * interval '1 second'`;

function fill(users: number): string[] {
  const dirt = (purpose: string, kinds: number): string => `pg_temp.kind_of_dirt('${purpose}', n, ${kinds}) as d`;
  const someUser = (purpose: string): string => `1 + pg_temp.below('${purpose}', n, ${users})`;
  return [
    `insert into "User" ("id", "email", "password", "name", "role", "isActive", "lastLoginAt", "createdAt", "updatedAt")
    select ${cuid('user', 'n')},
      case d when 0 then upper('admin' || (n - 1) || '@hosts.example') when 1 then ' admin' || n || '@hosts.example' else 'admin' || n || '@hosts.example' end,
      '$2b$10$' || md5('password ' || n),
      case d when 1 then '' when 2 then null when 3 then E'An\\x01na\\x1b[31m' else pg_temp.pick('given', n, ${given}) || ' ' || pg_temp.pick('family', n, ${family}) end,
      case when pg_temp.roll('role', n) < 0.1 then 'ADMIN' else 'USER' end::"Role", d is distinct from 4 and pg_temp.roll('left', n) > 0.03,
      case when n % 4 = 0 then null else ${within('seen')} end,
      case when d = 5 then timestamp '1970-01-01 00:00:00' else ${within('joined')} end, ${within('joined')}
    from (select n, ${dirt('user', 6)} from generate_series(1::bigint, ${users}) as n) as row`,

    // Hosts whose user was deleted have none; two may have one name and address.
    `insert into "Host" ("id", "name", "hostname", "ipAddress", "port", "status", "tags", "notes", "userId", "createdAt", "updatedAt")
    select ${cuid('host', 'n')},
      case d when 1 then '  ' when 2 then E'tab\\tand\\x07bell' else pg_temp.pick('word', n, ${words}) || '-' || n end,
      case when d = 3 then 'WEB-1.HOSTS.EXAMPLE' else pg_temp.pick('word', n, ${words}) || '-' || n || '.hosts.example' end,
      case d when 1 then null when 3 then '10.0.0.1' when 4 then 'not an address' else '10.' || n / 65536 % 256 || '.' || n / 256 % 256 || '.' || n % 256 end,
      case when d = 4 then -1 else (array[22, 22, 2222, 443])[1 + pg_temp.below('port', n, 4)] end,
      pg_temp.pick('status', n, array['ONLINE', 'ONLINE', 'OFFLINE', 'UNKNOWN'])::"HostStatus",
      case when d = 2 then '{}' else array[pg_temp.pick('tag', n, array['prod', 'staging', 'dev']), 'rack-' || n % 20] end,
      case when n % 6 = 0 then 'don''t reboot on "Friday"' || E'\\n' || 'ask first' end,
      case when d = 0 then null else ${cuid('user', someUser('owner'))} end, ${within('host made')}, ${within('host made')}
    from (select n, ${dirt('host', 5)} from generate_series(1::bigint, ${users * 5}) as n) as row`,

    `insert into "AuditLog" ("id", "userId", "action", "details", "createdAt")
    select n, case d when 0 then null when 1 then ${cuid('user', `${users} + n`)} else ${cuid('user', someUser('actor'))} end,
      case when d = 2 then ' host_updated ' else pg_temp.pick('action', n, ${actions}) end,
      case d when 2 then '' when 3 then E'{"broken": \\x1b' else '{"ip": "192.0.2.' || n % 250 || '"}' end, ${within('logged')}
    from (select n, ${dirt('audit', 4)} from generate_series(1::bigint, ${users * 20}) as n) as row`,
  ];
}
