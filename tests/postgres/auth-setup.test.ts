import { createAuth } from 'tenantry/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthWorld, audience, authWorld, issuer } from '../support/auth-world.ts';

let world: AuthWorld;
beforeAll(async () => {
  world = await authWorld();
});
afterAll(() => world.database.destroy());

describe('the set-up of a tenant', () => {
  it('goes on where it was left, in its order, and keeps what was entered', async () => {
    const { auth, audit } = world;
    const { tenantId, userId } = await world.signedUp();
    const by = { userId };
    expect(await auth.setup.of(tenantId)).toMatchObject({ next: 'phone', complete: false });
    const early = auth.setup.complete({ tenantId, step: 'business', data: { type: 'restaurant' } });
    await expect(early).rejects.toMatchObject({ code: 'name_invalid', details: { problem: 'comes after phone' } });
    await auth.setup.save({ tenantId, step: 'phone', data: { number: '+1' } }, { by });
    await auth.setup.save({ tenantId, step: 'phone', data: { number: '+1 555 0100' } }, { by });
    const state = await auth.setup.complete({ tenantId, step: 'phone' }, { by });
    expect(state.steps[0]).toMatchObject({ name: 'phone', status: 'done', data: { number: '+1 555 0100' } });
    expect(state.next).toBe('business');
    await auth.setup.complete({ tenantId, step: 'business', data: { type: 'restaurant' } }, { by });
    expect(await auth.setup.complete({ tenantId, step: 'business' }, { by })).toMatchObject({
      next: 'greeting',
      complete: true,
    });
    await expect(auth.setup.skip({ tenantId, step: 'phone' })).rejects.toMatchObject({ code: 'name_invalid' });
    expect(await auth.setup.skip({ tenantId, step: 'greeting' }, { by })).toMatchObject({ next: null, complete: true });
    const { items } = await audit.list({ tenantId, actions: ['setup.step_changed'], order: 'oldest' });
    expect(items.map(({ changes, actor }) => [changes.status, actor.id])).toEqual([
      [{ old: 'open', new: 'done' }, userId],
      [{ old: 'open', new: 'done' }, userId],
      [{ old: 'open', new: 'skipped' }, userId],
    ]);
  });

  it("is the tenant's own, and exported with it", async () => {
    const { auth, tenancy } = world;
    const [one, two] = [await world.signedUp(), await world.signedUp()];
    await auth.setup.save({ tenantId: one.tenantId, step: 'phone', data: { number: '+1' } });
    expect((await auth.setup.of(two.tenantId)).steps[0]).toMatchObject({ status: 'open', data: {} });
    await expect(auth.setup.of('nothing')).rejects.toMatchObject({ code: 'tenant_not_found' });
    const stray = auth.setup.save({ tenantId: crypto.randomUUID(), step: 'phone', data: {} });
    await expect(stray).rejects.toMatchObject({ code: 'tenant_not_found' });
    let text = '';
    for await (const line of tenancy.exportTenant(one.tenantId)) text += line;
    expect(text).toContain('setup_steps');
    expect(text).not.toContain('user_passwords');
  });

  it('refuses steps that come after what does not stand before them', async () => {
    const { database, key } = world;
    const setup = { one: { after: ['two'] }, two: {} };
    expect(() => createAuth({ db: database.app, issuer, audience, keys: [key], setup })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });
});
