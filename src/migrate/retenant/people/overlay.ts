import { isProvider } from './carry-subscription.ts';
import type { Change } from './draft.ts';
import type { PeopleUnit } from './people-unit.ts';
import { keyOf, type People, type Records, type TableName } from './rows.ts';

/** The rows that units would have changed, to be laid over the ones that are there. */
export interface Overlay {
  add(changes: readonly Change[]): void;
  onto(people: People, unit: PeopleUnit): People;
}

/** Makes an overlay that changes nothing yet. */
export function createOverlay(): Overlay {
  const layers: { readonly [Table in TableName]: Layer<Table> } = {
    tenants: createLayer('tenants'),
    organizations: createLayer('organizations'),
    members: createLayer('members'),
    member_grants: createLayer('member_grants'),
    api_keys: createLayer('api_keys'),
    api_key_digests: createLayer('api_key_digests'),
    tenant_lookups: createLayer('tenant_lookups'),
    tenant_moves: createLayer('tenant_moves'),
    usage_counters: createLayer('usage_counters'),
  };
  const seats = new Map<string, number>();
  return {
    add(changes) {
      for (const change of changes) {
        addTo(layers[change.table], change);
        const { after } = change;
        if (after !== null && 'seats_taken' in after) seats.set(after.tenant_id, after.seats_taken);
      }
    },
    onto({ rows, seated, ...others }, { oldTenantId, targets }) {
      const ids = [oldTenantId, ...targets.map(({ tenantId }) => tenantId)];
      return {
        ...others,
        rows: {
          tenants: layers.tenants.onto(rows.tenants, ids),
          organizations: layers.organizations.onto(rows.organizations, ids),
          members: layers.members.onto(rows.members, ids),
          member_grants: layers.member_grants.onto(rows.member_grants, ids),
          // Of what a target has of these, only its names at providers meet what comes.
          api_keys: layers.api_keys.onto(rows.api_keys, [oldTenantId]),
          api_key_digests: layers.api_key_digests.onto(rows.api_key_digests, [oldTenantId]),
          tenant_lookups: layers.tenant_lookups.onto(
            rows.tenant_lookups,
            ids,
            (lookup) => lookup.tenant_id === oldTenantId || isProvider(lookup),
          ),
          tenant_moves: layers.tenant_moves.onto(rows.tenant_moves, [oldTenantId]),
          usage_counters: layers.usage_counters.onto(rows.usage_counters, ids),
        },
        seated: { ...seated, ...Object.fromEntries([...seats].filter(([tenantId]) => ids.includes(tenantId))) },
      };
    },
  };
}

interface Layer<Table extends TableName> {
  put(row: Records[Table], now: Records[Table] | null): void;
  onto(
    read: readonly Records[Table][],
    tenantIds: readonly string[],
    wanted?: (row: Records[Table]) => boolean,
  ): Records[Table][];
}

function addTo<Table extends TableName>(layer: Layer<Table>, { before, after, joined }: Change<Table>): void {
  if (before !== null) layer.put(before, null);
  if (after !== null && !joined) layer.put(after, after);
}

function createLayer<Table extends TableName>(table: Table): Layer<Table> {
  const rows = new Map<string, Records[Table] | null>();
  const ofTenant = new Map<string, Set<string>>();
  return {
    put(row, now) {
      const key = keyOf(table, row);
      rows.set(key, now);
      if (now === null) return;
      const keys = ofTenant.get(now.tenant_id) ?? new Set();
      ofTenant.set(now.tenant_id, keys.add(key));
    },
    onto(read, tenantIds, wanted = () => true) {
      const keys = new Set(tenantIds.flatMap((tenantId) => [...(ofTenant.get(tenantId) ?? [])]));
      const untouched = read.filter((row) => {
        const key = keyOf(table, row);
        if (rows.has(key)) keys.add(key);
        return !rows.has(key);
      });
      const laid = [...keys].flatMap((key) => rows.get(key) ?? []);
      return [...untouched, ...laid.filter(wanted)];
    },
  };
}
