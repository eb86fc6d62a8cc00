import { TenantryError } from '../../../core/index.ts';
import { filtersOf, isEventFilter, isEventName } from './event-patterns.ts';
import { type OwnEventName, ownEvents } from './own-events.ts';
import { createRenames, type EventRename } from './renames.ts';
import type { InputOf, StandardSchema } from './standard-schema.ts';

/** How an event looked in an older version of the payloads. */
export interface OlderEvent {
  /** What endpoints of this version are sent. */
  readonly schema: StandardSchema;
  /** Makes the older data of the data of the next newer version. */
  readonly from: (data: never) => unknown;
}

/** One type of event. */
export interface EventDefinition {
  /** The data of the event, in the newest version. What the schema gives is what is sent. */
  readonly schema: StandardSchema;
  /** One sentence: when it happens. */
  readonly description?: string;
  /** What the data may look like; the first is what a test sends. */
  readonly examples?: readonly unknown[];
  /** Why it should be used no more, and what to use instead. It is still sent. */
  readonly deprecated?: string;
  /** By version: how it looked up to and including that version. */
  readonly older?: Readonly<Record<string, OlderEvent>>;
}

/** The types of events of an application, by name. */
export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

/** Options of {@link defineEvents}. */
export interface EventOptions {
  /** The versions of payloads, the oldest first, as texts that sort (`2026-03-01`). The last is the newest. */
  readonly versions?: readonly string[];
  /** Which of the library's own events are sent: all (`*`), some (`member.*`), none when absent. */
  readonly own?: readonly string[];
  /** Types that have another name now. */
  readonly renames?: readonly EventRename[];
}

/** A type of event as a catalogue holds it. */
export interface CatalogueEvent {
  readonly type: string;
  readonly description: string;
  readonly schema: StandardSchema;
  readonly examples: readonly unknown[];
  readonly deprecated: string | null;
  /** The older versions, the newest of them first. */
  readonly older: readonly (OlderEvent & { readonly version: string })[];
  /** It is one of the library's own. */
  readonly own: boolean;
}

/** The types of events that an application sends, made by {@link defineEvents}. */
export interface EventCatalogue<Definitions extends EventDefinitions = EventDefinitions> {
  /** As they were declared; absent where none were. */
  readonly definitions?: Definitions;
  /** All types, the library's own that are sent and old names with them. */
  readonly events: ReadonlyMap<string, CatalogueEvent>;
  readonly versions: readonly string[];
  /** The types that are sent when one is published at a moment: the type itself, its other name, or both. */
  readonly typesFor: (type: string, now: Date) => readonly string[];
}

/** The names of the application's own types of events. */
export type EventNameOf<Definitions extends EventDefinitions> = Extract<keyof Definitions, string>;

/** The data of a type of event, as it is handed to `publish`. */
export type EventDataOf<Definitions extends EventDefinitions, Name extends EventNameOf<Definitions>> = InputOf<
  Definitions[Name]['schema']
>;

/**
 * Declares which events are sent to endpoints. Each type has a schema of any library that follows Standard Schema, which
 * also types `publish`. The library's own events are there already: `own` says which of them are sent.
 *
 * @throws TenantryError `config_invalid` for names, versions and filters that are none, and for examples that do not fit.
 *
 * @example
 * ```ts
 * import { defineEvents } from 'tenantry/webhooks/delivery';
 * import { z } from 'zod';
 *
 * const events = defineEvents(
 *   {
 *     'order.paid': {
 *       schema: z.object({ orderId: z.string(), cents: z.number().int() }),
 *       description: 'An order was paid.',
 *       examples: [{ orderId: 'o-1', cents: 4200 }],
 *     },
 *   },
 *   { own: ['member.*'] },
 * );
 * events.events.has('member.added'); // true
 * ```
 */
