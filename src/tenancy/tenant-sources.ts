import { type HeadersLike, readHeader, TenantryError } from '../core/index.ts';

/** A request, as far as a tenant can be told from it. */
export interface RequestLike {
  readonly headers: HeadersLike;
  /** The target of the request, as a path (`/t/acme/calls?page=2`) or as a whole address. */
  readonly url?: string;
  /** What a token of the application's own says, once it was verified. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** How a request names a tenant: by a hostname that leads to it, or by its id or slug. */
export type NamedTenant = { readonly hostname: string } | { readonly name: string };

/**
 * Where in a request the tenant is named. It gives undefined when the request does not name one there, and the next source is
 * asked. What names a tenant decides, whether there is such a tenant or not.
 */
export type TenantSource = (request: RequestLike) => NamedTenant | undefined | Promise<NamedTenant | undefined>;

/**
 * A header whose value is the tenant's id or slug.
 *
 * @example
 * ```ts
 * import { fromHeader } from 'tenantry/tenancy';
 *
 * const source = fromHeader('x-tenant');
 * await source({ headers: { 'X-Tenant': 'acme' } }); // { name: 'acme' }
 * ```
 */
export function fromHeader(name: string): TenantSource {
  return ({ headers }) => named(readHeader(headers, name));
}

/**
 * The part of the host name before a domain of the program's own, as the tenant's slug: `acme` of `acme.app.example.com`.
 *
 * @param domain - The domain under which each tenant has a name, such as `app.example.com`.
 * @param header - The header to read; `host` when absent. Name `x-forwarded-host` only behind a proxy that sets it.
 *
 * @example
 * ```ts
 * import { fromSubdomain } from 'tenantry';
 *
 * const resolution = [fromSubdomain('app.example.com')]; // acme.app.example.com is acme's
 * ```
 */
export function fromSubdomain(domain: string, header = 'host'): TenantSource {
  const end = `.${normalHost(domain) ?? domain}`;
  return ({ headers }) => {
    const host = normalHost(readHeader(headers, header));
    if (host === undefined || !host.endsWith(end)) return undefined;
    const label = host.slice(0, -end.length);
    return label === '' || label.includes('.') ? undefined : named(label);
  };
}

/**
 * The whole host name, for tenants that brought a domain of their own and had it added by `hostnames.add`.
 *
 * @param except - Hosts of the program's own, and all below them, which name no tenant in this way.
 * @param header - The header to read; `host` when absent.
 *
 * @example
 * ```ts
 * import { fromHostname, fromSubdomain } from 'tenantry';
 *
 * // acme.app.example.com by its slug, www.acme.example by what `hostnames.add` knows
 * const resolution = [fromSubdomain('app.example.com'), fromHostname(['example.com'])];
 * ```
 */
export function fromHostname(except: readonly string[] = [], header = 'host'): TenantSource {
  const own = except.map((host) => normalHost(host) ?? host);
  return ({ headers }) => {
    const host = normalHost(readHeader(headers, header));
    if (host === undefined || own.some((one) => host === one || host.endsWith(`.${one}`))) return undefined;
    return { hostname: host };
  };
}

/**
 * A part of the path, as the tenant's id or slug: `/t/:tenant` names `acme` in `/t/acme/calls`.
 *
 * @throws TenantryError `config_invalid` for a pattern without exactly one part `:tenant`.
 *
 * @example
 * ```ts
 * import { fromPath } from 'tenantry';
 *
 * const resolution = [fromPath('/t/:tenant')]; // /t/acme/calls is acme's
 * ```
 */
export function fromPath(pattern: string): TenantSource {
  const parts = pattern.split('/').filter((part) => part !== '');
  const place = parts.indexOf(':tenant');
  if (place === -1 || parts.lastIndexOf(':tenant') !== place) {
    const problem = 'must have one part ":tenant", such as "/t/:tenant"';
    throw new TenantryError('config_invalid', { path: `fromPath('${pattern}')`, problem });
  }
  return ({ url }) => {
    const asked =
      pathOf(url)
        ?.split('/')
        .filter((part) => part !== '') ?? [];
    const fits = parts.every((part, index) => index === place || part === asked[index]);
    return fits ? named(decoded(asked[place])) : undefined;
  };
}

/**
 * A claim of the application's verified token, as the tenant's id or slug.
 *
 * @example
 * ```ts
 * import { fromClaim } from 'tenantry';
 *
 * const resolution = [fromClaim('org_id')]; // of createTenantry; the claims are those that `userOf` gives
 * ```
 */
export function fromClaim(name: string): TenantSource {
  return ({ claims }) => {
    const value = claims !== undefined && Object.hasOwn(claims, name) ? claims[name] : undefined;
    return typeof value === 'string' ? named(value) : undefined;
  };
}

function named(value: string | undefined): NamedTenant | undefined {
  const name = value?.trim();
  return name === undefined || name === '' ? undefined : { name };
}

function pathOf(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  if (url.startsWith('/')) return url.split(/[?#]/, 1)[0];
  return URL.canParse(url) ? new URL(url).pathname : undefined;
}

function decoded(part: string | undefined): string | undefined {
  if (part === undefined) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * A host name in the one form in which it is kept and compared: lower case, in ASCII, without a port and a last dot. An
 * address of a machine and whatever else is no name gives undefined.
 */
export function normalHost(host: string | undefined): string | undefined {
  const bare =
    host
      ?.trim()
      .replace(/:\d{1,5}$/, '')
      .replace(/\.$/, '') ?? '';
  if (bare === '' || bare.length > 253 || /[\s/@?#\\:%[\]]/.test(bare) || !URL.canParse(`http://${bare}/`))
    return undefined;
  const { hostname } = new URL(`http://${bare}/`);
  const labels = hostname.split('.');
  const fits = labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label));
  return fits && !/^\d+$/.test(labels.at(-1) ?? '') ? hostname : undefined;
}
