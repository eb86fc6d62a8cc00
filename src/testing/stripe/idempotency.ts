import { createHash } from 'node:crypto';
import type { Answer, Request } from './answer.ts';
import { Refusal } from './refusal.ts';

/** What was answered under the idempotency keys of the last day. */
export interface KeyedAnswers {
  /** What was answered before under this key; throws where the request is another one. */
  recall(key: string, request: Request, now: number): Answer | undefined;
  remember(key: string, request: Request, answer: Answer, now: number): void;
}

/** Makes the memory of answers: Stripe keeps them for at least 24 hours, whether they succeeded or not. */
export function createKeyedAnswers(): KeyedAnswers {
  const kept = new Map<string, { print: string; path: string; answer: Answer; at: number }>();
  return {
    recall(key, request, now) {
      const before = kept.get(key);
      if (before === undefined || before.at < now - 86_400) return undefined;
      if (before.path !== request.path) {
        throw new Refusal(400, {
          type: 'idempotency_error',
          message: `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${request.path}' vs '${before.path}'). Try using a key other than '${key}' if you meant to execute a different request.`,
        });
      }
      if (before.print !== printOf(request)) {
        throw new Refusal(400, {
          type: 'idempotency_error',
          message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
        });
      }
      return before.answer;
    },
    remember(key, request, answer, now) {
      if (answer.began) kept.set(key, { print: printOf(request), path: request.path, answer, at: now });
    },
  };
}

function printOf({ method, path, query, body }: Request): string {
  return createHash('sha256').update([method, path, query, body].join('\n')).digest('hex');
}
