import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoOwner, demoPassword, demoStaff } from '../../examples/fastify/app/seed.ts';
import type { Demo } from '../../examples/fastify/app/start-demo.ts';
import { callPort } from '../support/http-client.ts';
import { startReceptionist, type Visitor, visitorOf } from '../support/receptionist.ts';

let demo: Demo;

beforeAll(async () => {
  demo = await startReceptionist();
});
afterAll(() => demo.stop());

async function logIn(email: string, password = demoPassword): Promise<Visitor> {
  const visitor = visitorOf(demo);
  await visitor.get('/login');
  expect((await visitor.submit('/login', { email, password })).status).toBe(200);
  return visitor;
}

async function signUp(organization: string, email: string): Promise<Visitor> {
  const visitor = visitorOf(demo);
  await visitor.get('/signup');
  const page = await visitor.submit('/signup', { organization, name: 'Ada', email, password: 'correct horse battery' });
  expect(page.text).toContain('Set up: Phone number');
  return visitor;
}

const bot = { name: 'Front desk', business: 'shop', greeting: 'Hello', voice: 'calm' };

/** The first id in a page behind a path. */
function idIn(text: string, path: string): string {
  return new RegExp(`${path}/([0-9a-f-]{36})`).exec(text)?.[1] ?? '';
}

it('shows the demo customer every page, and whoever is not logged in none', async () => {
  const luigi = await logIn(demoOwner);
  const pages = ['/dashboard', '/bots', '/calls', '/team', '/keys', '/webhooks', '/usage', '/billing', '/audit'];
  for (const path of [...pages, '/setup', '/organizations', '/', '/dev/mail', '/dev/hooks']) {
    const { status, text, headers } = await luigi.get(path);
    expect([path, status]).toEqual([path, 200]);
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).not.toMatch(/<script|style="|javascript:|undefined|\[object/);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  }
  for (const path of pages) {
    const { text } = await visitorOf(demo).get(path);
    expect(text).toContain('<h1>Log in</h1>');
  }
  expect((await luigi.get('/nothing-here')).status).toBe(404);
});
