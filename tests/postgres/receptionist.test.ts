import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoOwner, demoPassword, demoStaff } from '../../examples/fastify/app/seed.ts';
import type { Demo } from '../../examples/fastify/app/start-demo.ts';
import { callPort } from '../support/http-client.ts';
import { bot, idIn, logIn, signUp, startReceptionist, visitorOf } from '../support/receptionist.ts';

let demo: Demo;

beforeAll(async () => {
  demo = await startReceptionist();
});
afterAll(() => demo.stop());

it('shows the demo customer every page, and whoever is not logged in none', async () => {
  const luigi = await logIn(demo, demoOwner);
  const pages = ['/dashboard', '/bots', '/calls', '/team', '/keys', '/webhooks', '/usage', '/billing', '/audit'];
  for (const path of [...pages, '/setup', '/organizations', '/account', '/', '/dev/mail', '/dev/hooks']) {
    const { status, text, headers } = await luigi.get(path);
    expect([path, status]).toEqual([path, 200]);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).not.toMatch(/<script|style="|javascript:|undefined|\[object/);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  }
  for (const path of [...pages, '/account', '/organizations']) {
    const visitor = visitorOf(demo);
    const { text } = await visitor.get(path);
    expect(text).toContain('<h1>Log in</h1>');
    // The log-in leads back to the page that was asked for.
    const next = /name="next" value="([^"]+)"/.exec(text)?.[1] ?? '';
    const answer = await visitor.post('/login', {
      ...{ email: demoOwner, password: demoPassword, next },
      _csrf: visitor.token(),
    });
    expect([answer.status, answer.headers.location]).toEqual([303, path]);
  }
  expect((await luigi.get('/nothing-here')).status).toBe(404);
});

it('leads from sign-up through the set-up, which can be left and resumed, to a bot that takes calls', async () => {
  const ada = await signUp(demo, 'Ada’s shop', 'ada@shop.example');
  expect((await ada.submit('/setup/phone', { number: 'none' })).status).toBe(422);
  expect((await ada.get('/setup/greeting')).status).toBe(200);
  // A step before its turn is refused in words, not by a failure.
  const early = await ada.submit('/setup/greeting', { greeting: 'Hello' });
  expect([early.status, early.text]).toEqual([422, expect.stringContaining('role="alert"')]);
  await ada.get('/setup');
  await ada.submit('/setup/phone', { number: '+1 555 0100' });
  expect((await ada.get('/dashboard')).text).toContain('Your set-up is not done yet');
  const next = await ada.get('/setup');
  expect(next.text).toContain('Set up: Business');
  await ada.submit('/setup/business', { kind: 'shop', address: '' });
  await ada.submit('/setup/greeting', { greeting: 'Hello, Ada’s shop.' });
  expect((await ada.submit('/setup/twilio/skip')).text).toContain('Everything is set up.');
  expect((await ada.get('/setup/phone')).text).toContain('value="+1 555 0100"');

  await ada.get('/bots');
  const added = await ada.submit('/bots', bot);
  expect(added.text).toContain('1 of 1 on your plan');
  const second = await ada.submit('/bots', { ...bot, name: 'Second' });
  expect([second.status, second.text]).toEqual([403, expect.stringContaining('Your plan has no room')]);
  expect(second.text).toContain('value="Second"');
  const called = await ada.submit(`/bots/${idIn(added.text, '/bots')}/call`);
  expect(called.text).toContain('+1 555 0100');
  expect((await ada.get('/dashboard')).text).toContain('1 of 50');
});

