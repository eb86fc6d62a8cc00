import { randomBytes } from 'node:crypto';
import { resolveTxt as systemResolveTxt } from 'node:dns/promises';
import { cursorOf, readCursor } from '../core/cursor.ts';
import { readEmail, readHost } from '../core/email.ts';
import { type Actor, opaqueId, TenantryError } from '../core/index.ts';
import { pageOf, readLimit } from '../core/page.ts';
import type { AnyDatabase } from '../database/index.ts';
import { type ActOptions, everything, readActor, requirePermission, requireRole } from './authority.ts';
import { behindLock } from './decide.ts';
import {
  deleteDomain,
  disproveDomain,
  findDomain,
  findProvenDomain,
  listDomains,
  proveDomain,
  putDomain,
} from './domain-store.ts';
import type { Domain, DomainRef, Domains, ResolveTxt } from './domains-interface.ts';
import { named, readTenantId, readText } from './input.ts';
import { acceptedMember } from './member-outcome.ts';
import { insertMember } from './member-store.ts';
import { publicMailDomains } from './public-mail-domains.ts';
import { hasOrganization } from './team-store.ts';
import type { Toolbox } from './toolbox.ts';

/** What may be done to domains takes this permission. */
const managesDomains = 'domains:manage';

/** Answers of the DNS that say that there is no such record. */
const absent: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

/** Makes the domains of `createOrganizations`. */
export function createDomains(toolbox: Toolbox): Domains {
  const { db, clock, ids, roles, seatRule, changing, publish, publishSeats, authorityOf } = toolbox;

  /** Runs a change behind the lock of the organization. */
  async function change<Result>(
    tenantId: string,
    options: ActOptions | undefined,
    role: string | null,
    work: (tx: AnyDatabase, by: Actor | undefined) => Promise<Result>,
  ): Promise<Result> {
    const by = readActor(options?.by);
    return changing(
      options,
      (tx) =>
        behindLock(tx, tenantId, async () => {
          const authority = await authorityOf(tx, tenantId, by);
          if (!(await hasOrganization(tx, tenantId))) {
            throw new TenantryError('organization_not_found', { organization: tenantId });
          }
          requirePermission(authority, managesDomains);
          if (role !== null) requireRole(roles, authority, role);
          return work(tx, by);
        }),
      true,
    );
  }

  async function found(tx: AnyDatabase, tenantId: string, domain: string): Promise<Domain> {
    const claim = await findDomain(tx, tenantId, domain);
    if (claim === null) throw new TenantryError('domain_not_found', { domain });
    return claim;
  }

  return {
    async add({ tenantId, domain, mode = 'request', role = 'member' }, options) {
      roles.check(role);
      const wanted = { tenantId: readTenantId(tenantId), domain: readDomain(domain), mode, role };
      if (role === 'owner') throw invalid(wanted.domain, 'may not let anybody in as an owner');
      if (mode !== 'join' && mode !== 'request') throw invalid(wanted.domain, 'has the mode "join" or "request"');
      return change(tenantId, options, role, async (tx, by) => {
        const challenge = randomBytes(24).toString('base64url');
        const claim = await putDomain(tx, { ...wanted, challenge, addedBy: by?.userId ?? null, now: clock() });
        const data = { domain: wanted.domain, mode, role };
        await publish({ name: 'domain.added', tenantId, data }, tx, by);
        return claim;
      });
    },

    async verify(ref, { resolveTxt = systemResolveTxt, ...options } = {}) {
      const { tenantId, domain } = readRef(ref);
      // The DNS is asked before anything is locked.
      const claim = await change(tenantId, options, null, (tx) => found(tx, tenantId, domain));
      const answer = await ask(resolveTxt, claim.record);
      if (answer === 'dns_failed') return { verified: false, reason: answer, domain: claim };
      return change(tenantId, options, null, async (tx, by) => {
        const before = await found(tx, tenantId, domain);
        const now = clock();
        if (answer === 'record_missing') {
          await disproveDomain(tx, tenantId, domain, now);
          if (before.verifiedAt !== null)
            await publish({ name: 'domain.unverified', tenantId, data: { domain } }, tx, by);
          return { verified: false, reason: answer, domain: { ...before, verifiedAt: null } };
        }
        if (!(await proveDomain(tx, tenantId, domain, now))) throw new TenantryError('domain_taken', { domain });
        if (before.verifiedAt === null) await publish({ name: 'domain.verified', tenantId, data: { domain } }, tx, by);
        return { verified: true, reason: null, domain: { ...before, verifiedAt: now } };
      });
    },

    async remove(ref, options) {
      const { tenantId, domain } = readRef(ref);
      await change(tenantId, options, null, async (tx, by) => {
        await found(tx, tenantId, domain);
        await deleteDomain(tx, tenantId, domain);
        await publish({ name: 'domain.removed', tenantId, data: { domain } }, tx, by);
      });
    },

    async list({ tenantId, ...page }, options) {
      const limit = readLimit(page.limit);
      const after = readCursor(page.cursor, 1)?.[0] ?? null;
      const claims = await listDomains(options?.db ?? db, readTenantId(tenantId), { after, limit: limit + 1 });
      return pageOf(claims, limit, ({ domain }) => cursorOf([domain]));
    },

    async join({ userId, verifiedEmail, name }, options) {
      const email = readEmail('verifiedEmail', verifiedEmail);
      const user = { userId: opaqueId('userId', userId), email: email.given, name: readText('name', name, 200) };
      return changing(options, async (tx) => {
        const claim = await findProvenDomain(tx, email.domain);
        if (claim === null) return null;
        const { tenantId, role } = claim;
        const status = claim.mode === 'join' ? ('active' as const) : ('requested' as const);
        const row = { ...user, tenantId, id: ids(), role, status, comeback: 'requested' as const, now: clock() };
        const outcome = await insertMember(tx, seatRule, async () => everything, row);
        const member = acceptedMember(outcome, tenantId, userId);
        const created = outcome?.verdict === 'changed';
        if (outcome !== null && created) {
          const by = { userId };
          const given = member.status === 'requested' ? 'requested' : 'active';
          const returned = outcome.before?.status === 'removed';
          const data = { memberId: member.id, userId, role, status: given, returned } as const;
          await publish({ name: 'member.added', tenantId, data }, tx, by);
          await publishSeats(tenantId, outcome, tx, by);
        }
        return { member, created };
      });
    },
  };
}

async function ask(
  resolveTxt: ResolveTxt,
  { name, value }: Domain['record'],
): Promise<'found' | 'record_missing' | 'dns_failed'> {
  try {
    const records = await resolveTxt(name);
    return records.some((pieces) => pieces.join('') === value) ? 'found' : 'record_missing';
  } catch (error) {
    const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    return absent.has(code) ? 'record_missing' : 'dns_failed';
  }
}

function readRef({ tenantId, domain }: DomainRef): DomainRef {
  const host = typeof domain === 'string' && domain.length <= 253 ? readHost(domain.trim()) : null;
  if (host === null) throw new TenantryError('domain_not_found', { domain: named(domain) });
  return { tenantId: readTenantId(tenantId), domain: host };
}

function readDomain(domain: unknown): string {
  const host = typeof domain === 'string' && domain.length <= 253 ? readHost(domain.trim()) : null;
  if (host === null) throw invalid(named(domain), 'is no domain');
  if (publicMailDomains.has(host)) throw invalid(host, 'gives a mailbox to anybody');
  return host;
}

function invalid(domain: string, problem: string): TenantryError {
  return new TenantryError('domain_invalid', { domain, problem });
}
