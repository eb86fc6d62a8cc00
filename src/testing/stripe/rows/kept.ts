/** Metadata of an object. */
export type Metadata = Record<string, string>;

/** What every kept object has. */
export interface Kept<Kind extends string> {
  readonly id: string;
  readonly object: Kind;
  readonly created: number;
  metadata: Metadata;
}
