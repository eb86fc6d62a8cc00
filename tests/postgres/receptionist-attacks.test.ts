import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoOwner, demoPassword, demoStaff } from '../../examples/fastify/app/seed.ts';
import type { Demo } from '../../examples/fastify/app/start-demo.ts';
import { bot, idIn, logIn, signUp, startReceptionist, visitorOf } from '../support/receptionist.ts';

let demo: Demo;

beforeAll(async () => {
  demo = await startReceptionist();
});
afterAll(() => demo.stop());

it('refuses forms of other sites, of nobody, and of another session', async () => {
  const luigi = await logIn(demo, demoOwner);
  const anna = await logIn(demo, 'anna@trattoria.example');
  await luigi.get('/bots');
  await anna.get('/bots');
  const before = (await luigi.get('/bots')).text.split('<tr>').length;
  const token = luigi.token();
  const attempts: readonly (readonly [Readonly<Record<string, string>>, Readonly<Record<string, string>>])[] = [
    [bot, {}],
    [{ ...bot, _csrf: '' }, {}],
    [{ ...bot, _csrf: 'x'.repeat(43) }, {}],
    [{ ...bot, _csrf: anna.token() }, {}],
    [{ ...bot, _csrf: token }, { origin: 'https://evil.example' }],
    [{ ...bot, _csrf: token }, { origin: 'null' }],
    [{ ...bot, _csrf: token }, { origin: `${demo.origin}.evil.example` }],
    [{ ...bot, _csrf: token }, { 'content-type': 'application/json' }],
    [{ ...bot, _csrf: token }, { 'content-type': 'text/plain' }],
  ];
  for (const [fields, headers] of attempts) {
    const { status } = await luigi.post('/bots', fields, headers);
    expect(headers['content-type'] === undefined ? 403 : 415).toBe(status);
  }
  // Log-in and log-out are forms as well.
  expect((await visitorOf(demo).post('/login', { email: demoOwner, password: demoPassword })).status).toBe(403);
  expect((await luigi.post('/logout', {})).status).toBe(403);
  // A token of a browser is of no use beside the cookie of another.
  const thief = visitorOf(demo);
  for (const [name, value] of luigi.cookies) if (name !== 'csrf') thief.cookies.set(name, value);
  expect((await thief.post('/bots', { ...bot, _csrf: token })).status).toBe(403);
  expect((await luigi.get('/bots')).text.split('<tr>').length).toBe(before);
  expect((await luigi.post('/bots', { ...bot, _csrf: token })).status).toBe(303);
});

it('answers ids of another customer like ids that are not there', async () => {
  const luigi = await logIn(demo, demoOwner);
  const ids = {
    bots: idIn((await luigi.get('/bots')).text, '/bots'),
    webhooks: idIn((await luigi.get('/webhooks')).text, '/webhooks'),
    member: idIn((await luigi.get('/team')).text, '/team/members'),
  };
  const mia = await signUp(demo, 'Mia', 'mia@example.com');
  await mia.get('/team');
  const nowhere = crypto.randomUUID();
  const pathsOf = (which: typeof ids) => [
    `/bots/${which.bots}`,
    `/bots/${which.bots}/delete`,
    `/bots/${which.bots}/call`,
    `/webhooks/${which.webhooks}/remove`,
    `/team/members/${which.member}/remove`,
    `/team/members/${which.member}/role`,
    `/team/invitations/${which.member}/revoke`,
    `/keys/${which.bots}/revoke`,
  ];
  const answers = async (which: typeof ids) => {
    const all: unknown[] = [];
    for (const path of pathsOf(which))
      all.push((await mia.post(path, { ...bot, role: 'member', _csrf: mia.token() })).status);
    for (const path of [`/bots/${which.bots}`, `/webhooks/${which.webhooks}`]) all.push((await mia.get(path)).status);
    return all;
  };
  await mia.get('/team');
  const foreign = await answers(ids);
  await mia.get('/team');
  expect(await answers({ bots: nowhere, webhooks: nowhere, member: nowhere })).toEqual(foreign);
  expect(foreign.filter((status) => status !== 404 && status !== 403)).toEqual([]);
  // What the plan has not is refused before; all else is 404.
  expect(foreign.filter((status) => status === 404).length).toBeGreaterThanOrEqual(9);
  await mia.get('/organizations');
  const tenant = idIn((await (await logIn(demo, demoStaff)).get('/admin')).text, '/admin/customers');
  await mia.get('/organizations');
  expect((await mia.submit('/organizations', { tenant })).text).toContain('There is no such organization.');
  expect((await luigi.get(`/bots/${ids.bots}`)).status).toBe(200);
});

it('escapes names wherever they are shown', async () => {
  const attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>\'';
  const visitor = visitorOf(demo);
  await visitor.get('/signup');
  await visitor.submit('/signup', {
    organization: attack,
    name: attack,
    email: 'x@xss.example',
    password: 'a password of x',
  });
  await visitor.get('/bots');
  await visitor.submit('/bots', { ...bot, name: attack, greeting: attack });
  await visitor.submit('/bots', { ...bot, name: attack });
  const id = idIn((await visitor.get('/bots')).text, '/bots');
  await visitor.submit(`/bots/${id}/call`);
  const staff = await logIn(demo, demoStaff);
  const customers = (await staff.get('/admin')).text.split('<tr>').find((row) => row.includes('&lt;script&gt;')) ?? '';
  const customer = `/admin/customers/${idIn(customers, '/admin/customers')}`;
  const texts = [(await staff.get('/admin')).text, (await staff.get(customer)).text];
  const pages = [
    '/bots',
    `/bots/${id}`,
    '/calls',
    '/team',
    '/audit',
    '/organizations',
    `/invitations/accept?token=${encodeURIComponent(attack)}`,
  ];
  for (const path of [...pages, `/bots?note=${encodeURIComponent(attack)}`]) texts.push((await visitor.get(path)).text);
  for (const text of texts) {
    expect(text).not.toMatch(/<script|<img src=x|onerror=alert\(1\)>/);
  }
  expect(texts.join('')).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
});

