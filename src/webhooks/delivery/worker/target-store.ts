import type { AnyDatabase } from '../../../database/handle.ts';
import { run } from '../../../database/run.ts';
import type { EndpointRef } from '../toolbox.ts';

/** An endpoint as an attempt needs it. */
export interface TargetEndpoint {
  readonly tenantId: string;
  readonly endpointId: string;
  readonly url: string;
  readonly version: string | null;
  /** Own headers, sealed. */
  readonly headers: string | null;
  /** The secrets that sign, sealed, the newest first. */
  readonly secrets: readonly { readonly id: string; readonly sealed: string }[];
}

const targetsText = `
  select e.tenant_id as "tenantId", e.id as "endpointId", e.url, e.version, e.headers, (
    select coalesce(json_agg(json_build_object('id', s.id, 'sealed', s.secret) order by s.id desc), '[]'::json)
    from tenantry.webhook_endpoint_secrets s
    where s.tenant_id = e.tenant_id and s.endpoint_id = e.id
      and (s.expires_at is null or s.expires_at > $3::timestamptz)) as secrets
  from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, endpoint_id)
  join tenantry.webhook_endpoints e on e.tenant_id = w.tenant_id and e.id = w.endpoint_id
  where e.status <> 'removed'`;

/** Reads the endpoints of attempts, by their ids. */
export async function readTargets(
  db: AnyDatabase,
  wanted: readonly EndpointRef[],
  now: Date,
): Promise<ReadonlyMap<string, TargetEndpoint>> {
  const unique = new Map(wanted.map((one) => [one.endpointId, one.tenantId]));
  const rows = await run<TargetEndpoint>(db, targetsText, [[...unique.values()], [...unique.keys()], now]);
  return new Map(rows.map((row) => [row.endpointId, row]));
}