it('upgrades at the checkout, opens the API with a key that is shown once, and cancels and resumes', async () => {
  const bob = await signUp(demo, 'Bob & Sons', 'bob@sons.example');
  expect((await bob.get('/keys')).text).toContain('The API comes with Starter');
  expect((await bob.submit('/keys', { name: 'till' })).status).toBe(403);
  await bob.get('/bots');
  const botId = idIn((await bob.submit('/bots', bot)).text, '/bots');

  await bob.get('/billing');
  const checkout = await bob.submit('/billing/checkout', { plan: 'starter' });
  expect(checkout.text).toContain('You pay $29.00 a month');
  const session = /action="(\/dev\/checkout\/[^"]+)"/.exec(checkout.text)?.[1] ?? '';
  const paid = await bob.submit(session);
  expect(paid.text).toContain('Thank you. Your plan is active.');
  expect(paid.text).toContain('Starter is active, $29.00 a month');
  const invoice = /\/billing\/invoices\/([^"]+)"/.exec(paid.text)?.[1] ?? '';
  const bill = await bob.get(`/billing/invoices/${invoice}`);
  expect(bill.text).toContain('<strong>Total: $29.00</strong>');
  expect((await (await logIn(demo, demoOwner)).get(`/billing/invoices/${invoice}`)).status).toBe(404);

  await bob.get('/keys');
  const shown = await bob.submit('/keys', { name: 'till' });
  const secret = /id="secret">([^<]+)</.exec(shown.text)?.[1] ?? '';
  expect((await bob.get('/keys')).text).not.toContain(secret);
  const port = Number(new URL(demo.origin).port);
  const headers = { 'x-api-key': secret, 'content-type': 'application/json' };
  const call = { botId, caller: '+44 20 5550 0100', seconds: 30, outcome: 'order', orderCents: 1999 };
  const body = JSON.stringify(call);
  expect(await callPort(port, { method: 'POST', path: '/v1/calls', headers, body })).toMatchObject({ status: 201 });
  const listed = await callPort(port, { path: '/v1/calls', headers: { 'x-api-key': secret } });
  expect(listed.body).toMatchObject({ calls: [{ bot_id: botId, outcome: 'order' }] });
  const foreign = { ...call, botId: crypto.randomUUID() };
  const refused = await callPort(port, { method: 'POST', path: '/v1/calls', headers, body: JSON.stringify(foreign) });
  expect(refused.status).toBe(404);
  expect((await bob.get('/calls')).text).toContain('$19.99');
  const keyId = idIn((await bob.get('/keys')).text, '/keys');
  await bob.submit(`/keys/${keyId}/revoke`);
  expect((await callPort(port, { path: '/v1/calls', headers: { 'x-api-key': secret } })).status).toBe(403);

  await bob.get('/billing');
  expect((await bob.submit('/billing/cancel')).text).toContain('It ends on');
  expect((await bob.submit('/billing/resume')).text).toContain('The next payment is on');
  const changed = await bob.submit('/billing/plan', { plan: 'pro' });
  expect(changed.text).toContain('Pro is active, $99.00 a month');
  expect((await bob.submit('/billing/plan', { plan: 'enterprise' })).status).toBe(422);
});

it('invites by mail: a stranger makes an account and joins, and leaves with the next click after removal', async () => {
  const luigi = await logIn(demo, demoOwner);
  await luigi.get('/team');
  expect((await luigi.submit('/team/invitations', { email: 'nobody', role: 'member' })).status).toBe(422);
  await luigi.submit('/team/invitations', { email: 'eve@trattoria.example', role: 'member' });
  const link = /https?:\S+/.exec(demo.mails.find(({ to }) => to === 'eve@trattoria.example')?.text ?? '')?.[0] ?? '';
  const path = link.replace(demo.origin, '');

  // The link is of no use to somebody with another address.
  const mallory = await signUp(demo, 'Mallory', 'mallory@evil.example');
  await mallory.get(path);
  const token = new URL(link).searchParams.get('token') ?? '';
  expect((await mallory.submit('/invitations/accept', { token })).text).toContain('This invitation opens nothing');

  const eve = visitorOf(demo);
  await eve.get(path);
  const credentials = { token, name: 'Eve', password: 'a good long password' };
  const wrong = await eve.submit('/invitations/join', { ...credentials, email: 'other@trattoria.example' });
  expect(wrong.text).toContain('This invitation opens nothing');
  const joined = await eve.submit('/invitations/join', { ...credentials, email: 'eve@trattoria.example' });
  expect(joined.text).toContain('Welcome to the team.');
  expect(joined.text).not.toContain('href="/billing"');
  for (const closed of ['/billing', '/keys', '/webhooks', '/audit', '/admin']) {
    expect([closed, (await eve.get(closed)).status]).toEqual([closed, closed === '/admin' ? 404 : 403]);
  }
  const team = await luigi.get('/team');
  const row = team.text.split('<tr>').find((one) => one.includes('eve@trattoria.example')) ?? '';
  await luigi.submit(`/team/members/${idIn(row, '/team/members')}/remove`);
  expect((await eve.get('/calls')).text).toContain('<h1>Log in</h1>');
});

