import type { RawBuilder } from 'kysely';
import { TenantryError } from '../../core/index.ts';
import type { SourceExpression } from '../definition.ts';
import type {
  AnyRetenanting,
  CopiedRule,
  Destination,
  EveryTenant,
  FollowsRule,
  MergeTenants,
  MoveRows,
  OfTargetRule,
  OfUserRule,
  RetenantingDefinition,
  RowOptions,
  SplitTenant,
  WholeRule,
} from './definition.ts';

/**
 * Declares a re-tenanting: tenants that exist are merged, split or converted, or some of their rows move. The first call
 * names the type of the application's database, so that every table must be told of and every column exists.
 *
 * @throws TenantryError `migration_definition_invalid` when the name or a change cannot be.
 *
 * @example
 * ```ts
 * import { hybridSeats } from 'tenantry';
 * import { defineRetenanting, follows, mergeTenants, shared, whole } from 'tenantry/migrate';
 *
 * interface Database {
 *   projects: { tenant_id: string; id: string; slug: string };
 *   notes: { tenant_id: string; id: string; project_id: string };
 *   countries: { code: string };
 * }
 * const acme = '0190a6c2-0000-7000-8000-000000000001';
 * const beta = '0190a6c2-0000-7000-8000-000000000002';
 *
 * export const retenanting = defineRetenanting<Database>()({
 *   name: 'acme-buys-beta',
 *   to: hybridSeats(),
 *   changes: [mergeTenants({ from: [beta], into: acme })],
 *   tables: {
 *     projects: whole({ uniques: { slug: { suffix: 'slug' } } }),
 *     notes: follows('project_id'),
 *     countries: shared(),
 *   },
 * });
 * ```
 */
export function defineRetenanting<DB>(): (definition: RetenantingDefinition<DB>) => AnyRetenanting {
  return (definition) => {
    const { name, changes } = definition;
    const invalid = (path: string, problem: string): TenantryError =>
      new TenantryError('migration_definition_invalid', { migration: name, path, problem });
    if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) {
      throw invalid('name', 'must be 1 to 63 characters of a-z, 0-9, - and _');
    }
    if (changes.length === 0) throw invalid('changes', 'must name at least one change');
    const ending = changes.flatMap((change) => {
      if (change.kind === 'every') return [];
      return change.kind === 'merge' ? [...change.from] : [change.from];
    });
    for (const [place, change] of changes.entries()) {
      if (change.kind === 'split' && change.into.length === 0)
        throw invalid(`changes.${place}.into`, 'names no target');
      if (change.kind === 'merge' && change.from.length === 0)
        throw invalid(`changes.${place}.from`, 'names no tenant');
      if (change.kind === 'merge' && change.from.includes(change.into.tenantId ?? '')) {
        throw invalid(`changes.${place}.into`, 'is one of the tenants that end');
      }
      if (change.kind === 'every' && changes.length > 1) {
        throw invalid(`changes.${place}`, 'changes every tenant, and stands alone');
      }
    }
    const twice = ending.find((tenantId, place) => ending.indexOf(tenantId) !== place);
    if (twice !== undefined) throw invalid('changes', `tenant ${twice} is changed twice`);
    return definition;
  };
}

/**
 * Tenants end in another, which exists or is made: their rows, people, keys and usage go there.
 *
 * @example
 * ```ts
 * import { mergeTenants } from 'tenantry/migrate';
 *
 * const [acme, beta] = ['0190a6c2-0000-7000-8000-000000000001', '0190a6c2-0000-7000-8000-000000000002'];
 * const changes = [mergeTenants({ from: [beta], into: acme })];
 * ```
 */
export function mergeTenants({
  from,
  into,
}: {
  readonly from: readonly string[];
  readonly into: string | Destination;
}): MergeTenants {
  return { kind: 'merge', from, into: typeof into === 'string' ? { tenantId: into } : into };
}

/**
 * One tenant becomes several. With its own id among them it stays; otherwise it ends, and leads to the first, which gets
 * everybody and everything that is named nowhere.
 *
 * @example
 * ```ts
 * import { splitTenant } from 'tenantry/migrate';
 *
 * const acme = '0190a6c2-0000-7000-8000-000000000001';
 * const changes = [
 *   splitTenant({ from: acme, into: [{ key: 'europe', tenantId: acme }, { key: 'america', name: 'Acme America' }] }),
 * ];
 * ```
 */
