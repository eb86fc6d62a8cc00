/** What {@link createCoalescer} is made from. */
export interface CoalescerOptions<Item, Result> {
  /**
   * Does the work of all waiting items of one key, in one statement. It gives one result per item, in their order; an item
   * whose result is a promise waits for it alone. When it rejects, every item of the batch rejects with the same error.
   */
  readonly run: (key: string, items: readonly Item[]) => Promise<readonly (Result | Promise<Result>)[]>;
  /** How many batches of one key may be under way at once; 1 when absent, which is right for writes to one row. */
  readonly concurrency?: number;
  /** How many items one batch may hold, if need be by how many wait or are under way; 1,000 when absent. */
  readonly maxBatch?: number | ((outstanding: number) => number);
  /**
   * Whether, while a batch is under way, the next one goes off only with the next turn of the event loop, so that callers
   * who come back with their next item in this turn share one statement. Without it, whoever comes first goes off alone.
   */
  readonly gather?: boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | Promise<Result>) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue<Item, Result> {
  readonly key: string;
  waiting: Waiting<Item, Result>[];
  /** How many batches are under way, and how many items are in them. */
  running: number;
  items: number;
  /** Whether it will be looked after by itself. */
  due: boolean;
}

/**
 * Makes a function that joins calls that wait for the same row into one statement: calls of one tick go together, and
 * calls that arrive while a statement is under way go together in the next one. Each caller still gets its own answer,
 * after the statement that did its work has ended.
 *
 * @example
 * ```ts
 * import { createCoalescer } from 'tenantry/database';
 *
 * let sum = 0;
 * let statements = 0;
 * const add = createCoalescer<number, number>({
 *   async run(_key, amounts) {
 *     statements += 1; // one statement for all who wait
 *     return amounts.map((amount) => (sum += amount));
 *   },
 * });
 * await Promise.all([add('acme', 1), add('acme', 2), add('acme', 3)]); // [1, 3, 6], and statements is 1
 * ```
 */
export function createCoalescer<Item, Result>({
  run,
  concurrency = 1,
  maxBatch = 1000,
  gather = false,
}: CoalescerOptions<Item, Result>): (key: string, item: Item) => Promise<Result> {
  const queues = new Map<string, Queue<Item, Result>>();

  function pump(queue: Queue<Item, Result>): void {
    queue.due = false;
    while (queue.waiting.length > 0 && queue.running < concurrency) {
      const most = typeof maxBatch === 'number' ? maxBatch : maxBatch(queue.waiting.length + queue.items);
      const batch = queue.waiting;
      queue.waiting = batch.splice(most);
      queue.running += 1;
      queue.items += batch.length;
      start(queue, batch);
    }
  }

  function start(queue: Queue<Item, Result>, batch: readonly Waiting<Item, Result>[]): void {
    const ended = (): void => {
      queue.running -= 1;
      queue.items -= batch.length;
      if (queue.waiting.length > 0) look(queue);
      else if (queue.running === 0) queues.delete(queue.key);
    };
    const fail = (error: unknown): void => {
      for (const { reject } of batch) reject(error);
      ended();
    };
    const answer = (results: readonly (Result | Promise<Result>)[]): void => {
      if (results.length !== batch.length) {
        fail(new TypeError('a coalesced statement must answer each of its items'));
        return;
      }
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
      ended();
    };
    const items = batch.map(({ item }) => item);
    try {
      run(queue.key, items).then(answer, fail);
    } catch (error) {
      fail(error);
    }
  }

  function look(queue: Queue<Item, Result>): void {
    if (queue.due || queue.running >= concurrency) return;
    queue.due = true;
    if (gather && queue.running > 0) setImmediate(pump, queue);
    else queueMicrotask(() => pump(queue));
  }

  return (key, item) =>
    new Promise<Result>((resolve, reject) => {
      let queue = queues.get(key);
      if (queue === undefined) {
        queue = { key, waiting: [], running: 0, items: 0, due: false };
        queues.set(key, queue);
      }
      queue.waiting.push({ item, resolve, reject });
      look(queue);
    });
}
