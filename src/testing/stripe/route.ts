import type { Params } from './params.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

/** A request that has been read and checked. */
export interface Call {
  readonly world: World;
  readonly params: Params;
  /** The id in the path, or another part of it by name. */
  id(name?: string): string;
}

/** What an operation does. */
export interface Route {
  /** The parameters that are simulated, parted by spaces; others that Stripe knows are refused, never ignored. */
  readonly takes: string;
  run(call: Call): Wire;
}

/** Operations by the name that the schema gives them. */
export type Routes = Readonly<Record<string, Route>>;