export function splitTenant({
  from,
  into,
}: {
  readonly from: string;
  readonly into: readonly [Destination, ...Destination[]];
}): SplitTenant {
  return { kind: 'split', from, into };
}

/**
 * Chosen rows of one tenant, and all that follow them, go to another.
 *
 * @example
 * ```ts
 * import { sql } from 'kysely';
 * import { moveRows } from 'tenantry/migrate';
 *
 * const [acme, beta] = ['0190a6c2-0000-7000-8000-000000000001', '0190a6c2-0000-7000-8000-000000000002'];
 * const changes = [moveRows({ from: acme, to: beta, rows: { projects: sql`name like 'Beta %'` } })];
 * ```
 */
export function moveRows({
  from,
  to,
  rows,
}: Omit<MoveRows, 'kind' | 'to'> & { readonly to: string | Destination }): MoveRows {
  return { kind: 'move', from, to: typeof to === 'string' ? { tenantId: to } : to, rows };
}

/**
 * Every tenant of one strategy becomes one of another, or goes to one.
 *
 * @example
 * ```ts
 * import { perUser } from 'tenantry';
 * import { everyTenant } from 'tenantry/migrate';
 *
 * const changes = [everyTenant({ from: perUser({ plan: 'free' }) })]; // each user's tenant becomes an organization
 * ```
 */
export function everyTenant(told: Omit<EveryTenant, 'kind'>): EveryTenant {
  return { kind: 'every', ...told };
}

/**
 * The rows belong to users, by a column or SQL that gives the user's id, and go where the user goes.
 *
 * @example
 * ```ts
 * import { ofUser } from 'tenantry/migrate';
 *
 * const tables = { notes: ofUser('author_id') };
 * ```
 */
export function ofUser<const Column extends string>(
  user: SourceExpression<Column>,
  options: RowOptions = {},
): OfUserRule<Column> {
  return { kind: 'user', user, ...options };
}

/**
 * A column or SQL gives the `key` of the target where a row goes.
 *
 * @example
 * ```ts
 * import { sql } from 'kysely';
 * import { follows, ofTarget } from 'tenantry/migrate';
 *
 * const tables = {
 *   projects: ofTarget(sql`case when region = 'eu' then 'europe' else 'america' end`),
 *   notes: follows('project_id'),
 * };
 * ```
 */
export function ofTarget<const Column extends string>(
  target: SourceExpression<Column>,
  options: RowOptions = {},
): OfTargetRule<Column> {
  return { kind: 'target', target, ...options };
}

/**
 * The rows go where the row goes to which these columns refer. Columns may lead to the same table: then everything goes with
 * the row at the top, and `roots` says where that goes.
 *
 * @example
 * ```ts
 * import { follows, whole } from 'tenantry/migrate';
 *
 * const tables = { projects: whole(), notes: follows('project_id') };
 * ```
 */
export function follows<const Column extends string>(
  column: Column | readonly Column[],
  options: RowOptions & Pick<FollowsRule<Column>, 'to' | 'roots'> = {},
): FollowsRule<Column> {
  return { kind: 'follows', columns: typeof column === 'string' ? [column] : column, ...options };
}

/**
 * Every target of a split gets these rows; a move takes a copy of those along that its rows refer to.
 *
 * @example
 * ```ts
 * import { copied, follows, whole } from 'tenantry/migrate';
 *
 * const tables = { labels: copied(), projects: whole(), notes: follows('project_id') };
 * ```
 */
export function copied(options: RowOptions & { readonly newKey?: RawBuilder<unknown> } = {}): CopiedRule {
  return { kind: 'copied', ...options };
}

/**
 * The rows go all together: to the target of a merge, to the first one of a split.
 *
 * @example
 * ```ts
 * import { follows, whole } from 'tenantry/migrate';
 *
 * const tables = { projects: whole({ uniques: { slug: { suffix: 'slug' } } }), notes: follows('project_id') };
 * ```
 */
export function whole(options: RowOptions = {}): WholeRule {
  return { kind: 'whole', ...options };
}
