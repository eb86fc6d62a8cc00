import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoOwner, demoPassword, demoStaff } from '../../examples/fastify/app/seed.ts';
import type { Demo } from '../../examples/fastify/app/start-demo.ts';
import { contrastOf } from '../support/contrast.ts';
import { startReceptionist } from '../support/receptionist.ts';

const places = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const executablePath = places.find((path) => path !== undefined && existsSync(path));
const skipped = executablePath === undefined ? ' (SKIPPED: there is no Chromium; set CHROMIUM_PATH)' : '';
const inBrowser = it.skipIf(executablePath === undefined);
const images = join(import.meta.dirname, '../../docs/guides/images');

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  if (executablePath === undefined) return;
  demo = await startReceptionist();
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});
afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The pages of a customer. */
const own = [
  '/dashboard',
  '/bots',
  '/calls',
  '/team',
  '/keys',
  '/webhooks',
  '/usage',
  '/billing',
  '/audit',
  '/account',
  '/setup/twilio',
];

/** Opens a browser of its own. What its console complains of, a refusal by the CSP too, is kept. */
async function open(options: BrowserContextOptions = {}) {
  const context = await browser.newContext({
    viewport: { width: 1160, height: 720 },
    colorScheme: 'light',
    ...options,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => {
    // What was on its way when somebody clicked on is let go.
    const why = request.failure()?.errorText ?? '';
    if (why !== 'net::ERR_ABORTED') complaints.push(`${request.url()} ${why}`);
  });
  return { context, page, complaints };
}

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).first().click();
}

async function titled(page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title }).waitFor({ timeout: 10_000 });
}

async function logIn(page: Page, email: string): Promise<void> {
  await page.goto(`${demo.origin}/login`);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password').fill(demoPassword);
  await press(page, 'Log in');
}

/** Takes a picture for the guide, where it is asked for; it must stay small. */
async function picture(page: Page, name: string): Promise<void> {
  const path = join(images, name);
  if (process.env.UPDATE_SCREENSHOTS === '1') await page.screenshot({ path });
  expect((await stat(path)).size).toBeLessThan(100_000);
}

/** The way of a customer, from sign-up to the trail. */
async function customerWay(page: Page, context: BrowserContext, name: string): Promise<void> {
  const mail = name.toLowerCase().replaceAll(/[^a-z]/g, '');
  await page.goto(demo.origin);
  await page.getByRole('link', { name: 'Try it for free' }).click();
  await page.getByLabel('Name of your business').fill(name);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('Email').fill(`owner@${mail}.example`);
  await page.getByLabel('Password').fill('correct horse battery');
  await press(page, 'Create the account');

  await titled(page, 'Set up: Phone number');
  await page.getByLabel('Phone number that customers call').fill('+1 555 0100');
  await press(page, 'Save and go on');
  await page.getByLabel('Kind of business').selectOption('salon');
  await press(page, 'Save and go on');
  await page.getByLabel('What the bot says first').fill('Hello, how can I help you?');
  await press(page, 'Save and go on');
  await press(page, 'Skip this step');
  await titled(page, 'Overview');

  await page.getByRole('link', { name: 'Bots', exact: true }).click();
  await page.getByLabel('Name of the bot').fill('Front desk');
  await page.getByLabel('Greeting').fill('Hello.');
  await press(page, 'Add the bot');
  await page.getByText('1 of 1 on your plan').waitFor();
  await press(page, 'Test call to Front desk');
  await titled(page, 'Calls');
  await page.getByRole('cell', { name: '+1 555 0100' }).waitFor();

  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByRole('link', { name: 'Upgrade' }).click();
  await press(page, 'Upgrade to Pro');
  await titled(page, 'Checkout');
  await press(page, 'Pay with the test card');
  await titled(page, 'Billing');
  await page.getByText('Thank you. Your plan is active.').waitFor();
  await page.getByRole('table', { name: 'Invoices' }).getByRole('link').first().click();
  await page.getByText('Total: $99.00').waitFor();

  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByLabel('What the key is for').fill('The till');
  await press(page, 'Make a key');
  const secret = (await page.locator('#secret').textContent()) ?? '';
  expect(secret).toMatch(/^rx_/);
  const answer = await fetch(`${demo.origin}/v1/calls`, { headers: { 'x-api-key': secret } });
  expect(answer.status).toBe(200);

  await page.getByRole('link', { name: 'Team' }).click();
  await page.getByLabel('Email').fill(`colleague@${mail}.example`);
  await press(page, 'Invite');
  await page.getByText('The invitation is on its way.').waitFor();
  const other = await context.browser()?.newContext();
  const guest = await other?.newPage();
  if (guest === undefined) throw new Error('no second browser');
  await guest.goto(`${demo.origin}/dev/mail`);
  await guest.getByRole('link', { name: 'Follow the link' }).first().click();
  await guest.getByLabel('Your name').fill('Charles');
  await guest.getByLabel('Email').fill(`colleague@${mail}.example`);
  await guest.getByLabel('Password').fill('a good long password');
  await press(guest, 'Make an account and join');
  await guest.getByText('Welcome to the team.').waitFor();
  await other?.close();

  await page.getByRole('link', { name: 'Webhooks' }).click();
  await page.getByLabel('Address').fill(`${demo.origin}/dev/hooks`);
  await press(page, 'Add the webhook');
  await press(page, 'Send a test');
  await titled(page, 'Webhook');
  await page.getByRole('table', { name: 'Deliveries' }).getByRole('cell', { name: 'delivered' }).first().waitFor();

  await page.getByRole('link', { name: 'Usage' }).click();
  await page.getByText(/Calls this month: \d+ of 2,000/).waitFor();
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByText('The chain of entries is whole.').waitFor();
  for (const action of ['member.added', 'api_key.issued', 'tenant.plan_changed']) {
    await page.getByText(action, { exact: true }).first().waitFor();
  }
}

