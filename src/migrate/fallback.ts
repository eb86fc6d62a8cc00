import { slugsFrom } from '../core/slug.ts';
import { quoteLiteral } from '../database/isolation-sql.ts';
import { fallbackTenantId, type Model } from './model.ts';
import { beginningSql } from './parts/part.ts';
import type { Step } from './plan.ts';
import { organizations } from './populate.ts';

/**
 * Makes the tenant of `tenants.fallback` before the first row can lead there. It is taken back with all other tenants of
 * the migration, and what was written to it is kept as theirs is.
 */
export function fallbackSteps(model: Model): Step[] {
  const { fallback } = model.definition.tenants;
  if (fallback === undefined) return [];
  const id = fallbackTenantId(model);
  const { to } = model.definition;
  const now = beginningSql(model);
  const [base = 'organization'] = slugsFrom(fallback.name, id.slice(0, 8));
  const slug = quoteLiteral(fallback.slug ?? base);
  const tenant = `${quoteLiteral(id)}::uuid`;
  return [
    {
      id: 'expand:fallback',
      stage: 'expand',
      table: null,
      kind: 'transaction',
      sql: [
        `insert into tenantry.tenants (tenant_id, kind, name, plan, anchor_at, created_at, updated_at)
  values (${tenant}, ${quoteLiteral(to.tenantKind)}, ${quoteLiteral(fallback.name.trim())}, ${quoteLiteral(fallback.plan ?? to.plan)}, ${now}, ${now}, ${now})
  on conflict (tenant_id) do nothing`,
        // Not among the rows of the map, since no source row stands for it.
        `insert into tenantry.migration_parts (migration, part, row_key, tenant_id, made)
  values (${quoteLiteral(model.name)}, 'fallback', ${quoteLiteral(id)}, ${tenant}, '') on conflict do nothing`,
        `insert into tenantry.tenant_lookups (kind, value, tenant_id)
  select 'slug', case when exists (select 1 from tenantry.tenant_lookups l where l.kind = 'slug' and l.value = ${slug})
    then ${slug} || '-' || ${quoteLiteral(id.slice(0, 8))} else ${slug} end, ${tenant}
  where not exists (select 1 from tenantry.tenant_lookups l where l.kind = 'slug' and l.tenant_id = ${tenant})
  on conflict (kind, value) do nothing`,
        organizations(model, `(select ${tenant} as tenant_id) as r`, now),
      ],
      undo: [],
      lock: 'none',
    },
  ];
}
