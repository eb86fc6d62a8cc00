/** A value that JSON can hold exactly. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** Further facts, by name. */
export type AuditFacts = Readonly<Record<string, JsonValue | undefined>>;

/** Who did it. */
export interface AuditActor {
  /** `user`, `api_key`, `system`, or a word of the application's own. */
  readonly type: string;
  /** The application's id of the actor. It stays when personal data is erased: it says who, without saying whom. */
  readonly id?: string;
  /** Personal: it is kept apart and can be erased. */
  readonly name?: string;
  readonly metadata?: AuditFacts;
}

/** What it was done to. */
export interface AuditTarget {
  readonly type: string;
  readonly id?: string;
  /** Of a user: personal, kept apart and erasable. */
  readonly name?: string;
  readonly metadata?: AuditFacts;
}

/** Where it came from. `ip`, `userAgent` and `location` are personal: they are kept apart and can be erased. */
export interface AuditContext {
  readonly ip?: string;
  readonly userAgent?: string;
  readonly location?: string;
  readonly requestId?: string;
  readonly [key: string]: JsonValue | undefined;
}

/** The old and the new value of something that was changed. */
export interface AuditChange {
  readonly old: JsonValue;
  readonly new: JsonValue;
}

/**
 * Fields that tell of a person: they are kept apart, and erased with what else is told of that person. The person is a
 * user, or an address of somebody who is none yet.
 */
export type PersonalFields = {
  /** Names of fields of `changes` and of `metadata`. */
  readonly fields: readonly string[];
} & ({ readonly userId: string } | { readonly email: string });

/** What happened, as it is recorded. */
export interface AuditRecord {
  /** Words parted by dots, such as `invoice.paid`. */
  readonly action: string;
  /** Who did it; when absent whoever is told by `audit.as`, and otherwise `{ type: 'system' }`. */
  readonly actor?: AuditActor;
  readonly targets?: readonly AuditTarget[];
  readonly context?: AuditContext;
  /** When it happened; now when absent. */
  readonly occurredAt?: Date;
  /** Old and new values, by the name of the field. */
  readonly changes?: Readonly<Record<string, AuditChange>>;
  /** At most 50 facts. */
  readonly metadata?: AuditFacts;
  /** Which of the changes and facts are personal, and whose. */
  readonly personal?: readonly PersonalFields[];
  /** The version of what an entry of this action holds; 1 when absent. */
  readonly version?: number;
}

/** An entry of the trail. */
export interface AuditEntry {
  readonly id: string;
  readonly tenantId: string;
  /** The place in the chain, from 1; null for a moment, until the chain has taken the entry in. */
  readonly sequence: number | null;
  /** SHA-256 in hexadecimal over the hash before, the sequence and the entry; null as long as `sequence` is. */
  readonly hash: string | null;
  readonly action: string;
  readonly occurredAt: Date;
  readonly version: number;
  readonly actor: AuditActor;
  readonly targets: readonly AuditTarget[];
  readonly context: AuditContext;
  readonly changes: Readonly<Record<string, AuditChange>>;
  readonly metadata: AuditFacts;
  /** True when personal data of the entry was erased. */
  readonly erased: boolean;
}

/** A place in a chain, to be kept where who can change the database cannot reach it. */
export interface AuditAnchor {
  readonly sequence: number;
  /** In hexadecimal. */
  readonly hash: string;
}

/** Which entries are wanted; all conditions hold together. */
export interface AuditFilter {
  /** Exact actions, or all below a word: `member.*`. */
  readonly actions?: readonly string[];
  readonly actorType?: string;
  readonly actorId?: string;
  /** Entries with such a target. */
  readonly target?: { readonly type?: string; readonly id?: string };
  /** At this moment or later. */
  readonly from?: Date;
  /** Before this moment. */
  readonly to?: Date;
}

/** One part of a list of entries. */
export interface AuditPage {
  readonly items: readonly AuditEntry[];
  /** Asks for the next part; null at the end. */
  readonly nextCursor: string | null;
}