inBrowser(`goes from sign-up to the audit trail, and to the super admin${skipped}`, async () => {
  const { page, context, complaints } = await open();
  await customerWay(page, context, 'Salon Ada');
  await press(page, 'Log out');

  await logIn(page, demoStaff);
  await titled(page, 'Super admin');
  await page.getByText('$198.00').first().waitFor();
  await picture(page, 'receptionist-admin.png');
  await page.getByRole('link', { name: 'Salon Ada' }).click();
  // What cannot be undone is asked for twice.
  await page.locator('summary', { hasText: 'Give back' }).click();
  await press(page, 'Give back $99.00');
  await page.getByText('The payment was given back.').waitFor();
  await page.getByLabel('Reason, which the customer reads').fill('ticket 7');
  await press(page, 'Act as this user');
  await page.getByRole('region', { name: 'Acting as a customer' }).waitFor();
  await press(page, 'Stop acting');
  await titled(page, 'Super admin');
  expect(complaints).toEqual([]);
  await context.close();
});

inBrowser(`goes the same way where JavaScript is switched off${skipped}`, async () => {
  const { page, context, complaints } = await open({ javaScriptEnabled: false });
  await customerWay(page, context, 'Salon Bea');
  expect(complaints).toEqual([]);
  await context.close();
});