it('answers hostile texts and addresses in words, and never with a failure of its own', async () => {
  const luigi = await logIn(demo, demoOwner);
  const staff = await logIn(demo, demoStaff);
  const bots = idIn((await luigi.get('/bots')).text, '/bots');
  const hook = idIn((await luigi.get('/webhooks')).text, '/webhooks');
  const customer = idIn((await staff.get('/admin')).text, '/admin/customers');
  const texts = [
    '',
    '\0',
    "'; drop table bots; --",
    '\u202e\u0007',
    '9'.repeat(400),
    '../../etc/passwd',
    '{}',
    '\ud800',
  ];
  const names = [
    'name',
    'email',
    'password',
    'token',
    'tenant',
    'plan',
    'role',
    'url',
    'filter',
    'message',
    'type',
    'number',
    'kind',
    'greeting',
    'voice',
    'business',
    'payment',
    'user',
    'reason',
    'dollars',
    'organization',
    'current',
    'next',
  ];
  const forms = [
    '/login',
    '/signup',
    '/forgot',
    '/change',
    '/billing/portal',
    '/reset',
    '/verify',
    '/organizations',
    '/invitations/accept',
    '/bots',
    `/bots/${bots}`,
    '/team/invitations',
    '/keys',
    '/webhooks',
    `/webhooks/${hook}/test`,
    `/webhooks/${hook}/replay`,
    '/billing/checkout',
    '/billing/plan',
    '/setup/phone',
    '/setup/greeting',
  ];
  // Tries to change a password are counted as those to log in: somebody of their own takes them.
  const olga = await signUp(demo, 'Olga', 'olga@example.com');
  const ofOneself = [
    '/account/password',
    '/account/name',
    '/account/email',
    '/account/verify',
    '/account/sessions/x/end',
  ];
  const ofStaff = ['refund', 'impersonate', 'enterprise'].map((act) => `/admin/customers/${customer}/${act}`);
  for (const text of texts) {
    const fields = Object.fromEntries(names.map((name) => [name, text]));
    for (const [visitor, page, paths] of [
      [luigi, '/bots', forms],
      [olga, '/account', ofOneself],
      [staff, '/admin', ofStaff],
    ] as const) {
      for (const path of paths) {
        await visitor.get(page);
        const { status } = await visitor.post(path, { ...fields, _csrf: visitor.token() });
        expect([path, text, status < 500]).toEqual([path, text, true]);
      }
    }
    const told = encodeURIComponent(Buffer.from(text).toString());
    for (const path of [
      `/bots/${told}`,
      `/billing/invoices/${told}`,
      `/audit?after=${told}`,
      `/team?after=${told}`,
      `/keys?after=${told}`,
      `/calls?bot=${told}&outcome=${told}&at=${told}&id=${told}`,
      `/login?next=${told}`,
      `/setup/${told}`,
      `/dev/checkout/${told}`,
    ]) {
      expect([path, (await luigi.get(path)).status < 500]).toEqual([path, true]);
    }
    for (const path of [
      `/admin?search=${told}&after=${told}`,
      `/admin/trail?after=${told}`,
      `/admin/customers/${told}`,
    ]) {
      expect([path, (await staff.get(path)).status < 500]).toEqual([path, true]);
    }
  }
  expect((await luigi.post('/bots', { name: 'x'.repeat(200_000) })).status).toBe(413);
});

it('hides the super admin from everybody else', async () => {
  const luigi = await logIn(demo, demoOwner);
  const staff = await logIn(demo, demoStaff);
  const admin = await staff.get('/admin');
  expect(admin.text).toContain('Trattoria Luigi');
  const row = admin.text.split('<tr>').find((one) => one.includes('Trattoria Luigi')) ?? '';
  const customer = `/admin/customers/${idIn(row, '/admin/customers')}`;
  await luigi.get('/dashboard');
  expect((await luigi.get('/admin')).status).toBe(404);
  await luigi.get('/dashboard');
  for (const path of ['/refund', '/impersonate', '/suspend', '/resume']) {
    expect((await luigi.post(`${customer}${path}`, { _csrf: luigi.token(), reason: 'x' })).status).toBe(404);
  }
  expect((await visitorOf(demo).get('/admin')).status).toBe(404);
});

it('leads nobody to another site after the log-in', async () => {
  for (const next of [
    'https://evil.example',
    '//evil.example',
    '/\\\\evil.example',
    '/\\t/evil.example',
    'evil',
    '/\u0000/x',
  ]) {
    const visitor = visitorOf(demo);
    const { text } = await visitor.get(`/login?next=${encodeURIComponent(next)}`);
    expect([next, /name="next" value="([^"]*)"/.exec(text)?.[1]]).toEqual([next, '']);
    const credentials = { email: demoOwner, password: demoPassword, next };
    const answer = await visitor.post('/login', { ...credentials, _csrf: visitor.token() });
    expect([next, answer.headers.location]).toEqual([next, '/dashboard']);
  }
});
