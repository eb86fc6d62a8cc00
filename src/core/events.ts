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
  readonly data: Data;
}

/**
 * Receives events inside the causing transaction, so that what it writes through `tx` stands or falls with the change.
 * It must not do network work. An error that it throws rolls the change back.
 */
export type EventSink<Event, Transaction> = (event: Event, tx: Transaction) => Promise<void>;