it('shows invitations and webhooks a page at a time', async () => {
  const paula = await signUp(demo, 'Paula', 'paula@example.com');
  const { auth, organizations, webhooks } = demo.receptionist;
  const user = await auth.users.get({ email: 'paula@example.com' });
  const { items } = await organizations.ofUser({ userId: user?.userId ?? '' });
  const tenantId = items[0]?.organization.tenantId ?? '';
  for (let index = 0; index < 101; index += 1) {
    await organizations.invitations.create({ tenantId, email: `guest-${index}@example.com`, role: 'member' });
  }
  const first = await paula.get('/team');
  expect(first.text).toContain('guest-99@example.com');
  expect(first.text).not.toContain('guest-100@example.com');
  const more = /href="(\/team\?invited=[^"]+)">More invitations/;
  const second = await paula.get(more.exec(first.text)?.[1] ?? '/');
  expect(second.text).toContain('guest-100@example.com');
  expect(second.text).not.toContain('guest-99@example.com');
  expect(second.text).not.toMatch(more);

  // Of endpoints the product lets nobody have more than five.
  const make = async (name: string) =>
    (await webhooks.endpoints.create({ tenantId, url: `${demo.origin}/dev/hooks?${name}`, filters: ['*'] })).endpoint;
  const [one] = [await make('one'), await make('two')];
  const later = await paula.get(`/webhooks?after=${one.id}`);
  expect([later.text.includes('hooks?one'), later.text.includes('hooks?two')]).toEqual([false, true]);
});

it('sends a test to a webhook and shows the log', async () => {
  const luigi = await logIn(demo, demoOwner);
  const id = idIn((await luigi.get('/webhooks')).text, '/webhooks');
  await luigi.get(`/webhooks/${id}`);
  const log = await luigi.submit(`/webhooks/${id}/test`, { type: 'call.completed' });
  expect(log.text).toContain(
    '<code>call.completed</code></td><td><span class="badge good">Delivered</span></td><td class="figure">1</td><td>204</td>',
  );
  expect((await luigi.get('/dev/hooks')).text).toContain('&quot;call.completed&quot;');
  await luigi.get('/webhooks');
  const refused = await luigi.submit('/webhooks', { url: 'https://10.0.0.1/hook', filter: '*' });
  expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('public address')]);
  const made = await luigi.submit('/webhooks', { url: `${demo.origin}/dev/hooks`, filter: 'call.completed' });
  expect(made.text).toMatch(/id="secret">whsec_/);
});

it('lets the super admin give money back, act as a user with a banner and without billing, and close a customer', async () => {
  const staff = await logIn(demo, demoStaff);
  const row = (await staff.get('/admin')).text.split('<tr>').find((one) => one.includes('Trattoria Luigi')) ?? '';
  const customer = `/admin/customers/${idIn(row, '/admin/customers')}`;
  const page = await staff.get(customer);
  const payment = /name="payment" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const refunded = await staff.submit(`${customer}/refund`, { payment });
  expect(refunded.text).toContain('The payment was given back.');
  expect(refunded.text).not.toContain('name="payment"');
  expect((await staff.submit(`${customer}/refund`, { payment: 'py_none' })).text).toContain('refused');

  const user = /<option value="([^"]+)">Luigi</.exec(refunded.text)?.[1] ?? '';
  expect((await staff.submit(`${customer}/impersonate`, { user, reason: '' })).status).toBe(422);
  const acting = await staff.submit(`${customer}/impersonate`, { user, reason: 'ticket 7' });
  expect(acting.text).toContain('You act as <strong>luigi@trattoria.example</strong>');
  const closed = await staff.get('/billing');
  expect([closed.status, closed.text]).toEqual([403, expect.stringContaining('While you act as somebody')]);
  expect(closed.text).not.toContain('href="/billing"');
  await staff.get('/bots');
  await staff.submit('/bots', { ...bot, name: 'Made by support' });
  const trail = await staff.get('/audit');
  expect(trail.text).toContain('impersonation.started');
  expect(trail.text).toMatch(/<code>bot\.created<\/code><\/td><td>Root, as Luigi<\/td><td>bot Made by support</);
  await staff.get('/bots');
  await staff.submit('/impersonation/end');
  expect((await staff.get('/admin')).text).not.toContain('You act as');

  const luigi = await logIn(demo, demoOwner);
  await staff.get(customer);
  expect((await staff.submit(`${customer}/suspend`)).text).toContain('<span class="badge bad">Suspended</span>');
  expect((await luigi.get('/bots')).status).toBe(403);
  await staff.submit(`${customer}/resume`);
  expect((await luigi.get('/bots')).status).toBe(200);
});

