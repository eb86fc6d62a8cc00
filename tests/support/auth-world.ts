import { createTenantry, definePlans, hybridSeats } from 'tenantry';
import { argon2id, createSigningKey, defaultTemplates, hasArgon2id, type Mail, scrypt } from 'tenantry/auth';
import { fixedClock } from 'tenantry/testing';
import { postgresDatabase } from './databases.ts';

export const password = 'correct horse battery staple';
export const ip = '203.0.113.7';
export const issuer = 'https://auth.acme.example';
export const audience = 'https://api.acme.example';

/** Hashes that cost next to nothing, of the hasher that this Node has: these tests are about what is done with them. */
export const quick = hasArgon2id() ? argon2id({ memory: 64, passes: 1 }) : scrypt({ logN: 10, parallelism: 1 });

const plans = definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } }, pro: {} });

/** An application with organizations and users, on a database of its own. */
export async function authWorld() {
  const database = await postgresDatabase<Record<never, never>>({ connections: 25 });
  const clock = fixedClock('2026-03-01T12:00:00Z');
  const mails: Mail[] = [];
  const key = await createSigningKey();
  const strategy = hybridSeats({ plan: 'free', seats: 5 });
  const told: { readonly name: string; readonly tenantId: string }[] = [];
  const links = { verify: 'https://acme.example/v', reset: 'https://acme.example/r', change: 'https://acme.example/c' };
  const tenantry = createTenantry({
    db: database.app,
    clock,
    plans,
    strategy,
    apiKeys: { prefix: 'hc' },
    events: async (event) => {
      told.push({ name: event.name, tenantId: event.tenantId });
    },
    auth: {
      issuer,
      audience,
      keys: [key],
      passwords: { hasher: quick },
      mail: {
        send: async (mail) => {
          mails.push(mail);
        },
        templates: defaultTemplates({ product: 'Acme', links }),
      },
      setup: { phone: {}, business: { after: ['phone'] }, greeting: { after: ['business'], optional: true } },
    },
  });
  const { auth } = tenantry;
  let count = 0;

  function nextName(): string {
    count += 1;
    return `user${count}`;
  }

  return {
    ...tenantry,
    database,
    clock,
    mails,
    key,
    told,
    plans,
    strategy,
    /** The token of the newest mail to an address. */
    async tokenTo(email: string): Promise<string> {
      await auth.flush();
      const mail = mails.findLast(({ to }) => to === email);
      const token = /#token=(\S+)/.exec(mail?.text ?? '')?.[1];
      if (token === undefined) throw new Error(`no token was sent to ${email}`);
      return decodeURIComponent(token);
    },
    /** Signs somebody up with an organization of their own, and logs in. */
    async signedUp(name = nextName()) {
      const email = `${name}@acme.example`;
      const made = await auth.signUp({ email, password, name, tenant: { name: `${name} Inc` } });
      if (!made.ok || made.tenantId === null || made.started === null) throw new Error('not signed up');
      const { user, tenantId, started } = made;
      return { email, user, userId: user.userId, tenantId, session: started.session, tokens: started.tokens };
    },
  };
}

export type AuthWorld = Awaited<ReturnType<typeof authWorld>>;

/** The headers of a request with an access token. */
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
