import { describe, expect, it } from 'vitest';
import { createPlaces, type Place, type Places } from './places.ts';

const rules = { concurrency: 8, perEndpoint: 4, slowAfterMilliseconds: 1 };

/** Takes places that turn out to take long. */
async function takeSlow(places: Places, endpointId: string, count = 1): Promise<Place[]> {
  const taken = Array.from({ length: count }, () => places.take(endpointId));
  const running = places.running();
  while (places.free() < Math.min(rules.concurrency, 64 - running))
    await new Promise((resolve) => setTimeout(resolve, 1));
  return taken;
}

describe('an endpoint that takes long', () => {
  it('holds no place of the others beyond the first moment, and none at all once that is known', async () => {
    const places = createPlaces(rules);
    const first = places.take('slow');
    expect(places.free()).toBe(7);
    first.recorded();
    const [under] = await takeSlow(places, 'slow');
    expect([places.free(), places.running()]).toEqual([8, 1]);
    const more = [places.take('slow'), places.take('slow')];
    expect([places.free(), places.running()]).toEqual([8, 3]);
    places.take('quick');
    expect([places.free(), places.running()]).toEqual([7, 4]);
    for (const place of [under, ...more]) place?.recorded();
    expect([places.free(), places.running()]).toEqual([7, 1]);
  });

  it('is one like others again after an attempt that was quick', async () => {
    const places = createPlaces({ ...rules, slowAfterMilliseconds: 20 });
    const slow = await takeSlow(places, 'one');
    for (const place of slow) place.recorded();
    places.take('one').recorded();
    places.take('one');
    expect(places.free()).toBe(7);
  });

  it('has fewer places the more of them are taken, and in the end none, while others have theirs', async () => {
    const places = createPlaces(rules);
    const busy = (id: string) => places.busy().get(id);
    await takeSlow(places, 'a', 4);
    expect(busy('a')).toEqual({ places: 4, taken: 4 });
    for (const id of ['b', 'c', 'd']) await takeSlow(places, id, 4);
    expect(busy('a')).toEqual({ places: 1, taken: 4 });
    for (const id of ['e', 'f', 'g', 'h']) await takeSlow(places, id, 4);
    const known = await takeSlow(places, 'i');
    for (const place of known) place.recorded();
    expect([busy('a')?.places, busy('i')]).toEqual([0, { places: 0, taken: 0 }]);
    expect(busy('never seen')).toBeUndefined();
    expect(places.free()).toBe(8);
  });
});

it('a worker has eight times its places under way at most, when everything hangs at once', async () => {
  const places = createPlaces(rules);
  let endpoints = 0;
  for (; places.free() > 0 && endpoints < 1000; endpoints += 1) {
    await takeSlow(places, `hanging ${endpoints}`, Math.min(places.free(), 8));
  }
  expect([places.running(), endpoints]).toEqual([64, 8]);
});
