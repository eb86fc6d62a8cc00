/** `npm run example:therapy-vouchers [port]`: the platform on a converted database, on a PostgreSQL of its own. Ctrl+C ends both. */
import { bcrypt, createSigningKey } from 'tenantry/auth';
import { applyMigration } from 'tenantry/migrate';
import { openPlace, serve } from '../place.ts';
import { createTherapyService } from './app.ts';
import { practiceToOrganizations } from './definition.ts';
import { generateTherapy } from './generate.ts';
import type { TherapyDatabase } from './legacy-schema.ts';
import { createTherapy, letUsersLogIn } from './login.ts';
import { takeVouchersIn } from './take-vouchers-in.ts';

const password = 'a demo password';
const people = { root: 'root@therapy.example', owner: 'owner@therapy.example', client: 'client@therapy.example' };

const place = await openPlace<TherapyDatabase>('therapy');
await generateTherapy(place.owner, { users: 120 });
await applyMigration(place.owner, practiceToOrganizations, { to: 'contract' });
await place.letIn();

const therapy = createTherapy(place.app, [await createSigningKey()]);
// Of the users as the practice had them, an owner and a client whose passwords are known.
const passwordHash = await bcrypt({ cost: 10 }).hash(password);
const { items: members } = await therapy.platform.members({ by: { userId: 'example' } });
for (const role of ['owner', 'client'] as const) {
  const found = members.find((member) => member.role === role && member.status === 'active');
  const set = { email: people[role], password_hash: passwordHash };
  await place.owner.updateTable('users').set(set).where('id', '=', Number(found?.userId)).execute();
}
await letUsersLogIn(therapy, place.app);
await takeVouchersIn(therapy, place.app);
const root = await therapy.auth.users.create({ email: people.root, password });

await serve(createTherapyService(therapy, place.app, { admins: [root.userId] }), {
  text: (base) => `The platform listens at ${base}: one practice became an organization among others. Try:

login() { curl -s ${base}/api/auth/login -H 'Content-Type: application/json' \\
  -d "{\\"email\\":\\"$1\\",\\"password\\":\\"${password}\\"}" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'; }
ROOT=$(login ${people.root}) OWNER=$(login ${people.owner}) CLIENT=$(login ${people.client})
curl -s -H "Authorization: Bearer $ROOT" ${base}/api/admin/organizations
curl -s -H "Authorization: Bearer $OWNER" ${base}/api/organizations/default-org/users
curl -s -H "Authorization: Bearer $CLIENT" ${base}/api/voucher-types/available
curl -s -H "Authorization: Bearer $CLIENT" ${base}/api/vouchers/my
curl -si -H "Authorization: Bearer $CLIENT" ${base}/api/admin/users      # 403: no administrator`,
  async close() {
    await therapy.apiKeys.close();
    await place.close();
  },
});
