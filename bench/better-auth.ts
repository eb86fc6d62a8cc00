import type { BenchDatabase } from './database.ts';
import { loadPeer } from './load-peer.ts';

/** Keys of better-auth, and its two ways of verifying them. */
export interface BetterAuthKeys {
  /** Its defaults, but for the limit of 10 requests a day, which would refuse all others. */
  readonly byDefault: (pick: number) => Promise<void>;
  /** Its fastest: keys in the memory of the process, no rate limit, updates put off. */
  readonly inMemory: (pick: number) => Promise<void>;
}

interface Server {
  readonly options: unknown;
  readonly api: Readonly<Record<string, (input: { readonly body: object }) => Promise<unknown>>>;
}

/** Makes keys of better-auth in the database of the bench, on the same pool. */
export async function betterAuthKeys(
  database: Pick<BenchDatabase, 'pool' | 'run'>,
  count: number,
): Promise<BetterAuthKeys> {
  const { betterAuth } = await loadPeer('better-auth');
  const { apiKey } = await loadPeer('@better-auth/api-key');
  const { getMigrations } = await loadPeer('better-auth/db/migration');
  await database.run('grant create on schema public to bench_app');
  const memory = new Map<string, string>();
  const options = {
    database: database.pool,
    secret: 'of the bench, and long enough for better-auth',
    baseURL: 'http://localhost',
    emailAndPassword: { enabled: true },
    logger: { disabled: true },
    telemetry: { enabled: false },
  };
  const secondaryStorage = {
    get: async (key: string) => memory.get(key) ?? null,
    set: async (key: string, value: string) => void memory.set(key, value),
    delete: async (key: string) => void memory.delete(key),
  };
  const make = (plugin: object, more: object = {}): Server =>
    call(betterAuth, { ...options, ...more, plugins: [call(apiKey, plugin)] });
  const usual = make({ rateLimit: { maxRequests: 1e9 } });
  const fast = make(
    { storage: 'secondary-storage', rateLimit: { enabled: false }, deferUpdates: true },
    { secondaryStorage },
  );
  const migrations: { runMigrations(): Promise<void> } = await call(getMigrations, usual.options);
  await migrations.runMigrations();
  const signed: { user: { id: string } } = await send(usual, 'signUpEmail', {
    email: `bench-${process.pid}@example.com`,
    password: 'of the bench',
    name: 'Bench',
  });
  const keysOf = async (server: Server): Promise<string[]> => {
    const keys: string[] = [];
    for (let made = 0; made < count; made += 1) {
      const { key }: { key: string } = await send(server, 'createApiKey', {
        userId: signed.user.id,
        name: `key ${made}`,
      });
      keys.push(key);
    }
    return keys;
  };
  const verifier = async (server: Server): Promise<(pick: number) => Promise<void>> => {
    const keys = await keysOf(server);
    return async (pick) => {
      const { valid }: { valid: boolean } = await send(server, 'verifyApiKey', { key: keys[pick % count] });
      if (!valid) throw new Error('better-auth refused its own key');
    };
  };
  return { byDefault: await verifier(usual), inMemory: await verifier(fast) };
}

function call<Result>(made: unknown, options: unknown): Result {
  if (typeof made !== 'function') throw new Error('better-auth has another form than the bench knows');
  return made(options);
}

async function send<Result>(server: Server, name: string, body: object): Promise<Result> {
  const method = server.api[name];
  if (method === undefined) throw new Error(`better-auth has no ${name}`);
  return Object(await method({ body }));
}
