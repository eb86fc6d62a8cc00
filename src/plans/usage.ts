import { isMoment } from '../core/moment.ts';
import { isTimeZone } from '../core/zone-time.ts';
import { refuse, whole } from './check-shape.ts';
import { forecastOf } from './forecast-of.ts';
import { amountOf, found, groundOf } from './ground.ts';
import type { Plans } from './plans-interface.ts';
import { createPrune } from './prune.ts';
import { readFacts } from './store.ts';
import type { Toolbox } from './toolbox.ts';
import type { Usage } from './usage-interface.ts';
import { beginExport, endExport, readBeyond, readCounters, readSums } from './usage-store.ts';

const week = 7 * 86_400_000;
const prefixes = { tenant: '', members: 'm:', keys: 'k:' } as const;

/** Makes what reads usage. */
export function createUsage(tools: Toolbox, check: Plans['check'], lateHours: number): Usage {
  const { db, clock, catalogue, joinedOf, refresh, checkTenant, checkMeter, typed } = tools;

  return {
    async read(tenantId, query) {
      const { quota, from, to, by = 'day', of = 'tenant', zone = 'UTC' } = query;
      if (quota === undefined) checkTenant('plans.usage.read', tenantId);
      else checkMeter('plans.usage.read', tenantId, quota, 'quota');
      for (const [path, time] of Object.entries({ from, to })) {
        if (!isMoment(time)) refuse(path, 'must be a date');
      }
      if (!['hour', 'day', 'total'].includes(by)) refuse('by', "must be 'hour', 'day' or 'total'");
      if (!Object.hasOwn(prefixes, of)) refuse('of', "must be 'tenant', 'members' or 'keys'");
      if (!isTimeZone(zone)) refuse('zone', 'is no time zone that the platform knows');
      const handle = joinedOf(query) ?? db;
      const sums = { meter: quota ?? null, from, to, by, prefix: prefixes[of], zone };
      const rows = await typed('plans.usage.read', async () => {
        const read = await readSums(handle, tenantId, sums);
        if (read.length === 0) found(await readFacts(handle, tenantId), tenantId);
        return read;
      });
      return rows.map(({ meter, at, units, subject }) => ({
        quota: meter,
        at,
        units: Number(units),
        subjectId: of === 'tenant' ? null : subject,
      }));
    },

    async periods(tenantId, options = {}) {
      const { meter, limit = 100, before } = options;
      if (meter === undefined) checkTenant('plans.usage.periods', tenantId);
      else checkMeter('plans.usage.periods', tenantId, meter);
      whole('limit', limit, 1, 1000);
      if (before !== undefined && !isMoment(before)) refuse('before', 'must be a date');
      const handle = joinedOf(options) ?? db;
      const rows = await typed('plans.usage.periods', async () => {
        const read = await readCounters(handle, tenantId, { meter: meter ?? null, limit, before: before ?? null });
        if (read.length === 0) found(await readFacts(handle, tenantId), tenantId);
        return read;
      });
      return rows.map((row) => ({
        meter: row.meter,
        per: row.per,
        start: row.period_start,
        used: Number(row.used),
        updatedAt: row.updated_at,
      }));
    },

    async forecast(tenantId, quota, options = {}) {
      checkMeter('plans.usage.forecast', tenantId, quota, 'quota');
      const now = clock();
      const joined = joinedOf(options);
      return typed('plans.usage.forecast', async () => {
        const state = await check(tenantId, quota, options);
        const facts = await refresh(tenantId, joined);
        const { start } = groundOf({ catalogue, tenantId, meter: quota, now }, facts).key;
        if (!tools.history) {
          // What is given once is counted from the beginning of time; the tenant is not as old.
          const since = new Date(Math.max(start.getTime(), facts.anchorAt.getTime()));
          return forecastOf({ state, units: state.used, since, now });
        }
        const since = new Date(Math.max(start.getTime(), now.getTime() - week));
        // Units are written down by the hour: the one in which the period began counts with it.
        const from = since > start ? since : new Date(since.getTime() - (since.getTime() % 3_600_000));
        const sums = { meter: quota, from, to: new Date(now.getTime() + 1), by: 'total' } as const;
        const [row] = await readSums(joined ?? db, tenantId, { ...sums, prefix: '', zone: 'UTC' });
        return forecastOf({ state, units: Number(row?.units ?? 0), since, now });
      });
    },

    async export(tenantId, send, { at = clock() } = {}) {
      checkTenant('plans.usage.export', tenantId);
      // What `send` throws is the caller's, and stays as it is.
      const ask = <Answer>(work: () => Promise<Answer>) => typed('plans.usage.export', work);
      const facts = await ask(() => refresh(tenantId));
      let told = 0;
      for (const [meter, kind] of Object.entries(catalogue.meters)) {
        if (kind !== 'quota') continue;
        const { entitlement, key } = groundOf({ catalogue, tenantId, meter, now: at }, facts);
        if (entitlement.overage !== 'bill') continue;
        const beyond = await ask(() => readBeyond(db, key, amountOf(entitlement)));
        // What is being told is told first, then what came since.
        for (let round = 0; round < 2; round += 1) {
          const noted = await ask(() => beginExport(db, key, beyond));
          if (noted === undefined || noted.exporting === null) break;
          const { exported, exporting } = noted;
          const id = `${tenantId} ${meter} ${key.per} ${key.start.toISOString()} ${exported}-${exporting}`;
          await send({ id, tenantId, quota: meter, periodStart: key.start, units: exporting - exported });
          await ask(() => endExport(db, key, exporting));
          told += exporting - exported;
        }
      }
      return told;
    },

    prune: createPrune(tools, lateHours),
  };
}
