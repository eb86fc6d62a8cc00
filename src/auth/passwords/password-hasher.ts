/** Makes slow hashes of passwords and compares with them. It must leave the event loop free meanwhile. */
export interface PasswordHasher {
  readonly name: string;
  /** The most bytes of UTF-8 that a password may have. */
  readonly maxBytes: number;
  /** Tells whether this hasher can compare with a hash, by its form. */
  recognises(hash: string): boolean;
  /** Makes a hash with a new salt and today's cost. */
  hash(password: string): Promise<string>;
  /** Tells whether a password made a hash. Never throws for a hash that is damaged: that is false. */
  verify(password: string, hash: string): Promise<boolean>;
  /** Tells whether a hash has today's form and cost; one that has not is made anew when its user logs in. */
  isCurrent(hash: string): boolean;
}
