import type { Actor, DomainEvent } from '../core/index.ts';
import type {
  AuditActor,
  AuditChange,
  AuditFacts,
  AuditRecord,
  AuditTarget,
  JsonValue,
  PersonalFields,
} from './entry.ts';

/** Any event of any module. */
export type AnyEvent = DomainEvent<string, object>;

/** What the ids of events name, where it is not the word itself. */
const typeOfId: Readonly<Record<string, string>> = {
  key: 'api_key',
  owner: 'member',
  parent: 'team',
  endpoint: 'webhook_endpoint',
};

/** Fields that tell of a person, when the event is about one. */
const personalFields = ['email', 'previousEmail', 'phone', 'previousPhone'];
const personalOfPeople = ['name', 'previousName'];
const aboutPeople = /^(member|invitation|user|session)\./;

/**
 * Makes the entry of an event. Events are named and shaped alike, so one rule serves all: the name is the action; what
 * ends in `Id` is a target; `x` beside `previousX` is a change of `x`; what is left are facts. Addresses, and names where
 * the event is about a person, are personal.
 */
export function recordOf(event: AnyEvent): AuditRecord {
  const fields = new Map(Object.entries(fieldsOf(event.data)));
  const { actor } = event;
  const userId = textOf(fields.get('userId'));
  const email = textOf(fields.get('email'));
  const targets = takeTargets(event, fields);
  const changes: Record<string, AuditChange> = {};
  const metadata: Record<string, JsonValue | undefined> = {};
  for (const [name, value] of fields) {
    if (isPrevious(name) && fields.has(currentOf(name))) continue;
    const before = previousOf(name);
    if (!fields.has(before)) metadata[name] = jsonOf(value);
    else if (!same(fields.get(before), value)) changes[name] = { old: jsonOf(fields.get(before)), new: jsonOf(value) };
  }
  const told = [...personalFields, ...(aboutPeople.test(event.name) ? personalOfPeople : [])];
  const whose = userId !== undefined ? { userId } : email !== undefined ? { email } : undefined;
  const personal: PersonalFields[] = whose === undefined ? [] : [{ ...whose, fields: told }];
  return {
    action: event.name,
    occurredAt: event.occurredAt,
    targets,
    ...(actor !== undefined && {
      actor: actorOf(actor),
    }),
    ...(Object.keys(changes).length > 0 && { changes }),
    metadata: metadata satisfies AuditFacts,
    personal,
  };
}

/** Who did it: where somebody acted as another, who really did. */
function actorOf({ userId, superAdmin, impersonatedBy }: Actor): AuditActor {
  const metadata = {
    ...(superAdmin === true && { superAdmin }),
    ...(impersonatedBy !== undefined && { actingAs: userId }),
  };
  return { type: 'user', id: impersonatedBy ?? userId, ...(Object.keys(metadata).length > 0 && { metadata }) };
}

function takeTargets(event: AnyEvent, fields: Map<string, unknown>): AuditTarget[] {
  const targets: AuditTarget[] = [];
  for (const [name, value] of fields) {
    targets.push(...withinTargets(value));
    if (isRef(value)) fields.delete(name);
    const word = /^([a-z][A-Za-z]*)Id$/.exec(name)?.[1];
    const id = textOf(value);
    if (word === undefined || id === undefined || isPrevious(name) || fields.has(previousOf(name))) continue;
    fields.delete(name);
    const type = typeOfId[word] ?? word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    targets.push({ type, id });
  }
  const domain = event.name.startsWith('domain.') ? textOf(fields.get('domain')) : undefined;
  if (domain !== undefined) targets.push({ type: 'domain', id: domain });
  if (targets.length > 0) return targets;
  const type = /^(organization|seats|domain|team)\b/.test(event.name) ? 'organization' : 'tenant';
  return [{ type, id: event.tenantId }];
}

/** Whether a value names something and says no more of it. */
function isRef(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).toSorted().join() === 'id,type';
}

/** What an event tells of as a whole: a resource of the application's by type and id, or a member. */
function withinTargets(value: unknown): AuditTarget[] {
  if (typeof value !== 'object' || value === null) return [];
  const { type, id, memberId, userId } = fieldsOf(value);
  const named = [
    { type: textOf(type), id: textOf(id) },
    { type: 'member', id: textOf(memberId) },
    { type: 'user', id: textOf(userId) },
  ];
  return named.flatMap((one) =>
    one.type === undefined || one.id === undefined ? [] : [{ type: one.type, id: one.id }],
  );
}

const isPrevious = (name: string): boolean => /^previous[A-Z]/.test(name);
const previousOf = (name: string): string => `previous${name.charAt(0).toUpperCase()}${name.slice(1)}`;
const currentOf = (name: string): string => `${name.charAt(8).toLowerCase()}${name.slice(9)}`;
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function fieldsOf(value: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A value of an event as JSON; what it holds beyond that is checked when the entry is written. */
function jsonOf(value: unknown): JsonValue {
  const text: string | undefined = JSON.stringify(value);
  return text === undefined ? null : JSON.parse(text);
}
