import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKeys } from '../../src/api-keys/index.ts';
import { postgresDatabase, type TestDatabase } from '../support/databases.ts';
import { type Said, sayCommand } from '../support/recording-terminal.ts';

type Nothing = Record<never, never>;
let database: TestDatabase<Nothing>;
let folder: string;
let url: string;

beforeAll(async () => {
  database = await postgresDatabase<Nothing>();
  url = database.urls?.owner ?? '';
  folder = await mkdtemp(join(tmpdir(), 'tenantry-groups-'));
  await writeFile(
    join(folder, 'tenantry.config.ts'),
    `import { createTenantry, defineEvents, definePlans, hybridSeats } from '${join(import.meta.dirname, '../../src/index.ts')}';
    import { createSecretBox } from '${join(import.meta.dirname, '../../src/core/index.ts')}';
    export default ({ db }) => createTenantry({
      db,
      plans: definePlans({ free: { quotas: { calls: { amount: 50, per: 'month' } } }, team: { limits: { bots: 3 } } }),
      strategy: hybridSeats({ plan: 'free', seats: 3 }),
      roles: { therapist: ['notes:*'] },
      webhooks: { catalogue: defineEvents({}, { own: ['member.*'] }), secretBox: createSecretBox([{ id: '1', key: new Uint8Array(32).fill(7) }]) },
    });`,
  );
});

afterAll(async () => {
  await database.destroy();
  await rm(folder, { recursive: true, force: true });
});

function say(line: string, ...more: string[]): Promise<Said> {
  const words = [...line.split(' '), ...more];
  return sayCommand([...words, '--url', url, '--config', join(folder, 'tenantry.config.ts')]);
}

async function json(line: string, ...more: string[]) {
  const said = await say(line, ...more, '--json');
  const parsed = JSON.parse(said.out);
  expect(parsed.exit, said.out).toBe(said.exit);
  return parsed;
}