it('puts a customer on Enterprise at the price that was agreed', async () => {
  const large = await signUp(demo, 'Large Inc', 'owner@large.example');
  const staff = await logIn(demo, demoStaff);
  const row =
    (await staff.get('/admin?search=large')).text.split('<tr>').find((one) => one.includes('Large Inc')) ?? '';
  const customer = `/admin/customers/${idIn(row, '/admin/customers')}`;
  await staff.get(customer);
  expect((await staff.submit(`${customer}/enterprise`, { dollars: '-5' })).status).toBe(422);
  const put = await staff.submit(`${customer}/enterprise`, { dollars: '900' });
  expect(put.text).toContain('The customer is on Enterprise');
  expect((await large.get('/usage')).text).toContain('of unlimited');
  expect((await large.get('/billing')).text).toContain('$900.00');
  expect((await staff.get('/admin/trail')).text).toContain('platform.read');
  await large.get('/dashboard');
  expect((await large.get('/admin/trail')).status).toBe(404);
});

it('verifies addresses and sets passwords by links that work without JavaScript', async () => {
  await signUp(demo, 'Carl', 'carl@example.com');
  await demo.receptionist.auth.flush();
  const linkTo = (path: string) =>
    new RegExp(`${demo.origin}(${path}\\?token=\\S+)`).exec(
      demo.mails.find(({ to, text }) => to === 'carl@example.com' && text.includes(path))?.text ?? '',
    )?.[1] ?? '';
  const tokenOf = (path: string) => new URL(path, demo.origin).searchParams.get('token') ?? '';
  const carl = visitorOf(demo);
  const verify = linkTo('/verify');
  await carl.get(verify);
  expect((await carl.submit('/verify', { token: tokenOf(verify) })).text).toContain('Your address is confirmed.');
  await carl.get('/forgot');
  expect((await carl.submit('/forgot', { email: 'carl@example.com' })).text).toContain('a mail is on its way');
  await carl.get('/forgot');
  expect((await carl.submit('/forgot', { email: 'none@example.com' })).text).toContain('a mail is on its way');
  await demo.receptionist.auth.flush();
  const reset = linkTo('/reset');
  await carl.get(reset);
  const password = 'another good password';
  expect((await carl.submit('/reset', { token: tokenOf(reset), password })).text).toContain('The password was changed');
  expect((await carl.submit('/login', { email: 'carl@example.com', password })).text).toContain('<h1>Overview</h1>');
  await carl.submit('/logout');
  expect((await carl.get('/dashboard')).text).toContain('<h1>Log in</h1>');
});

