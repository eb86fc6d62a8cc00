import { expect, it } from 'vitest';
import { createBoundedMap } from './bounded-map.ts';

it('never holds more than its bound, and keeps what is read', () => {
  for (const max of [1, 2, 3, 10, 100]) {
    const map = createBoundedMap<number, string>(max);
    map.set(-1, 'kept');
    for (let key = 0; key < 1000; key += 1) {
      map.set(key, `value ${key}`);
      expect(map.size).toBeLessThanOrEqual(Math.max(max, 1));
      if (max >= 4) expect(map.get(-1)).toBe('kept');
    }
    expect(map.get(999)).toBe('value 999');
    expect(map.get(0)).toBeUndefined();
  }
});

it('forgets what is deleted, wherever it lay', () => {
  const map = createBoundedMap<number, number>(4);
  for (const key of [1, 2, 3]) map.set(key, key);
  for (const key of [1, 2, 3]) {
    expect(map.get(key)).toBe(key);
    map.delete(key);
    expect(map.get(key)).toBeUndefined();
  }
  map.set(4, 4);
  map.clear();
  expect([map.get(4), map.size]).toEqual([undefined, 0]);
});

it('holds the newest value of a key', () => {
  const map = createBoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  expect(map.get('a')).toBe(3);
});
