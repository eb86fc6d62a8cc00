import { cleanText, isUuid, TenantryError } from '../core/index.ts';
import { isMoment } from '../core/moment.ts';
import { storableJson } from '../core/storable-json.ts';
import { type AnyDatabase, inTransaction } from '../database/index.ts';
import { checkAmount } from './amount.ts';
import { refuse, whole } from './check-shape.ts';
import { closeGrant, type GrantRow, insertGrant, listGrants, type NewGrant } from './grant-store.ts';
import type { Grant, GrantInput, Grants } from './grants-interface.ts';
import { found } from './ground.ts';
import { readFacts } from './store.ts';
import type { Toolbox } from './toolbox.ts';

const day = 86_400_000;
const mostMetadata = 16_384;

/** Makes what grants units outside the plan. */
export function createGrants(tools: Toolbox): Grants {
  const { db, clock, ids, events, joinedOf, checkMeter, checkTenant, typed } = tools;

  async function store(grant: NewGrant, tx: AnyDatabase): Promise<Grant> {
    // Who comes second with an idempotency key sees the first one's grant in the next statement.
    const stored = (await insertGrant(tx, grant)) ?? (await insertGrant(tx, grant));
    const { row, fresh } = found(stored, grant.tenantId);
    if (fresh) {
      const { tenantId, id: grantId, meter, amount, spare, expiresAt } = grant;
      const data = { grantId, meter, amount, spare, expiresAt };
      await events?.({ id: ids(), name: 'grant.added', tenantId, occurredAt: grant.now, data }, tx);
    } else checkSame(grant, grantOf(row));
    return grantOf(row);
  }

  return {
    async add(tenantId, quota, input) {
      checkMeter('plans.grants.add', tenantId, quota, 'quota');
      const now = clock();
      const grant = readGrant(input, now);
      const joined = joinedOf(input);
      const made = { ...grant, id: ids(), spareId: ids(), tenantId, meter: quota, now };
      return typed('plans.grants.add', async () => {
        const result = await inTransaction(db, joined, (tx) => store(made, tx));
        await tools.follow(tenantId, joined);
        return result;
      });
    },

    async list(tenantId, quota, options = {}) {
      checkMeter('plans.grants.list', tenantId, quota, 'quota');
      const handle = joinedOf(options) ?? db;
      const { all = false } = options;
      return typed('plans.grants.list', async () => {
        await tools.expire(handle, tenantId, quota, clock());
        const rows = await listGrants(handle, tenantId, quota, { now: clock(), all });
        if (rows.length === 0) found(await readFacts(handle, tenantId), tenantId);
        return rows.map(grantOf);
      });
    },

    async revoke(tenantId, grantId, options = {}) {
      checkTenant('plans.grants.revoke', tenantId);
      if (!isUuid(grantId)) return null;
      const close = async (tx: AnyDatabase): Promise<number | null> => {
        // What was held until now comes back first, and is taken away with the rest.
        await tools.expire(tx, tenantId, null, clock());
        const closed = await closeGrant(tx, tenantId, grantId, clock());
        if (closed === undefined) return null;
        const { meter, left, open } = closed;
        if (!open) return left;
        const data = { grantId, meter, left };
        await events?.({ id: ids(), name: 'grant.revoked', tenantId, occurredAt: clock(), data }, tx);
        return left;
      };
      return typed('plans.grants.revoke', () => inTransaction(db, joinedOf(options), close));
    },
  };
}

/** Units that were granted under a key are not others that are sent under it by mistake. */
function checkSame({ meter, amount }: NewGrant, stored: Grant): void {
  if (stored.quota !== meter) {
    const problem = `was used for a grant of "${stored.quota}"`;
    throw new TenantryError('name_invalid', { field: 'idempotencyKey', problem });
  }
  if (stored.amount !== amount) {
    const problem = `differs from the ${stored.amount} that were granted under the same idempotency key`;
    throw new TenantryError('amount_invalid', { amount: String(amount), problem });
  }
}

function readGrant(input: GrantInput, now: Date): Omit<NewGrant, 'id' | 'spareId' | 'tenantId' | 'meter' | 'now'> {
  const { amount, spare = 0, priority = 0, startsAt = now, validDays, rollover, metadata = {} } = input;
  checkAmount(amount);
  if (spare !== 0) checkAmount(spare);
  whole('priority', priority, -1_000_000, 1_000_000);
  checkDate('startsAt', startsAt);
  if (input.expiresAt !== undefined) checkDate('expiresAt', input.expiresAt);
  if (validDays !== undefined) {
    whole('validDays', validDays, 1, 100_000);
    if (input.expiresAt !== undefined) refuse('validDays', 'stands beside expiresAt; say one of them');
  }
  const expiresAt = validDays === undefined ? input.expiresAt : new Date(startsAt.getTime() + validDays * day);
  if (expiresAt !== undefined && expiresAt <= startsAt) refuse('expiresAt', 'must be later than the start');
  return {
    amount,
    spare,
    priority,
    startsAt,
    expiresAt: expiresAt ?? null,
    rollover: rollover === undefined ? null : readRollover(rollover),
    idempotencyKey: input.idempotencyKey === undefined ? null : cleanText('idempotencyKey', input.idempotencyKey, 200),
    metadata: storableJson(metadata, mostMetadata, (problem) => refuse('metadata', problem)),
  };
}

function readRollover({ min = 0, max }: NonNullable<GrantInput['rollover']>): { min: number; max: number } {
  whole('rollover.max', max, 0, Number.MAX_SAFE_INTEGER);
  whole('rollover.min', min, 0, max);
  return { min, max };
}

function checkDate(path: string, value: unknown): void {
  if (!isMoment(value)) refuse(path, 'must be a date');
}

function grantOf(row: GrantRow): Grant {
  return {
    id: row.id,
    quota: row.meter,
    amount: Number(row.amount),
    left: Number(row.balance),
    held: Number(row.held),
    priority: row.priority,
    startsAt: row.starts_at,
    expiresAt: row.expires_at,
    packId: row.pack,
    metadata: row.metadata,
    createdAt: row.created_at,
  };
}