describe('the commands of the scripts that people wrote by hand', () => {
  it('make an organization, its seats, a developer and a key, and take the key back', async () => {
    const made = await json('orgs create Acme --owner ada --email ada@acme.example --plan team --seats 2');
    expect(made).toMatchObject({ exit: 0, result: { organization: { slug: 'acme', plan: 'team', seatsBought: 2 } } });
    expect(await json('orgs seats acme 5')).toMatchObject({ exit: 0, result: { bought: 5, taken: 1 } });
    expect(await json('members add acme bob --role therapist')).toMatchObject({ result: { created: true } });
    expect(await json('members list acme')).toMatchObject({
      result: { items: [{ userId: 'ada' }, { userId: 'bob' }] },
    });

    const created = await say('keys create acme --user bob --name laptop --scopes calls:read');
    const secret = created.out.split('\n')[0] ?? '';
    expect(created).toMatchObject({ exit: 0, notes: '' });
    const keys = createApiKeys({ db: database.app });
    const accepted = await keys.verify(secret);
    expect(accepted).toMatchObject({ ok: true, member: { userId: 'bob', role: 'therapist' } });

    const listed = await say('keys list acme');
    expect(listed.out).toContain('laptop');
    expect(listed.out).not.toContain(secret);
    const keyId = accepted.ok ? accepted.key.id : '';
    expect(await json(`keys revoke acme ${keyId}`)).toMatchObject({ exit: 0, result: { id: keyId } });
    expect(await keys.verify(secret)).toMatchObject({ ok: false, reason: 'revoked' });
  });

  it('list the members of all organizations, and end all keys of one of them', async () => {
    for (const name of ['Lambda', 'Mu']) {
      await json(`orgs create ${name} --owner lou`);
      await json(`members add ${name.toLowerCase()} may`);
      await json(`keys create ${name.toLowerCase()} --user may`);
    }
    const everywhere = await json('members list --user may');
    expect(everywhere.result.items).toMatchObject([{ tenantName: 'Lambda' }, { tenantName: 'Mu' }]);
    expect((await say('members list --limit 1')).out).toMatch(/^organization +user .*\n.*\n\nmore: --cursor /);
    expect(await json('keys revoke lambda --user may')).toMatchObject({ exit: 0, result: [{ name: null }] });
    expect((await say('keys revoke lambda --user may')).out).toBe('0 keys of may ended');
    const live = async (slug: string) => (await json(`keys list ${slug} --live`)).result.items.length;
    expect([await live('lambda'), await live('mu')]).toEqual([0, 1]);
    expect(await json('keys create mu --user nobody')).toMatchObject({ exit: 3, error: { code: 'member_not_found' } });
    const key = '0198c1e6-0000-7000-8000-000000000000';
    expect(await json(`keys show mu ${key}`)).toMatchObject({ exit: 3, error: { code: 'api_key_not_found' } });
    expect((await say(`keys revoke mu ${key} --user may`)).exit).toBe(2);
    expect((await say('members list --status active')).exit).toBe(2);
  });

  it('say how a subscription stands, where no provider does', async () => {
    await json('orgs create Nu --owner nat --plan team');
    const { out } = await say('keys create nu');
    const keys = createApiKeys({ db: database.app });
    const refused = async () => {
      const verified = await keys.verify(out.split('\n')[0] ?? '');
      return verified.ok ? null : verified.reason;
    };
    expect((await say('plans set nu team --subscription canceled')).out).toBe('Nu is on "team", canceled now');
    expect(await refused()).toBe('subscription_inactive');
    expect((await say('plans set nu team --subscription none')).exit).toBe(0);
    expect(await refused()).toBeNull();
    expect((await say('plans set nu team --subscription cancelled')).exit).toBe(2);
  });

  it('suspend and resume, and change the plan, each with an entry in the audit trail under the name that was given', async () => {
    const { result } = await json('orgs create Beta --owner eve');
    const tenantId = result.tenant.tenantId;
    expect(await json('orgs suspend beta --as grace')).toMatchObject({
      result: { changed: true, tenant: { status: 'suspended' } },
    });
    expect(await json('orgs suspend beta')).toMatchObject({ result: { changed: false } });
    expect((await say('orgs list --status suspended')).out).toContain('beta');
    expect(await json('orgs resume beta')).toMatchObject({ result: { tenant: { status: 'active' } } });
    expect(await json('plans set beta team')).toMatchObject({ result: { tenant: { plan: 'team' } } });
    expect(await json('plans set beta gold')).toMatchObject({ error: { code: 'plan_unknown' } });

    const trail = await json(`audit list ${tenantId} --actor grace`);
    expect(trail.result.items).toMatchObject([{ action: 'tenant.suspended', actor: { id: 'grace' } }]);
    expect(await json('audit verify beta')).toMatchObject({ exit: 0, result: { ok: true } });
    const lines = (await say('audit export beta')).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).action)).toContain('tenant.plan_changed');
  });

  it('tell a broken chain by the exit code', async () => {
    await json('orgs create Gamma --owner mal');
    await json('audit verify gamma');
    const { result } = await json('orgs show gamma');
    const superuser = new Client({ connectionString: database.urls?.superuser ?? '' });
    await superuser.connect();
    try {
      await superuser.query('set session_replication_role = replica');
      await superuser.query(
        `update tenantry.audit_entries set action = 'nothing.happened' where tenant_id = $1 and sequence = 1`,
        [result.tenant.tenantId],
      );
    } finally {
      await superuser.end();
    }
    expect((await say('audit verify gamma')).exit).toBe(4);
  });

  it('show what is used and left, and override it', async () => {
    await json('orgs create Delta --owner dora');
    expect((await say('plans show delta')).out).toMatch(/calls +0 +50 +50/);
    expect(await json('plans override delta calls 80')).toMatchObject({ exit: 0 });
    expect((await say('plans show delta')).out).toMatch(/calls +0 +80 +80/);
    expect((await say('usage show delta')).out).toBe('nothing was used');
    expect((await say('usage periods delta')).exit).toBe(0);
    const nothing = { keys: 0, reservations: 0, windows: 0, hours: 0, periods: 0, members: 0 };
    expect((await json('usage prune delta --history-before 2020-01-01')).result).toEqual(nothing);
    expect((await json('usage prune')).result).toEqual(nothing);
    expect((await say('plans list')).out).toMatch(/team/);
  });

  it('make a webhook endpoint, whose secret is printed once', async () => {
    await json('orgs create Epsilon --owner eda');
    const made = await say('webhooks create epsilon https://93.184.215.14/in --events member.*');
    const secret = made.out.split('\n')[0] ?? '';
    expect({ exit: made.exit, notes: made.notes, secret }).toEqual({
      exit: 0,
      notes: '',
      secret: expect.stringMatching(/^whsec_/),
    });
    const listed = await json('webhooks list epsilon');
    expect(listed.result.items).toMatchObject([
      { url: 'https://93.184.215.14/in', filters: ['member.*'], status: 'active' },
    ]);
    expect(JSON.stringify(listed)).not.toContain(secret);
    const id = listed.result.items[0].id;
    expect(await json(`webhooks disable epsilon ${id}`)).toMatchObject({ result: { status: 'disabled' } });
    expect(await say(`webhooks deliveries epsilon ${id}`)).toMatchObject({ exit: 0, out: 'nothing was sent' });
  });
});

describe('wrong use', () => {
  it.each([
    ['orgs show nobody', 'organization_not_found'],
    ['orgs create Zeta', 'usage'],
    ['orgs seats acme many', 'usage'],
    ['orgs fly', 'usage'],
    ['keys create acme --user stranger', 'member_not_found'],
    ['keys create acme --expires soon', 'usage'],
    ['members role acme bob emperor', 'role_unknown'],
    ['audit verify acme --anchor x', 'usage'],
    ['billing show acme', 'usage'],
    ['usage show acme --by week', 'usage'],
    ['usage prune --before soon', 'usage'],
  ])('"%s" is told as %s', async (line, code) => {
    const said = await json(line);
    expect(said.error).toMatchObject({ code });
    expect(said.exit).not.toBe(0);
  });

  it('takes nothing that is not a way to wire the application for a configuration', async () => {
    const file = join(folder, 'wrong.mjs');
    await writeFile(file, 'export default () => ({ hello: 1 });');
    const said = await sayCommand(['orgs', 'list', '--url', url, '--config', file]);
    expect(said).toMatchObject({ exit: 2, out: '' });
    expect(said.notes).toContain('createTenantry');
  });
});