inBrowser(
  `can be used by keyboard, has labels for all fields and colours that can be told apart${skipped}`,
  async () => {
    const { page, context, complaints } = await open();
    const paths = ['/signup', '/login', '/forgot', '/invitations/accept?token=x'];
    for (const path of paths) await check(page, path);
    await logIn(page, demoOwner);
    await titled(page, 'Overview');
    await picture(page, 'receptionist-overview.png');
    for (const path of own) await check(page, path);
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const path of ['/', ...own]) await check(page, path);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${demo.origin}/billing`);
    await picture(page, 'receptionist-billing.png');
    await page.goto(`${demo.origin}/webhooks`);
    await page.getByRole('table', { name: 'Webhooks' }).getByRole('link').first().click();
    await press(page, 'Send a test');
    await page.getByText('Sent. The log tells what was answered.').waitFor();
    await picture(page, 'receptionist-webhook.png');
    // The first stop of the keyboard skips the menu.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement?.id')).toBe('main');
    expect(complaints).toEqual([]);
    await context.close();
  },
);

inBrowser(`has room for very long names, in any script, on a narrow screen${skipped}`, async () => {
  const { page, context, complaints } = await open({ viewport: { width: 360, height: 640 } });
  const names = ['Donaudampfschifffahrtsgesellschaft'.repeat(5), 'مطعم لويجي 寿司 🍣 Zoë & Søn <GmbH> "Co"'];
  for (const [index, name] of names.entries()) {
    await page.goto(`${demo.origin}/signup`);
    await page.getByLabel('Name of your business').fill(name);
    await page.getByLabel('Your name').fill(name);
    await page.getByLabel('Email').fill(`${'long'.repeat(12)}${index}@${'domain'.repeat(8)}.example`);
    await page.getByLabel('Password').fill('correct horse battery');
    await press(page, 'Create the account');
    await titled(page, 'Set up: Phone number');
    await page.goto(`${demo.origin}/bots`);
    await page.getByLabel('Name of the bot').fill(name.slice(0, 100));
    await page.getByLabel('Greeting').fill(name);
    await press(page, 'Add the bot');
    await page.getByText('1 of 1 on your plan').waitFor();
    await page
      .getByRole('main')
      .getByRole('link', { name: name.slice(0, 100) })
      .click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(name.slice(0, 100));
    expect(await page.getByText(name, { exact: true }).count()).toBeGreaterThan(0);
    await fits(page);
    for (const path of index === 0 ? [...own, '/organizations'] : ['/dashboard', '/team', '/audit']) {
      await page.goto(`${demo.origin}${path}`);
      await fits(page);
    }
    await press(page, 'Log out');
  }
  await logIn(page, demoStaff);
  await titled(page, 'Super admin');
  await fits(page);
  await page
    .getByRole('main')
    .getByRole('link', { name: names[0] ?? '' })
    .click();
  await fits(page);
  await page.getByLabel('Reason, which the customer reads').fill('ticket 7');
  await press(page, 'Act as this user');
  await page.getByRole('region', { name: 'Acting as a customer' }).waitFor();
  await fits(page);
  expect(complaints).toEqual([]);
  await context.close();
});

inBrowser(`leads the keyboard through a page in the order in which it is read${skipped}`, async () => {
  const { page, context } = await open();
  await page.goto(`${demo.origin}/login`);
  const order: unknown[] = [];
  for (let stop = 0; stop < 9; stop += 1) {
    await page.keyboard.press('Tab');
    order.push(
      await page.evaluate(`(({ id, name, textContent, href }) => name || textContent.trim())(document.activeElement)`),
    );
  }
  const head = ['Skip to the content', 'Receptionist', 'Log in', 'Sign up'];
  expect(order).toEqual([...head, 'email', 'password', 'Log in', 'Forgot the password?', 'Sign up']);
  await context.close();
});

/** Nothing stands beyond the edge of the screen: what is wider scrolls in its own place. */
async function fits(page: Page): Promise<void> {
  const over = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  expect([page.url().replace(demo.origin, ''), over]).toEqual([expect.any(String), 0]);
}

/** What a page must have: a language, a title, one main heading, labels, captions, and text that can be read. */
async function check(page: Page, path: string): Promise<void> {
  await page.goto(`${demo.origin}${path}`);
  const found: unknown = await page.evaluate(`(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const name = (field) => field.labels.length > 0 && [...field.labels].every((label) => label.textContent.trim() !== '');
    const ids = all('[id]').map((element) => element.id);
    return {
      lang: document.documentElement.lang,
      titled: document.title.length > 0,
      headings: all('h1').length,
      unlabelled: all('input:not([type=hidden], [hidden]), select, textarea, meter').filter((field) => !name(field)).map((field) => field.name),
      unnamed: all('button, a').filter((one) => one.textContent.trim() === '').length,
      uncaptioned: all('table').filter((table) => table.caption === null).length,
      repeated: ids.filter((id, index) => ids.indexOf(id) !== index),
      dangling: all('[aria-describedby]').flatMap((one) => one.getAttribute('aria-describedby').split(' ')).filter((id) => !ids.includes(id)),
      scripts: all('script, [style], [onclick]').length,
    };
  })()`);
  expect({ path, ...Object(found) }).toEqual({
    path,
    lang: 'en',
    titled: true,
    headings: 1,
    unlabelled: [],
    unnamed: 0,
    uncaptioned: 0,
    repeated: [],
    dangling: [],
    scripts: 0,
  });
  const colours: unknown =
    await page.evaluate(`[...document.querySelectorAll('p, a, button, summary, label, th, td, h1, h2, dt, dd, code, .hint, .badge')]
    .filter((element) => element.textContent.trim() !== '' && element.checkVisibility())
    .map((element) => {
      let behind = element;
      while (behind.parentElement !== null && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
      return [element.tagName, getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    })`);
  if (!Array.isArray(colours)) throw new Error('no colours');
  for (const [tag, text, ground] of colours) {
    expect([path, tag, text, ground, contrastOf(text, ground) >= 4.5]).toEqual([path, tag, text, ground, true]);
  }
}
