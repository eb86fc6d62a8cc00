import { sql } from 'kysely';
import { migrationStatus } from 'tenantry/migrate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conversionOf } from '../support/conversion.ts';
import { makePartsLegacy, type PartsLegacy, partsMigration, partsTables } from '../support/parts-legacy.ts';
import { rowChanges, rowHashes } from '../support/row-hashes.ts';
import { switchWorld } from '../support/switch-world.ts';
import { tableChecksums } from '../support/table-checksums.ts';

const noPlace = 'made in the new shape; the old one has no place for it';

describe('companies with users, keys and subscriptions of their own, switched, on the way back', () => {
  let w: Awaited<ReturnType<typeof switchWorld<PartsLegacy>>>;
  let tenantId: string;
  let objects: unknown[];

  beforeEach(async () => {
    w = await switchWorld<PartsLegacy>(makePartsLegacy, partsMigration);
    objects = await w.objects();
    await w.to('switch');
    tenantId = await tenantOf(1);
  });
  afterEach(() => w.conversion.destroy());

  const tenantOf = async (company: number): Promise<string> =>
    (await sql<{ id: string }>`select tenant_id as id from companies where id = ${company}`.execute(w.owner)).rows[0]
      ?.id ?? '';
  const keyOf = async (label: string) => {
    const { rows } = await sql<{
      id: string;
      tenant: string;
    }>`select id, tenant_id as tenant from tenantry.api_keys where name = ${label}`.execute(w.owner);
    return { tenantId: rows[0]?.tenant ?? '', keyId: rows[0]?.id ?? '' };
  };

  it('is a stage of its own, verified, and goes back to the same rows', async () => {
    expect(await migrationStatus(w.owner, partsMigration.name)).toMatchObject({ stage: 'switch' });
    expect(await w.failed()).toEqual([]);
    await w.back();
    const after = await tableChecksums(w.owner, partsTables);
    const untouched = await conversionOf<PartsLegacy>(makePartsLegacy);
    expect(after).toEqual(await tableChecksums(untouched.database.owner, partsTables));
    await untouched.destroy();
    expect(await w.objects()).toEqual(objects);
  });

  it('an organization that the table cannot hold is kept with its people, keys and rows', async () => {
    const made = await w.organization('Only new', '90002');
    await w.apiKeys.issue({ tenantId: made.tenantId, memberId: made.memberId, name: 'homeless' });
    await w.fresh(
      sql`insert into permissions (id, tenant_id, user_id, permission) values (9001, ${made.tenantId}, 90002, 'a:read')`,
    );
    expect(await w.failed()).toEqual([]);
    const { kept } = await w.back();
    expect(kept).toEqual({
      permissions: 1,
      'tenantry.api_keys': 1,
      'tenantry.members': 1,
      'tenantry.organizations': 1,
      'tenantry.tenant_lookups': 1,
      'tenantry.tenants': 1,
    });
  });

  it('waits for no writer of the old application: what found its row locked is written when the row is free', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let locked = (): void => undefined;
    const lockedRow = new Promise<void>((resolve) => {
      locked = resolve;
    });
    const holder = w.conversion.old.transaction().execute(async (tx) => {
      await sql`update users set is_approved = is_approved where id = 4`.execute(tx);
      locked();
      await held;
    });
    await lockedRow;
    await w.fresh(sql`update tenantry.members set name = 'Waited' where tenant_id = ${tenantId} and user_id = '4'`);
    expect(await w.number(`select count(*) from tenantry.migration_changes where pending <> '{}'`)).toBe(1);
    expect(await w.failed()).toEqual([]);
    release();
    await holder;
    // Whoever passes by takes it along; else the way back does.
    await w.old(sql`update users set is_approved = true where id = 4`);
    expect(await w.read(sql`select full_name from users where id = 4`)).toEqual([{ full_name: 'Waited' }]);
    expect(await w.number(`select count(*) from tenantry.migration_changes where pending <> '{}'`)).toBe(0);
    expect((await w.back()).kept).toEqual({});
  });

  it('is begun again after a rollback, undisturbed by what that one kept', async () => {
    await w.member(tenantId, 'nowhere');
    expect((await w.back()).kept).toEqual({ 'tenantry.members': 1 });
    const before = await rowHashes(w.owner, partsTables);
    await w.to('switch');
    expect(await w.failed()).toEqual([]);
    expect(await w.read(sql`select table_name, rollback from tenantry.migration_kept`)).toEqual([
      { table_name: 'tenantry.members', rollback: 1 },
    ]);
    tenantId = await tenantOf(1);
    await w.member(tenantId, 'nowhere either');
    expect((await w.back()).kept).toEqual({ 'tenantry.members': 1 });
    expect(await w.kept('tenantry.members', 'user_id')).toEqual([{ name: 'nowhere either', reason: noPlace }]);
    expect(rowChanges(before, await rowHashes(w.owner, partsTables, before))).toEqual({});
  });

  it('goes back from contract too: what was written after it is carried back, or kept', async () => {
    await w.fresh(sql`update tenantry.members set name = 'Before' where tenant_id = ${tenantId} and user_id = '4'`);
    await w.to('contract');
    const there = (await w.objects()).map((row) => JSON.stringify(row));
    expect(there.filter((name) => /back_|fill|carry|settle|first|mark|drain/.test(name))).toEqual([]);
    await w.fresh(
      sql`update tenantry.members set email = 'after@new.org', role = 'admin' where tenant_id = ${tenantId} and user_id = '4'`,
    );
    await w.member(tenantId, '90001');
    await w.member(tenantId, 'opaque');
    await w.apiKeys.revoke(await keyOf('Token 1'));
    await w.fresh(sql`delete from tenantry.api_keys where name = 'Token 2'`);
    await w.fresh(sql`update tenantry.tenants set name = 'Later Ltd' where tenant_id = ${tenantId}`);
    await w.fresh(
      sql`insert into permissions (id, tenant_id, user_id, permission) values (9001, ${tenantId}, 4, 'new:read')`,
    );
    const made = await w.organization('After', '90003');
    await w.fresh(
      sql`insert into permissions (id, tenant_id, user_id, permission) values (9002, ${made.tenantId}, 90003, 'new:read')`,
    );
    const { kept } = await w.back();
    expect(await w.read(sql`select full_name, email, role from users where id = 4`)).toEqual([
      { full_name: 'Before', email: 'after@new.org', role: 'admin' },
    ]);
    expect(await w.read(sql`select company_id from users where id = 90001`)).toEqual([{ company_id: 1 }]);
    expect(
      await w.read(
        sql`select label, revoked_at is not null as revoked from api_tokens where label in ('Token 1', 'Token 2') order by 1`,
      ),
    ).toEqual([
      { label: 'Token 1', revoked: true },
      { label: 'Token 2', revoked: true },
    ]);
    expect(await w.read(sql`select name from companies where id = 1`)).toEqual([{ name: 'Later Ltd' }]);
    expect(await w.read(sql`select company_id from permissions where id = 9001`)).toEqual([{ company_id: 1 }]);
    expect(kept).toEqual({
      permissions: 1,
      'tenantry.api_keys': 1,
      'tenantry.members': 2,
      'tenantry.organizations': 1,
      'tenantry.tenant_lookups': 1,
      'tenantry.tenants': 1,
    });
  });
});