it('lists and shows without a configuration, on the plans that tenants have', async () => {
  await json('orgs create Eta --owner ann --plan team');
  const said = await sayCommand(['orgs', 'show', 'eta', '--url', url, '--json']);
  expect(JSON.parse(said.out)).toMatchObject({ exit: 0, result: { tenant: { plan: 'team' } } });
});

it('does not let names write over the terminal', async () => {
  await json('orgs create Theta --owner thea');
  await sql`update tenantry.tenants set name = ${'x\u001b[2Jy\nz'} where name = 'Theta'`.execute(database.owner);
  const { out } = await say('orgs list --search theta');
  expect(out).toContain('x [2Jy z');
  expect(out).not.toContain('\u001b');
});

it('completes commands and options', async () => {
  const complete = async (...words: string[]) => (await sayCommand(['__complete', ...words])).out.split('\n');
  expect(await complete('o')).toEqual(['orgs']);
  expect(await complete('members', 'r')).toEqual(['remove', 'role']);
  expect(await complete('keys', 'create', '--e')).toEqual(['--environment', '--expires']);
  // Half-written words are no options of the command itself.
  expect(await complete('orgs', 'show', '--')).toContain('--json');
  expect(await complete('orgs', '--help')).toEqual(['--help']);
  expect(await complete('completion', '')).toEqual(['bash', 'fish', 'zsh']);
  expect(await sayCommand(['completion', 'tcsh'])).toMatchObject({ exit: 2 });
});

it('says that the database cannot be reached, or has no schema', async () => {
  const away = ['orgs', 'list', '--url', 'postgres://ada:not-to-be-shown@127.0.0.1:1/nowhere'];
  const down = await sayCommand(away);
  expect(down).toMatchObject({ exit: 1, out: '' });
  expect(down.notes).toMatch(/database_unavailable.*ECONNREFUSED/s);
  expect(down.notes).not.toContain('not-to-be-shown');
  const told = JSON.parse((await sayCommand([...away, '--json'])).out);
  expect(told).toMatchObject({ exit: 1, error: { code: 'database_unavailable' } });
  const bare = new URL(url);
  bare.pathname = '/postgres';
  const missing = await sayCommand(['orgs', 'list', '--url', bare.href, '--json']);
  expect(JSON.parse(missing.out)).toMatchObject({ exit: 3, error: { code: 'schema_missing' } });
  expect((await sayCommand(['orgs', 'list', '--url', bare.href])).notes).toContain('tenantry install');
  const nobody = await sayCommand(['install', '--grant-to', 'nobody_of_that_name', '--url', url]);
  expect(nobody).toMatchObject({ exit: 2, notes: expect.stringContaining('nobody_of_that_name') });
});

it('says what is missing where a command needs a secret box and nothing is configured', async () => {
  await json('orgs create Kappa --owner kim');
  const said = await sayCommand(['webhooks', 'create', 'kappa', 'https://93.184.215.14/in', '--url', url]);
  expect(said).toMatchObject({ exit: 2, out: '' });
  expect(said.notes).toMatch(/tenantry\.config\.ts or --config.*secretBox/);
});

it('says by its exit code that it was refused', async () => {
  const nobody = await sayCommand(['orgs', 'show', 'nobody', '--url', url, '--json']);
  expect(JSON.parse(nobody.out)).toMatchObject({ exit: 3, error: { code: 'organization_not_found' } });
});

it('says which configuration failed', async () => {
  const config = join(folder, 'fails.mjs');
  await writeFile(config, 'export default () => { throw new Error("no secret in the environment"); };');
  const said = await sayCommand(['orgs', 'list', '--url', url, '--config', config]);
  expect(said).toMatchObject({ exit: 2, out: '' });
  expect(said.notes).toContain('fails.mjs failed: no secret in the environment');
});

it('completes in bash', async () => {
  const command = `${process.execPath} ${fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))}`;
  const script = `tenantry() { ${command} "$@"; }; source <(tenantry completion bash)
    COMP_WORDS=(tenantry orgs create --); COMP_CWORD=3; _tenantry; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(tenantry ke); COMP_CWORD=1; _tenantry; echo "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script]);
  expect(stdout).toMatch(/^--as --config .*--url\nkeys\n$/);
});

it('tells the version of the schema, and the statements that make it', async () => {
  const status = await sayCommand(['schema', 'status', '--url', url, '--json']);
  expect(JSON.parse(status.out)).toMatchObject({ exit: 0, result: { waiting: [] } });
  expect((await sayCommand(['schema', 'sql'])).out).toContain('create table tenantry.tenants');
});
