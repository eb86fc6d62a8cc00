import { expect, it } from 'vitest';
import { createTenantContext } from './tenant-context.ts';

const a = '0199f3c2-0000-7000-8000-00000000000a';
const b = '0199f3c2-0000-7000-8000-00000000000b';
const required = expect.objectContaining({ code: 'tenant_required' });

it('knows the tenant in all that the work awaits, also beside the work of another', async () => {
  const context = createTenantContext();
  const later = async (): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return context.current();
  };
  expect(await Promise.all([context.run(a, later), context.run(b, later)])).toEqual([a, b]);
  expect(await context.run(a, async () => context.run(a.toUpperCase(), async () => context.carry()))).toEqual({
    tenantId: a,
  });
});

it('knows none outside, after the end, and after an error', async () => {
  const context = createTenantContext();
  expect(() => context.current()).toThrow(required);
  let leaked: Promise<string> | undefined;
  await context.run(a, async () => {
    leaked = new Promise((resolve) => setTimeout(resolve, 5)).then(() => context.current());
    leaked.catch(() => undefined);
  });
  await expect(leaked).rejects.toEqual(required);
  await expect(context.run(a, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(() => context.carry()).toThrow(required);
});

it('refuses another tenant within, and what is no tenant', async () => {
  const context = createTenantContext();
  const inside = context.run(a, () => context.run(b, async () => 'never'));
  await expect(inside).rejects.toMatchObject({ code: 'tenant_mismatch' });
  await expect(context.run('', async () => 'never')).rejects.toEqual(required);
  await expect(context.run('acme', async () => 'never')).rejects.toMatchObject({ code: 'tenant_not_found' });
});
