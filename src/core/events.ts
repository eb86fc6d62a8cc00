/** Who did something, in the application's own words. */
export interface Actor {
  readonly userId: string;
  /** The user stands above all tenants and acted as that, not as a member. */
  readonly superAdmin?: boolean;
  /** The user who really acts, while somebody acts as another. The audit trail names them. */
  readonly impersonatedBy?: string;
}

/**
 * Something that happened to a tenant. Modules export a union of these; a sink receives them inside the transaction
 * that caused them.
 */
export interface DomainEvent<Name extends string, Data> {
  /** A UUIDv7, unique to this event. */
  readonly id: string;
  readonly name: Name;
  /** The tenant it happened to. */
  readonly tenantId: string;
  readonly occurredAt: Date;
  /** Who did it; absent where the program itself did, or nobody said. */
  readonly actor?: Actor;
  readonly data: Data;
}

/**
 * Receives events inside the causing transaction, so that what it writes through `tx` stands or falls with the change.
 * It must not do network work. An error that it throws rolls the change back.
 */
export type EventSink<Event, Transaction> = (event: Event, tx: Transaction) => Promise<void>;
