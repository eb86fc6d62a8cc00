import { postgresDatabase, type TestDatabase, type TestDatabaseOptions } from './databases.ts';
import { makeShop, type Shop } from './retenant-rows.ts';

/** A database with the tables of the shop, which are empty. */
export async function shopDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase<Shop>> {
  const database = await postgresDatabase<Shop>(options);
  await makeShop(database.owner);
  return database;
}
