import { createHash, randomBytes } from 'node:crypto';
import type { AuditActor, AuditChange, AuditContext, AuditFacts, AuditTarget, PersonalFields } from './entry.ts';

/** What an entry tells, whole. */
export interface EntryParts {
  readonly actor: AuditActor;
  readonly targets: readonly AuditTarget[];
  readonly context: AuditContext;
  readonly changes: Readonly<Record<string, AuditChange>>;
  readonly metadata: AuditFacts;
}

/** What an entry tells of one person, as it is stored apart. */
export interface PersonalPart {
  readonly part: number;
  /** Whose it is: `user:42`, `email:ada@example.com`. */
  readonly subject: string;
  /** 16 random bytes in hexadecimal: without them nobody can guess the values from the hash. */
  readonly salt: string;
  /** JSON. */
  readonly data: string;
}

/** What stands in {@link PersonalPart.data}: each value at its place in the entry. */
interface PersonalData {
  actorName?: string;
  context?: AuditContext;
  targetNames?: Record<string, string>;
  changes?: Record<string, AuditChange>;
  metadata?: AuditFacts;
}

const personalContext: ReadonlySet<string> = new Set(['ip', 'userAgent', 'location']);

/** The subject under which what is told of a user, or of somebody with an address, is stored. */
export function subjectOf(whose: { readonly userId: string } | { readonly email: string }): string {
  return 'userId' in whose ? `user:${whose.userId}` : `email:${whose.email.toLowerCase()}`;
}

/** Takes what an entry tells of persons out of it. The hashes of it, by part, go into the entry. */
export function takePersonal(
  whole: EntryParts,
  fields: readonly PersonalFields[],
): { readonly entry: EntryParts; readonly parts: PersonalPart[]; readonly commitments: Record<string, string> } {
  const bySubject = new Map<string, PersonalData>();
  const dataOf = (subject: string): PersonalData => {
    const data = bySubject.get(subject) ?? {};
    bySubject.set(subject, data);
    return data;
  };
  const { name, ...actor } = whole.actor;
  const actorSubject = actor.id === undefined ? `${actor.type}:` : `${actor.type}:${actor.id}`;
  if (name !== undefined) dataOf(actorSubject).actorName = name;
  const [kept, told] = split(whole.context, (key) => personalContext.has(key));
  if (Object.keys(told).length > 0) dataOf(actorSubject).context = told;

  const targets = whole.targets.map((target, index) => {
    if (target.type !== 'user' || target.id === undefined || target.name === undefined) return target;
    const { name: targetName, ...rest } = target;
    const data = dataOf(subjectOf({ userId: target.id }));
    data.targetNames = { ...data.targetNames, [String(index)]: targetName };
    return rest;
  });

  let { changes, metadata } = whole;
  for (const { fields: names, ...whose } of fields) {
    const isTold = (key: string): boolean => names.includes(key);
    const [otherChanges, itsChanges] = split(changes, isTold);
    const [otherFacts, itsFacts] = split(metadata, isTold);
    if (Object.keys(itsChanges).length > 0) dataOf(subjectOf(whose)).changes = itsChanges;
    if (Object.keys(itsFacts).length > 0) dataOf(subjectOf(whose)).metadata = itsFacts;
    changes = otherChanges;
    metadata = otherFacts;
  }

  const parts = [...bySubject].map(([subject, data], part) => {
    return { part, subject, salt: randomBytes(16).toString('hex'), data: JSON.stringify(data) };
  });
  const commitments = Object.fromEntries(parts.map(({ part, salt, data }) => [String(part), commitmentOf(salt, data)]));
  return { entry: { actor, targets, context: kept, changes, metadata }, parts, commitments };
}

/** The hash by which an entry binds what is told of a person apart: SHA-256 of salt and JSON, in hexadecimal. */
export function commitmentOf(salt: string, data: string): string {
  return createHash('sha256').update(salt, 'hex').update(data, 'utf8').digest('hex');
}

/** Puts what was stored apart back into an entry. */
export function putPersonal(entry: EntryParts, stored: readonly string[]): EntryParts {
  let { actor, targets, context, changes, metadata } = entry;
  for (const text of stored) {
    const data: PersonalData = JSON.parse(text);
    if (data.actorName !== undefined) actor = { ...actor, name: data.actorName };
    context = { ...context, ...data.context };
    changes = { ...changes, ...data.changes };
    metadata = { ...metadata, ...data.metadata };
    const names = data.targetNames ?? {};
    targets = targets.map((target, index) => {
      const name = names[String(index)];
      return name === undefined ? target : { ...target, name };
    });
  }
  return { actor, targets, context, changes, metadata };
}

function split<Value>(
  record: Readonly<Record<string, Value>>,
  isTold: (key: string) => boolean,
): [Record<string, Value>, Record<string, Value>] {
  const entries = Object.entries(record);
  return [
    Object.fromEntries(entries.filter(([key]) => !isTold(key))),
    Object.fromEntries(entries.filter(([key]) => isTold(key))),
  ];
}
