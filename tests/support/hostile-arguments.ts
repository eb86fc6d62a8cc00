import { isTenantryError } from '../../src/core/index.ts';

const texts = [
  '',
  '\0',
  'a\0b',
  '\ud800',
  'a\udc00',
  '\u202eabc',
  '__proto__',
  '%',
  "'; drop table x; --",
  'x'.repeat(10_000_000),
];
const numbers = [Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, 1e300];
const dates = [new Date(Number.NaN), new Date(8.64e15), new Date(-8.64e15)];

const circular: Record<string, unknown> = {};
circular.self = { circular };
/** What an application may hand over as facts of its own. */
const facts = [circular, { a: 1n }, [], null, { a: 'x'.repeat(20_000) }];
const namesOfFacts = ['data', 'gatewayResponse', 'metadata'];

/** What stands in an argument, whole or within. */
type Value = unknown;

/** Every way in which one leaf of some arguments is something hostile of its own type. */
function* hostileOnes(value: Value): Generator<{ readonly at: string; readonly value: Value }> {
  if (typeof value === 'string') for (const text of texts) yield { at: JSON.stringify(text.slice(0, 12)), value: text };
  else if (typeof value === 'number') for (const number of numbers) yield { at: String(number), value: number };
  else if (value instanceof Date) for (const date of dates) yield { at: String(date.getTime()), value: date };
  else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) {
      for (const hostile of hostileOnes(one)) {
        yield { at: `[${index}]${hostile.at}`, value: value.with(index, hostile.value) };
      }
    }
  } else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const [name, one] of Object.entries(value)) {
      for (const hostile of hostileOnes(one)) {
        yield { at: `.${name} ${hostile.at}`, value: { ...value, [name]: hostile.value } };
      }
      if (!namesOfFacts.includes(name)) continue;
      for (const [place, fact] of facts.entries()) {
        yield { at: `.${name} ${place}`, value: { ...value, [name]: fact } };
      }
    }
  }
}

/** A method of the library, and arguments that are well. */
export interface HostileCall {
  readonly name: string;
  readonly call: (...given: never[]) => unknown;
  readonly given: readonly unknown[];
}

/**
 * Calls methods with one leaf after another replaced by something hostile, and lists what was neither answered nor
 * refused with an error of ours: what the database or a provider said, and errors that quote what was long.
 */
export async function hostileFaults(calls: readonly HostileCall[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { name, call, given } of calls) {
    for (const [index, one] of given.entries()) {
      for (const { at, value } of hostileOnes(one)) {
        const fault = await faultOf(() => Reflect.apply(call, undefined, given.with(index, value)));
        if (fault !== undefined) faults.push(`${name}(${index}${at}): ${fault}`);
      }
    }
  }
  return faults;
}

async function faultOf(run: () => unknown): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    // A TypeError says that an argument is of another type, not that something was missing within.
    const wrongType =
      error instanceof TypeError && !/cannot read|not a function|not iterable|undefined/i.test(error.message);
    if (isTenantryError(error) || wrongType) {
      return error.message.length > 3000 ? 'the error quotes all that was sent' : undefined;
    }
    return String(error).slice(0, 200);
  }
}
