import express, { type Express } from 'express';
import { createExpressAdapter } from './adapter.ts';
import { billOf } from './bill.ts';
import type { HotCross } from './hotcross.ts';

/** The HTTP service. Each developer comes with a key of their own; whatever they ask for is kept to their organization. */
export function createService(hotcross: HotCross): Express {
  const tenant = createExpressAdapter(hotcross);
  const { guard, handler } = tenant;
  /** Lets in and counts a call: the key's four checks are behind it. */
  const metered = guard({ consume: 'calls', accepts: ['application/json'] });

  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '100kb' }));

  app.get('/health', (_request, response) => void response.json({ ok: true }));

  app.get(
    '/v1/me',
    guard(),
    handler(({ access }, response) => {
      const { tenant: organization, member, userId, plan, key } = access;
      response.json({ organizationId: organization.id, developerId: member?.id, userId, plan, key: key?.start });
    }),
  );

  app.get(
    '/v1/notes',
    metered,
    handler(async ({ access }, response) => {
      const notes = access.db.selectFrom('notes').select(['id', 'author', 'text']).orderBy('created_at', 'desc');
      response.json({ notes: await notes.limit(100).execute() });
    }),
  );

  app.post(
    '/v1/notes',
    metered,
    handler(async ({ access, body }, response) => {
      const text: unknown = body?.text;
      if (typeof text !== 'string' || text === '' || text.length > 2000) {
        // `expose` says that the message is meant for the caller.
        throw Object.assign(new Error('text must have 1 to 2000 characters'), { status: 422, expose: true });
      }
      const note = { id: crypto.randomUUID(), author: access.userId ?? 'organization', text };
      // The tenant is not said here: `access.db` writes it, and refuses whoever says another.
      response.status(201).json(await access.db.insertInto('notes').values(note).returning(['id', 'text']).execute());
    }),
  );

  app.get(
    '/v1/usage',
    guard(),
    handler(async ({ access }, response) => {
      const { used, limit, remaining, resetsAt } = await access.check('calls');
      response.json({ calls: { used, limit, remaining, resetsAt } });
    }),
  );

  app.get(
    '/v1/bill',
    guard(),
    handler(async ({ access }, response) => void response.json(await billOf(hotcross, access.tenant.id, access.plan))),
  );

  app.use(...tenant.problems());
  return app;
}
