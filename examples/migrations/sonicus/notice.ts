import { type Kysely, sql } from 'kysely';
import type { SonicusDatabase } from './legacy-schema.ts';

/** An organization that has to be told what becomes of it. */
export interface AffectedOrganization {
  readonly organization: string;
  readonly name: string;
  /** The address on file; NULL where there is none and nobody is left. */
  readonly contact: string | null;
  readonly users: number;
  readonly admins: number;
  readonly plan: string | null;
  readonly subscription: string;
  /** The day the paid period ends, as `2026-01-31`. */
  readonly paid_until: string | null;
  readonly monthly_cents: number;
  readonly packages: number;
  readonly endpoints: number;
}

/**
 * Lists the organizations to be told, those that pay first: whom to write to, how many users they have, and what they
 * pay for until when. It reads the legacy tables, so run it before the contract stage.
 */
export async function organizationsToTell(db: Kysely<SonicusDatabase>): Promise<AffectedOrganization[]> {
  const { rows } = await sql<AffectedOrganization>`
    select o.id::text as organization, coalesce(nullif(btrim(regexp_replace(o.name, '[[:cntrl:]]', '', 'g')), ''), o.display_name, o.id::text) as name,
      coalesce(nullif(btrim(lower(o.contact_email)), ''), (select lower(btrim(u.email)) from users u where u.organization_id = o.id
        order by (lower(btrim(u.role)) in ('org_admin', 'owner')) is not true, u.is_active desc, u.id limit 1)) as contact,
      (select count(*)::integer from users u where u.organization_id = o.id) as users,
      (select count(*)::integer from users u where u.organization_id = o.id and lower(btrim(u.role)) in ('org_admin', 'owner')) as admins,
      s.plan, coalesce(s.status, 'none') as subscription, to_char(s.current_period_end at time zone 'UTC', 'YYYY-MM-DD') as paid_until,
      coalesce(case when s.billing_cycle = 'yearly' then s.amount_cents / 12 else s.amount_cents end, 0) as monthly_cents,
      (select count(distinct a.package_id)::integer from organization_sound_packages a where a.organization_id = o.id and a.is_active) as packages,
      (select count(*)::integer from webhook_endpoints w where w.organization_id = o.id and w.is_active) as endpoints
    from organizations o left join lateral (
      select x.plan, x.current_period_end, x.amount_cents, x.billing_cycle, lower(btrim(x.status)) as status
      from subscriptions x where x.organization_id = o.id and lower(btrim(x.status)) in ('active', 'trialing', 'past_due')
      order by x.current_period_end desc nulls last, x.id desc limit 1
    ) as s on true
    order by s.status is null, users desc, o.id`.execute(db);
  return rows;
}

/**
 * Writes rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula is made harmless with an apostrophe:
 * organizations chose their names themselves.
 */
export function toCsv(rows: readonly object[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const lines = [Object.keys(first), ...rows.map((row) => Object.values(row))];
  return lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  const harmless = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