it('lets users look after their own account: address, password and sessions', async () => {
  const dora = await signUp(demo, 'Dora', 'dora@example.com');
  const password = 'correct horse battery';
  const elsewhere = await logIn(demo, 'dora@example.com', password);
  const page = await dora.get('/account');
  expect(page.text).toContain('dora@example.com <span class="badge warn">Unconfirmed</span>');
  expect((await dora.get('/dashboard')).text).toContain('we sent a mail to dora@example.com');

  await dora.get('/account');
  const wrong = await dora.submit('/account/password', { current: 'not the password', password: 'a better password' });
  expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('was not told right')]);
  const weak = await dora.submit('/account/password', { current: password, password: 'short' });
  expect(weak.text).toContain('must have at least 10 characters');
  const changed = await dora.submit('/account/password', { current: password, password: 'a better password' });
  expect(changed.text).toContain('You are logged out everywhere else.');
  expect((await elsewhere.get('/account')).text).toContain('<h1>Log in</h1>');

  const again = await logIn(demo, 'dora@example.com', 'a better password');
  const sessions = await dora.get('/account');
  const other = idIn(sessions.text, '/account/sessions');
  // A session of somebody else is not there.
  const luigi = await logIn(demo, demoOwner);
  await luigi.get('/account');
  expect((await luigi.post(`/account/sessions/${other}/end`, { _csrf: luigi.token() })).status).toBe(404);
  await dora.get('/account');
  expect((await dora.submit(`/account/sessions/${other}/end`)).text).toContain('Logged out there.');
  expect((await again.get('/account')).text).toContain('<h1>Log in</h1>');

  await dora.get('/account');
  expect((await dora.submit('/account/email', { email: 'dora@new.example' })).text).toContain('A mail with a link');
  await demo.receptionist.auth.flush();
  const mail = demo.mails.find(({ to }) => to === 'dora@new.example')?.text ?? '';
  const link = new RegExp(`${demo.origin}(/change\\?token=(\\S+))`).exec(mail);
  await dora.get(link?.[1] ?? '');
  expect((await dora.submit('/change', { token: link?.[2] ?? '' })).text).toContain('You have another address now.');
  expect((await dora.get('/account')).text).toContain('dora@new.example <span class="badge good">Confirmed</span>');
  expect((await dora.submit('/account/name', { name: ' ' })).status).toBe(422);
  expect((await dora.submit('/account/name', { name: 'Dora Maar' })).text).toContain('Saved.');
  const team = await dora.get('/team');
  expect(team.text).toMatch(
    /<td[^>]*>Dora Maar <span class="badge[^"]*">you<\/span><\/td>\s*<td[^>]*>dora@new\.example/i,
  );
  expect((await visitorOf(demo).get('/account')).text).toContain('<h1>Log in</h1>');
});

it('filters calls, goes on to older ones, and tells of each bot where the plan has analytics', async () => {
  const luigi = await logIn(demo, demoOwner);
  const first = await luigi.get('/calls');
  expect(first.text.split('<time').length - 1).toBe(50);
  expect(first.text).toContain('What each bot did in 30 days');
  expect(first.text).not.toContain('Advanced analytics come with Starter');
  const older = /href="(\/calls\?[^"]+)">Older calls/.exec(first.text)?.[1] ?? '';
  const second = await luigi.get(older.replaceAll('&amp;', '&'));
  const callers = (text: string) => [...text.matchAll(/<td>(\+39 06 5550 \d+)<\/td>/g)].map(([, caller]) => caller);
  expect(callers(second.text).length).toBeGreaterThan(40);
  expect(callers(second.text).filter((caller) => callers(first.text).includes(caller))).toEqual([]);
  const missed = await luigi.get('/calls?outcome=missed');
  expect(missed.text).not.toMatch(/badge good">(Answered|Order)</);
  const bot = idIn((await luigi.get('/bots')).text, '/bots');
  expect((await luigi.get(`/calls?bot=${bot}`)).status).toBe(200);
  const foreign = await luigi.get(`/calls?bot=${crypto.randomUUID()}`);
  expect(foreign.text).toContain('No call is like that.');
  const free = await signUp(demo, 'Free', 'free@example.com');
  expect((await free.get('/calls')).text).toContain('Advanced analytics come with Starter');
});

it('opens the page of the provider for cards, for those alone who pay', async () => {
  const luigi = await logIn(demo, demoOwner);
  await luigi.get('/billing');
  expect((await luigi.submit('/billing/portal')).text).toContain('<h1>Card and receipts</h1>');
  const free = await signUp(demo, 'Never paid', 'never@example.com');
  await free.get('/billing');
  expect((await free.submit('/billing/portal')).text).toContain('There is no subscription.');
});