export function defineEvents<const Definitions extends EventDefinitions>(
  definitions: Definitions,
  { versions = [], own = [], renames = [] }: EventOptions = {},
): EventCatalogue<Definitions> {
  checkVersions(versions);
  const events = new Map<string, CatalogueEvent>();
  for (const [type, definition] of Object.entries(definitions)) {
    const path = `defineEvents.${type}`;
    if (!isEventName(type)) throw invalid(path, 'must be one to six words of a-z, 0-9 and _, parted by dots');
    events.set(type, eventOf(type, definition, versions));
  }
  for (const filter of own) {
    const found = ownTypes.filter((type) => filtersOf(type).includes(filter));
    if (found.length === 0) throw invalid('defineEvents.own', `"${filter}" is no event of the library`);
    const taken = found.find((type) => events.has(type));
    if (taken !== undefined)
      throw invalid('defineEvents.own', `"${taken}" is an event of yours: one of the two must go`);
    for (const type of found) events.set(type, { type, ...ownEvents[type], deprecated: null, older: [], own: true });
  }
  const renaming = createRenames(renames);
  for (const { from, to } of renames) {
    if ([...events.keys()].some((type) => filtersOf(type).some((name) => name === from || name === to))) continue;
    throw invalid('defineEvents.renames', `there is no event under "${from}", nor under "${to}"`);
  }
  for (const event of [...events.values()]) {
    for (const [type, isOld] of renaming.namesOf(event.type)) {
      const deprecated = isOld ? `Use ${renaming.newNameOf(event.type)}.` : event.deprecated;
      events.set(type, { ...event, type, deprecated });
    }
  }
  return { definitions, events, versions, typesFor: renaming.typesFor };
}

const ownTypes = Object.keys(ownEvents).filter((type): type is OwnEventName => type in ownEvents);

function invalid(path: string, problem: string): TenantryError {
  return new TenantryError('config_invalid', { path, problem });
}

function checkVersions(versions: readonly string[]): void {
  const sorted = [...new Set(versions)].toSorted();
  if (sorted.join() !== versions.join() || !versions.every((version) => /^[\w.-]{1,32}$/.test(version))) {
    throw invalid('defineEvents.versions', 'must be texts of letters, digits, ".", "_" and "-" in ascending order');
  }
}

function eventOf(type: string, definition: EventDefinition, versions: readonly string[]): CatalogueEvent {
  const { schema, description = '', examples = [], deprecated = null, older = {} } = definition;
  const path = `defineEvents.${type}`;
  if (schema?.['~standard']?.version !== 1) throw invalid(`${path}.schema`, 'must follow Standard Schema 1');
  for (const version of Object.keys(older)) {
    const place = versions.indexOf(version);
    if (place < 0) throw invalid(`${path}.older`, `"${version}" is not one of the versions`);
    if (place === versions.length - 1) throw invalid(`${path}.older`, `"${version}" is the newest version`);
  }
  for (const example of examples) {
    const result = schema['~standard'].validate(example);
    if (!(result instanceof Promise) && result.issues) throw invalid(`${path}.examples`, 'must fit the schema');
  }
  const before = Object.entries(older).map(([version, one]) => ({ version, ...one }));
  before.sort((one, other) => (one.version < other.version ? 1 : -1));
  return { type, description, schema, examples, deprecated, older: before, own: false };
}

/** Tells whether a filter is one, and lets some event of a catalogue through. */
export function isUsefulFilter(catalogue: Pick<EventCatalogue, 'events'>, filter: unknown): filter is string {
  if (!isEventFilter(filter)) return false;
  return filter === '*' || [...catalogue.events.keys()].some((type) => filtersOf(type).includes(filter));
}

/** The catalogue of who sends nothing. */
export function noEvents<Definitions extends EventDefinitions>(): EventCatalogue<Definitions> {
  return { events: new Map(), versions: [], typesFor: () => [] };
}

/** Tells whether a value was made by {@link defineEvents}. */
export function isCatalogue(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'events' in value && value.events instanceof Map;
}
