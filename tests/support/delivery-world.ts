import { afterAll, afterEach } from 'vitest';
import { postgresDatabase } from './databases.ts';
import { type Answer, startReceiver, type TestReceiver } from './webhook-receiver.ts';
import { endpointWorld, forgetDeliveries, type webhookWorld } from './webhook-world.ts';

/** A database for the tests of a file, and receivers that each test starts; nothing of one test is left to the next. */
export async function deliveryWorld() {
  const database = await postgresDatabase<Record<string, never>>();
  const receivers: TestReceiver[] = [];
  afterEach(async () => {
    await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
    await forgetDeliveries(database);
  });
  afterAll(() => database.destroy());
  async function receiver(answer?: Answer): Promise<TestReceiver> {
    const started = await startReceiver(answer);
    receivers.push(started);
    return started;
  }
  /** A tenant with one endpoint, which is a receiver that answers so. */
  const oneEndpoint = async (answer?: Answer, options: Parameters<typeof webhookWorld>[1] = {}) =>
    endpointWorld(database, await receiver(answer), options);
  return { database, receiver, oneEndpoint };
}
