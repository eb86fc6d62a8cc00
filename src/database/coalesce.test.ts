import { expect, it } from 'vitest';
import { createCoalescer } from './coalesce.ts';

/** A statement that ends when it is told to. */
function recorder<Item>() {
  const batches: { key: string; items: readonly Item[]; end(): void; fail(error: unknown): void }[] = [];
  const run = (key: string, items: readonly Item[]): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      batches.push({ key, items, end: () => resolve(items.map((item) => `${key}:${item}`)), fail: reject });
    });
  return { batches, run };
}

/** Lets every callback that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('joins the calls of one tick into one statement and gives each its own answer, in order', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run });
  const answers = Promise.all([1, 2, 3].map((item) => call('a', item)));
  await settle();
  expect(batches.map(({ key, items }) => ({ key, items }))).toEqual([{ key: 'a', items: [1, 2, 3] }]);
  batches[0]?.end();
  expect(await answers).toEqual(['a:1', 'a:2', 'a:3']);
});

it('joins what arrives while a statement is under way into the next one', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run });
  const answers = [call('a', 1)];
  await settle();
  for (const item of [2, 3, 4]) {
    answers.push(call('a', item));
    await settle();
  }
  expect(batches).toHaveLength(1);
  batches[0]?.end();
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  batches[1]?.end();
  expect(await Promise.all(answers)).toEqual(['a:1', 'a:2', 'a:3', 'a:4']);
});

it('answers nobody before the statement that did the work has ended', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run });
  let answered = false;
  const answer = call('a', 1).then(() => {
    answered = true;
  });
  await settle();
  expect(answered).toBe(false);
  batches[0]?.end();
  await answer;
});

it('keeps keys apart', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run });
  const answers = Promise.all([call('a', 1), call('b', 2), call('a', 3)]);
  await settle();
  expect(batches.map(({ key, items }) => [key, items])).toEqual([
    ['a', [1, 3]],
    ['b', [2]],
  ]);
  for (const batch of batches) batch.end();
  expect(await answers).toEqual(['a:1', 'b:2', 'a:3']);
});

it('holds at most maxBatch items in a statement and runs at most concurrency of them at once', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run, concurrency: 2, maxBatch: 2 });
  const answers = Promise.all([1, 2, 3, 4, 5].map((item) => call('a', item)));
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  batches[1]?.end();
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3, 4], [5]]);
  batches[2]?.end();
  batches[0]?.end();
  expect(await answers).toEqual(['a:1', 'a:2', 'a:3', 'a:4', 'a:5']);
});

it('gathers who comes back in one turn while another batch is under way, where it is told to', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run, concurrency: 2, maxBatch: 2, gather: true });
  const both = [call('a', 1), call('a', 2), call('a', 3)];
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3]]);
  // One came too late for both of them; those who come back later in this turn go with it.
  const late = call('a', 4);
  batches[0]?.end();
  const back = both.slice(0, 2).map(async (answer, index) => {
    await answer;
    for (let tick = 0; tick < 5; tick += 1) await undefined;
    return call('a', 5 + index);
  });
  await settle();
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2], [3], [4, 5]]);
  batches[1]?.end();
  batches[2]?.end();
  await settle();
  await settle();
  batches[3]?.end();
  expect(await Promise.all([late, ...back])).toEqual(['a:4', 'a:5', 'a:6']);
});

it('lets an item wait alone whose answer is a promise, and tells its error to nobody else', async () => {
  let end: (answer: string) => void = () => undefined;
  const later = new Promise<string>((resolve) => {
    end = resolve;
  });
  const call = createCoalescer<number, string>({
    run: async (_, items) => (items.length === 1 ? ['d'] : ['a', later, Promise.reject(new RangeError('x'))]),
  });
  const [first, second, third] = [call('a', 1), call('a', 2), call('a', 3)];
  expect(await first).toBe('a');
  await expect(third).rejects.toThrow(RangeError);
  // The next batch does not wait for it.
  expect(await call('a', 4)).toBe('d');
  end('b');
  expect(await second).toBe('b');
});

it('tells an error to every caller of the batch and works on after it', async () => {
  const { batches, run } = recorder<number>();
  const call = createCoalescer({ run });
  const failing = Promise.allSettled([call('a', 1), call('a', 2)]);
  await settle();
  const later = call('a', 3);
  const error = new Error('connection lost');
  batches[0]?.fail(error);
  expect(await failing).toEqual([
    { status: 'rejected', reason: error },
    { status: 'rejected', reason: error },
  ]);
  await settle();
  batches[1]?.end();
  expect(await later).toBe('a:3');
});

it('tells callers when the statement throws at once or gives a wrong number of answers', async () => {
  const throwing = createCoalescer<number, number>({
    run: () => {
      throw new RangeError('x');
    },
  });
  await expect(throwing('a', 1)).rejects.toThrow(RangeError);
  const short = createCoalescer<number, number>({ run: async () => [1] });
  const settled = await Promise.allSettled([short('a', 1), short('a', 2)]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});

it('does the work of each of many interleaved callers exactly once', async () => {
  const done: number[] = [];
  const call = createCoalescer<number, number>({
    maxBatch: 7,
    run: async (_, items) => {
      await settle();
      done.push(...items);
      return items.map((item) => item * 2);
    },
  });
  const answers = await Promise.all(
    Array.from({ length: 500 }, async (_, item) => {
      for (let wait = 0; wait < item % 5; wait += 1) await settle();
      return call(`key ${item % 3}`, item);
    }),
  );
  expect(answers).toEqual(Array.from({ length: 500 }, (_, item) => item * 2));
  expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, item) => item));
});
