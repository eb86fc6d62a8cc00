/** `npm run example:sonicus [port]`: the application on a converted database, on a PostgreSQL of its own. Ctrl+C ends both. */
import { bcrypt, createSigningKey } from 'tenantry/auth';
import { applyMigration } from 'tenantry/migrate';
import { openPlace, serve } from '../place.ts';
import { createSonicusService } from './app.ts';
import { organizationsToUsers } from './definition.ts';
import { generateSonicus } from './generate.ts';
import type { SonicusDatabase } from './legacy-schema.ts';
import { createSonicus, letUsersLogIn } from './login.ts';

const email = 'ada@sonicus.example';
const password = 'a demo password';

const place = await openPlace<SonicusDatabase>('sonicus');
await generateSonicus(place.owner, { users: 200 });
// Of the users as the old application had them, somebody whose password is known.
const member = place.owner.selectFrom('users').select('id').where('is_active', '=', true).where('role', '=', 'user');
const { id } = await member.orderBy('id').executeTakeFirstOrThrow();
const hash = await bcrypt({ cost: 10 }).hash(password);
await place.owner.updateTable('users').set({ email, hashed_password: hash }).where('id', '=', id).execute();
await applyMigration(place.owner, organizationsToUsers, { to: 'contract' });
await place.letIn();

const day = 86_400_000;
const old = { secret: 'the secret of the old application', until: new Date(Date.now() + day) };
const sonicus = createSonicus(place.app, { keys: [await createSigningKey()], old });
await letUsersLogIn(sonicus, place.app);

await serve(createSonicusService(sonicus, place.app), {
  text: (base) => `Sonicus listens at ${base}: 200 users of organizations became tenants of their own. Try:

TOKEN=$(curl -s ${base}/api/v1/auth/login -H 'Content-Type: application/json' \\
  -d '{"email":"${email}","password":"${password}"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -s -H "Authorization: Bearer $TOKEN" ${base}/api/v1/user/subscription
curl -s -H "Authorization: Bearer $TOKEN" ${base}/api/v1/user/packages
curl -s -H "Authorization: Bearer $TOKEN" ${base}/api/v1/user/analytics
curl -s -H "Authorization: Bearer $TOKEN" ${base}/api/v1/user/preferences
curl -si ${base}/api/v1/user/preferences      # 401: no token`,
  async close() {
    await sonicus.apiKeys.close();
    await place.close();
  },
});
