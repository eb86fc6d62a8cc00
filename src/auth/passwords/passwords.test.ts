import { monitorEventLoopDelay } from 'node:perf_hooks';
import bcryptjs from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { argon2id, hasArgon2id } from './argon2id.ts';
import { bcrypt } from './bcrypt.ts';
import { createPasswords } from './passwords.ts';
import { scrypt } from './scrypt.ts';

const quick = hasArgon2id() ? argon2id({ memory: 64, passes: 1 }) : scrypt({ logN: 11, parallelism: 1 });
const hashers = [
  ...(hasArgon2id() ? [argon2id({ memory: 64, passes: 1 })] : []),
  scrypt({ logN: 10, parallelism: 1 }),
  bcrypt({ cost: 4 }),
];
const without = hasArgon2id() ? ' (SKIPPED: this Node has argon2id)' : '';
const lacking = hasArgon2id() ? '' : ' (SKIPPED: this Node has no argon2id)';

describe.each(hashers)('$name', (hasher) => {
  it('opens with the password alone, and makes another hash each time', async () => {
    const [one, two] = [await hasher.hash('pässwörd'), await hasher.hash('pässwörd')];
    expect(one).not.toBe(two);
    expect(hasher.recognises(one)).toBe(true);
    expect(await hasher.verify('pässwörd', one)).toBe(true);
    expect(await hasher.verify('passwort', one)).toBe(false);
    expect(await hasher.verify('', one)).toBe(false);
  });

  it('neither knows nor opens a hash that is damaged or of another form', async () => {
    const good = await hasher.hash('password');
    for (const bad of ['', 'x', good.slice(0, -30), good.replaceAll('$', ''), good.replace(/\d/, '9999999999')]) {
      expect([bad, hasher.recognises(bad), await hasher.verify('password', bad)]).toEqual([bad, false, false]);
    }
  });

  it('tells whether a hash has its cost', async () => {
    const good = await hasher.hash('password');
    expect(hasher.isCurrent(good)).toBe(true);
    for (const other of hashers) if (other !== hasher) expect(other.isCurrent(good)).toBe(false);
  });
});

it.skipIf(!hasArgon2id())(`argon2id opens the hashes of other libraries${lacking}`, async () => {
  // Argon2's own command: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1
  const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await argon2id().verify('password', known)).toBe(true);
});

it.skipIf(hasArgon2id())(
  `argon2id is refused where this Node has none, and its hashes are not known${without}`,
  async () => {
    expect(() => argon2id()).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    const known = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(createPasswords().recognises(known)).toBe(false);
    expect(await createPasswords().verify('password', known)).toEqual({ ok: false, stale: false });
  },
);

it('new hashes are by argon2id, and by scrypt where this Node has none', async () => {
  const hash = await createPasswords().hash('a good long password', { email: 'ada@acme.example' });
  expect(hash).toMatch(hasArgon2id() ? /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/ : /^\$scrypt\$ln=15,r=8,p=3\$/);
});

it('bcrypt opens the hashes of PHP, Ruby and Python', async () => {
  const hash = bcryptjs.hashSync('password', 4);
  for (const form of ['$2a$', '$2b$', '$2y$']) {
    expect(await bcrypt().verify('password', hash.replace(/^\$2b\$/, form))).toBe(true);
  }
});

it('bcrypt refuses more than 72 bytes', async () => {
  await expect(bcrypt({ cost: 4 }).hash('ä'.repeat(37))).rejects.toMatchObject({ code: 'password_refused' });
  const hash = await bcrypt({ cost: 4 }).hash('ä'.repeat(36));
  expect(await bcrypt({ cost: 4 }).verify(`${'ä'.repeat(36)}x`, hash)).toBe(false);
});

it('bcrypt works in a thread of its own: the event loop turns meanwhile', async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const delay = monitorEventLoopDelay();
  delay.enable();
  await bcrypt({ cost: 12 }).hash('password');
  delay.disable();
  clearInterval(timer);
  expect(turns).toBeGreaterThan(10);
});

describe('passwords', () => {
  const passwords = createPasswords({ hasher: quick });
  const user = { email: 'ada@acme.example' };

  it('are the same in each form in which a keyboard composes them', async () => {
    const hash = await passwords.hash('Zo\u00eb rides a bike', user);
    expect(await passwords.verify('Zoe\u0308 rides a bike', hash)).toEqual({ ok: true, stale: false });
    const decomposed = await quick.hash('Zoe\u0308 rides a bike');
    expect(await passwords.verify('Zoe\u0308 rides a bike', decomposed)).toMatchObject({ ok: true });
  });

  it('open old hashes and call them stale', async () => {
    const old = await scrypt({ logN: 10, parallelism: 2 }).hash('an old password');
    expect(await passwords.verify('an old password', old)).toEqual({ ok: true, stale: true });
    expect(await passwords.verify('another password', old)).toEqual({ ok: false, stale: false });
  });

  it('are never right without a hash, and never throw for what is no text', async () => {
    for (const value of [undefined, null, 1, {}, '', '\ud800', 'x\0y', 'x'.repeat(100_000)]) {
      expect(await passwords.verify(value, null)).toEqual({ ok: false, stale: false });
    }
  });

  it('are held against a check of the application', async () => {
    const check = createPasswords({ check: (text) => (text.includes('123') ? 'is known from a leak' : null) });
    await expect(check.hash('password 123', user)).rejects.toMatchObject({
      details: { problem: 'is known from a leak' },
    });
  });
});
