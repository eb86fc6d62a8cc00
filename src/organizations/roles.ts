import { TenantryError } from '../core/index.ts';

/** Roles and the patterns of permissions that each allows. */
export type RoleDefinitions = Readonly<Record<string, readonly string[]>>;

/** The roles that every organization has. */
export type DefaultRole = 'owner' | 'admin' | 'member';

/** The names of the roles: the default ones and the application's own. */
export type RoleName<Roles extends RoleDefinitions> = DefaultRole | (keyof Roles & string);

/** The permissions of the default roles. */
export const defaultRoles: Readonly<Record<DefaultRole, readonly string[]>> = {
  owner: ['*'],
  admin: ['*:read', '*:write', '*:manage'],
  member: ['*:read', '*:write'],
};

const roleName = /^[a-zA-Z][a-zA-Z0-9_-]{0,62}$/;
const pattern = /^[^\s:]+(:[^\s:]+)*$/;

/** What roles allow. */
export interface RoleBook {
  /** The patterns of permissions that a role allows; none for a role that is not known. */
  permissionsOf(role: string): readonly string[];
  /** Throws `role_unknown` for a role that is not known. */
  check(role: string): void;
}

/**
 * Joins the application's roles with the default ones. `admin` and `member` may be redefined, `owner` may not: it is
 * what an organization never goes without.
 *
 * @throws TenantryError `config_invalid` for a name or a pattern that is none, and for `owner`.
 */
export function createRoleBook(own: RoleDefinitions): RoleBook {
  for (const [role, patterns] of Object.entries(own)) {
    const problem = problemOf(role, patterns);
    if (problem !== null) throw new TenantryError('config_invalid', { path: `roles.${role}`, problem });
  }
  const all = new Map<string, readonly string[]>(Object.entries({ ...defaultRoles, ...own }));
  return {
    permissionsOf: (role) => all.get(role) ?? [],
    check(role) {
      if (!all.has(role)) throw new TenantryError('role_unknown', { role: String(role), known: [...all.keys()] });
    },
  };
}

function problemOf(role: string, patterns: unknown): string | null {
  if (role === 'owner') return 'the owner may do everything and cannot be redefined';
  if (!roleName.test(role)) return 'a role is named by a letter, then letters, digits, "-" and "_"';
  if (!Array.isArray(patterns)) return 'must be a list of permissions';
  return patterns.every((one) => typeof one === 'string' && pattern.test(one))
    ? null
    : 'a permission is words parted by ":"';
}
