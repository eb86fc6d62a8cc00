import {
  DummyDriver,
  Kysely,
  type KyselyPlugin,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import { own, scope, shared, type TableDeclarations } from '../../src/tenancy/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: much of what a scope refuses when it runs does not compile either.
export type Loose = any;

/** A handle that compiles queries and has no database. */
export const db = new Kysely<Loose>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (handle) => new PostgresIntrospector(handle),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});
export const tenantId = '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a90';
export const otherId = '0199f3c2-8c1e-7000-9f3a-5d2c1b7e4a91';
export const tables = {
  projects: own(),
  notes: own({ column: 'organization_id' }),
  calls: own(),
  'audit.entries': own(),
  countries: shared(),
  prices: shared({ writable: true }),
};

/** What a scope is made with, where it differs. */
export interface ScopedOptions {
  readonly tables?: TableDeclarations | undefined;
  readonly tenantId?: string;
  readonly plugins?: readonly KyselyPlugin[];
}

/** A scope without types. */
export function scoped(options: ScopedOptions = {}): Loose {
  const handle = (options.plugins ?? []).reduce<Kysely<Loose>>((each, plugin) => each.withPlugin(plugin), db);
  const declared = 'tables' in options ? options.tables : tables;
  return Reflect.apply(scope, undefined, [handle, options.tenantId ?? tenantId, declared]);
}

/** The scope of most tests. */
export const s = scoped();

/** The SQL of a query, with `$t` for each parameter that is the tenant. */
export function text(query: Loose, within: Loose = s): string {
  const { sql, parameters } = query.compile(within);
  return sql.replace(/\$(\d+)/g, (all: string, at: string) => (parameters[Number(at) - 1] === tenantId ? '$t' : all));
}

/** The code of the error that a query is refused with, or `none`. */
export function refusal(query: () => Loose): string {
  try {
    query().compile(s);
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
  }
  return 'none';
}
