import { isTenantryError, TenantryError } from '../../core/index.ts';

/** What every answer of Stripe has. */
interface Answer {
  readonly object?: unknown;
  readonly id?: unknown;
  readonly livemode?: unknown;
}

/** How calls to Stripe are looked at. */
export interface StripeCalls {
  /**
   * Makes a call and looks at its answer: the client decides by an `error` in the body alone whether it went well, so a
   * page of a proxy comes as an object without an id.
   */
  one<Result extends Answer>(operation: string, object: string, call: () => Promise<Result>): Promise<Result>;
  /** The same, for what may not be there: null. */
  maybe<Result extends Answer>(operation: string, object: string, call: () => Promise<Result>): Promise<Result | null>;
  /** All pages of a list. */
  all<Result extends Answer & { readonly id: string }>(
    operation: string,
    object: string,
    page: (after: string | undefined) => Promise<{ readonly data: readonly Result[]; readonly has_more: boolean }>,
  ): Promise<readonly Result[]>;
  /** The same one after another, for lists of all customers. */
  pages<Result extends Answer & { readonly id: string }>(
    operation: string,
    object: string,
    page: (after: string | undefined) => Promise<{ readonly data: readonly Result[]; readonly has_more: boolean }>,
  ): AsyncIterable<Result>;
  /** All pages of a search. */
  search<Result extends Answer & { readonly id: string }>(
    operation: string,
    object: string,
    page: (
      next: string | undefined,
    ) => Promise<{ readonly data: readonly Result[]; readonly next_page?: string | null }>,
  ): Promise<readonly Result[]>;
}

/** Makes what calls to Stripe go through. Objects of the other mode are refused. */
export function createStripeCalls(livemode: boolean): StripeCalls {
  function check<Result extends Answer>(operation: string, object: string, answer: Result): Result {
    const problem =
      typeof answer !== 'object' || answer === null
        ? 'the answer is no object'
        : answer.object !== object
          ? `the answer is no ${object}`
          : typeof answer.id !== 'string' || answer.id === ''
            ? 'the answer has no id'
            : undefined;
    if (problem !== undefined) throw answerInvalid(operation, problem);
    if (typeof answer.livemode === 'boolean' && answer.livemode !== livemode) {
      throw new TenantryError('provider_mode_mismatch', {
        expected: livemode ? 'live' : 'test',
        actual: answer.livemode ? 'live' : 'test',
      });
    }
    return answer;
  }

  async function call<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(operation, error);
    }
  }

  async function* pages<Result extends Answer & { readonly id: string }>(
    operation: string,
    object: string,
    page: (after: string | undefined) => Promise<{ readonly data: readonly Result[]; readonly has_more: boolean }>,
  ): AsyncGenerator<Result> {
    let after: string | undefined;
    for (;;) {
      const last = after;
      const answer = await call(operation, () => page(last));
      const data = listIn(operation, answer);
      for (const one of data) yield check(operation, object, one);
      after = data.at(-1)?.id;
      if (answer.has_more !== true || data.length === 0) return;
    }
  }

  return {
    one: async (operation, object, work) => check(operation, object, await call(operation, work)),

    async maybe(operation, object, work) {
      try {
        return check(operation, object, await call(operation, work));
      } catch (error) {
        if (isTenantryError(error, 'provider_refused') && error.details.reason === 'resource_missing') return null;
        throw error;
      }
    },

    async all(operation, object, page) {
      const found = [];
      for await (const one of pages(operation, object, page)) found.push(one);
      return found;
    },

    pages,

    async search(operation, object, page) {
      const found = [];
      let next: string | undefined;
      do {
        const at = next;
        const answer = await call(operation, () => page(at));
        for (const one of listIn(operation, answer)) found.push(check(operation, object, one));
        next = answer.next_page ?? undefined;
      } while (next !== undefined);
      return found;
    },
  };
}

function listIn<Result>(operation: string, answer: { readonly data: readonly Result[] }): readonly Result[] {
  if (typeof answer === 'object' && answer !== null && Array.isArray(answer.data)) return answer.data;
  throw answerInvalid(operation, 'the answer is no list');
}

function answerInvalid(operation: string, problem: string): TenantryError {
  return new TenantryError('provider_answer_invalid', { provider: 'stripe', operation, problem });
}

/** Only codes are told on: Stripe's sentences may quote what was sent, keys among it. */
function failureOf(operation: string, error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('type' in error)) return error;
  const text = (name: string): string | undefined => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const type = text('type') ?? '';
  if (!type.startsWith('Stripe')) return error;
  const code = text('code');
  const status: unknown = Reflect.get(error, 'statusCode');
  const reason = unavailable(type, code, typeof status === 'number' ? status : undefined);
  if (reason !== undefined) {
    return new TenantryError('provider_unavailable', { provider: 'stripe', operation, reason }, { cause: error });
  }
  const details = { provider: 'stripe', operation, reason: text('decline_code') ?? code ?? type };
  return new TenantryError('provider_refused', details, { cause: error });
}

/** Why it is not known whether it was done; undefined where it is known that it was not. */
function unavailable(type: string, code: string | undefined, status: number | undefined): string | undefined {
  // Stripe answers 429 also where another call holds the object.
  if (code === 'idempotency_key_in_use' || code === 'lock_timeout' || status === 409) return 'in_progress';
  if (type === 'StripeRateLimitError' || status === 429) return 'rate_limited';
  if (type === 'StripeConnectionError') return 'no_answer';
  // Stripe answers the same key with the same failure ever after: whether it was done must be looked for.
  if (type === 'StripeAPIError' || (status !== undefined && status >= 500)) return 'failed';
  return undefined;
}
