import { covers, isPermissionPattern, TenantryError } from '../core/index.ts';

/** What a role allows, and above which others it stands. */
export interface RoleDefinition {
  readonly permissions: readonly string[];
  /**
   * The roles that stand below. The role allows what they allow as well, and its members may manage the members of these
   * roles and of those below them, and no others. Without it, members may manage whoever holds no more than they do.
   */
  readonly above?: readonly string[];
}

/** Roles and the patterns of permissions that each allows. */
export type RoleDefinitions = Readonly<Record<string, readonly string[] | RoleDefinition>>;

/** The roles that every organization has. */
export type DefaultRole = 'owner' | 'admin' | 'member';

/** The names of the roles: the default ones and the application's own. */
export type RoleName<Roles extends RoleDefinitions> = DefaultRole | (keyof Roles & string);

/**
 * The permissions of the default roles.
 *
 * @example
 * ```ts
 * import { createTenantry, definePlans, perOrg } from 'tenantry';
 * import type { AnyDatabase } from 'tenantry/database';
 * import { defaultRoles } from 'tenantry/organizations';
 *
 * // Members may read only, and there are therapists.
 * const wire = (db: AnyDatabase) =>
 *   createTenantry({
 *     db,
 *     plans: definePlans({ free: {} }),
 *     strategy: perOrg({ plan: 'free' }),
 *     roles: { ...defaultRoles, member: ['*:read'], therapist: ['notes:*'] },
 *   });
 * ```
 */
export const defaultRoles: Readonly<Record<DefaultRole, readonly string[]>> = {
  owner: ['*'],
  admin: ['*:read', '*:write', '*:manage'],
  member: ['*:read', '*:write'],
};

const roleName = /^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/;

/** What roles allow. */
export interface RoleBook {
  /** The patterns of permissions that a role allows; none for a role that is not known. */
  permissionsOf(role: string): readonly string[];
  /** Throws `role_unknown` for a role that is not known. */
  check(role: string): void;
  /** What a member in a role who holds the patterns lacks to manage members of another role; null: nothing. */
  lacking(role: string, patterns: readonly string[], other: string): string | null;
  /** The known roles that such a member may not manage. */
  beyond(role: string, patterns: readonly string[]): readonly string[];
}

/**
 * Joins the application's roles with the default ones. `admin` and `member` may be redefined, `owner` may not: it is
 * what an organization never goes without.
 *
 * @param fixed A role that may not be redefined.
 * @throws TenantryError `config_invalid` for a name or a pattern that is none, for `owner`, and for a role above itself.
 */
export function createRoleBook(
  own: RoleDefinitions,
  base: RoleDefinitions = defaultRoles,
  { path = 'roles', fixed = 'owner' }: { readonly path?: string; readonly fixed?: string | null } = {},
): RoleBook {
  const all = new Map(Object.entries({ ...base, ...own }).map(([role, given]) => [role, asDefinition(given)]));
  const below = new Map<string, ReadonlySet<string>>();
  for (const role of Object.keys(own)) {
    const problem = problemOf(role, own[role], all, fixed);
    if (problem !== null) throw new TenantryError('config_invalid', { path: `${path}.${role}`, problem });
  }
  for (const role of all.keys()) {
    const reached = rolesBelow(all, role);
    if (reached.has(role)) {
      throw new TenantryError('config_invalid', { path: `${path}.${role}.above`, problem: 'stands above itself' });
    }
    below.set(role, reached);
  }
  const permissions = new Map(
    [...all].map(([role, { permissions: named }]) => {
      const inherited = [...(below.get(role) ?? [])].flatMap((other) => all.get(other)?.permissions ?? []);
      return [role, [...new Set([...named, ...inherited])]];
    }),
  );

  const lacking: RoleBook['lacking'] = (role, patterns, other) => {
    const declared = all.get(role)?.above !== undefined;
    if (declared) return below.get(role)?.has(other) === true || !all.has(other) ? null : `roles:${other}`;
    return permissions.get(other)?.find((pattern) => !covers(patterns, pattern)) ?? null;
  };

  return {
    permissionsOf: (role) => permissions.get(role) ?? [],
    check(role) {
      if (!all.has(role))
        throw new TenantryError('role_unknown', { role: String(role).slice(0, 80), known: [...all.keys()] });
    },
    lacking,
    beyond: (role, patterns) => [...all.keys()].filter((other) => lacking(role, patterns, other) !== null),
  };
}

type Definition = { readonly permissions: readonly string[]; readonly above?: readonly string[] };

function asDefinition(given: readonly string[] | RoleDefinition): Definition {
  return isList(given) ? { permissions: given } : given;
}

function isList(given: unknown): given is readonly string[] {
  return Array.isArray(given);
}

function rolesBelow(all: ReadonlyMap<string, Definition>, role: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    for (const other of all.get(name)?.above ?? []) {
      if (reached.has(other)) continue;
      reached.add(other);
      visit(other);
    }
  };
  visit(role);
  return reached;
}

function problemOf(
  role: string,
  given: unknown,
  all: ReadonlyMap<string, Definition>,
  fixed: string | null,
): string | null {
  if (role === fixed) return `the ${role} may do everything and cannot be redefined`;
  if (!roleName.test(role)) return 'a role is named by a letter, then letters, digits, "-" and "_"';
  const { permissions, above }: { permissions?: unknown; above?: unknown } = isList(given)
    ? { permissions: given }
    : typeof given === 'object' && given !== null
      ? given
      : {};
  if (!isList(permissions)) return 'must be a list of permissions, or have one as "permissions"';
  if (!permissions.every(isPermissionPattern)) return 'a permission is words parted by ":"';
  if (above === undefined) return null;
  if (!isList(above)) return '"above" must be a list of roles';
  if (fixed !== null && above.includes(fixed)) return `no role stands above the ${fixed}`;
  const stranger = above.find((other) => !all.has(other));
  return stranger === undefined ? null : `there is no role "${stranger}" to stand above`;
}
