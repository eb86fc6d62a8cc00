/** What {@link createCoalescer} is made from. */
export interface CoalescerOptions<Item, Result> {
  /**
   * Does the work of all waiting items of one key, in one statement. It gives one result per item, in their order. When
   * it rejects, every item of the batch rejects with the same error.
   */
  readonly run: (key: string, items: readonly Item[]) => Promise<readonly Result[]>;
  /** How many batches of one key may be under way at once; 1 when absent, which is right for writes to one row. */
  readonly concurrency?: number;
  /** How many items one batch may hold, if need be by how many wait or are under way; 1,000 when absent. */
  readonly maxBatch?: number | ((outstanding: number) => number);
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes a function that joins calls that wait for the same row into one statement: calls of one tick go together, and
 * calls that arrive while a statement is under way go together in the next one. Each caller still gets its own answer,
 * after the statement that did its work has ended.
 */
export function createCoalescer<Item, Result>({
  run,
  concurrency = 1,
  maxBatch = 1000,
}: CoalescerOptions<Item, Result>): (key: string, item: Item) => Promise<Result> {
  const queues = new Map<string, { waiting: Waiting<Item, Result>[]; running: number; items: number }>();

  function pump(key: string): void {
    const queue = queues.get(key);
    if (queue === undefined) return;
    while (queue.waiting.length > 0 && queue.running < concurrency) {
      const most = typeof maxBatch === 'number' ? maxBatch : maxBatch(queue.waiting.length + queue.items);
      const batch = queue.waiting.splice(0, most);
      queue.running += 1;
      queue.items += batch.length;
      void settle(key, batch).finally(() => {
        queue.running -= 1;
        queue.items -= batch.length;
        if (queue.waiting.length === 0 && queue.running === 0) queues.delete(key);
        else pump(key);
      });
    }
  }

  async function settle(key: string, batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await run(
        key,
        batch.map((waiting) => waiting.item),
      );
      if (results.length !== batch.length) throw new TypeError('a coalesced statement must answer each of its items');
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  return (key, item) =>
    new Promise<Result>((resolve, reject) => {
      let queue = queues.get(key);
      if (queue === undefined) {
        queue = { waiting: [], running: 0, items: 0 };
        queues.set(key, queue);
      }
      queue.waiting.push({ item, resolve, reject });
      if (queue.waiting.length === 1 && queue.running < concurrency) queueMicrotask(() => pump(key));
    });
}
