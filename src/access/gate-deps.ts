import type { ApiKeys } from '../api-keys/index.ts';
import type { Auth } from '../auth/index.ts';
import type { Clock, SeatPolicy } from '../core/index.ts';
import type { Organizations } from '../organizations/index.ts';
import type { PlanNames, Plans } from '../plans/index.ts';
import type { DeclarationsOf, Tenancy } from '../tenancy/index.ts';

/** What {@link createGate} binds together. */
export interface GateDeps<
  DB,
  Names extends PlanNames = PlanNames,
  Tables extends DeclarationsOf<DB> | undefined = undefined,
> {
  readonly apiKeys: Pick<ApiKeys, 'verify'>;
  /** Takes access tokens beside API keys; without it none is taken. */
  readonly auth?: Pick<Auth, 'authenticate' | 'looksLikeToken' | 'impersonation'>;
  readonly plans: Plans<Names>;
  readonly tenancy: Pick<Tenancy<DB, Tables>, 'resolve' | 'named' | 'scope' | 'transaction'>;
  /** The patterns of permissions that a role allows. */
  readonly permissionsOf: (role: string) => readonly string[];
  /** What happens while an organization takes more seats than it bought; `{ policy: 'block' }` when absent. */
  readonly seatPolicy?: SeatPolicy;
  /** The place of a member among those who take a seat; needed for a policy of `read-only`. */
  readonly seatPlaceOf?: Organizations['seatPlaceOf'];
  readonly clock?: Clock;
  /** Whether what members use is kept for each of them, as a bill of seats wants it; false when absent. */
  readonly usageByMember?: boolean;
}
