import type { ApiKeys } from '../api-keys/index.ts';
import type { PlanNames, Plans } from '../plans/index.ts';
import type { DeclarationsOf, Tenancy } from '../tenancy/index.ts';

/** What {@link createGate} binds together. */
export interface GateDeps<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  readonly apiKeys: Pick<ApiKeys, 'verify'>;
  readonly plans: Plans<Names>;
  readonly tenancy: Pick<Tenancy<DB, Tables>, 'resolve' | 'scope' | 'transaction'>;
  /** The patterns of permissions that a role allows. */
  readonly permissionsOf: (role: string) => readonly string[];
}
