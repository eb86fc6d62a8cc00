/**
 * `npm run example:billing [name]`: five ways in which programs are paid, or the one that is named, each with a Stripe and a
 * database in this process.
 */
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import { installSchema } from 'tenantry/database';
import { setUps } from './set-ups.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(setUps, name));
if (unknown.length > 0) {
  console.error(`there is no ${unknown.join(', ')}; there are ${Object.keys(setUps).join(', ')}`);
  process.exit(2);
}
for (const [name, { title, tell }] of Object.entries(setUps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n${name}: ${title}`);
  const db = new Kysely<Record<never, never>>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
  await installSchema(db);
  await tell(db, (line) => console.log(`  ${line}`));
  await db.destroy();
}
