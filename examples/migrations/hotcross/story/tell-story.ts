import { installSchema } from 'tenantry/database';
import { createApplication } from '../application.ts';
import type { DemoDatabase } from '../demo-database.ts';
import { generateLegacy } from '../generate.ts';
import type { Printer } from '../print.ts';
import type { Census } from './census.ts';
import { fingerprint } from './fingerprint.ts';
import { tellGuide } from './guide-chapter.ts';
import { tellInventory } from './inventory.ts';
import { issuedKeys, type KeysOutcome, tryKeys } from './keys.ts';
import { apply, census, makePlan, tellPlan, type VerifyOutcome, verify } from './migration.ts';
import { enterOrganization } from './organization.ts';
import { type ConsumeOutcome, drainQuota } from './quota.ts';
import { rollBack } from './rollback.ts';
import { fillSeats } from './seats.ts';
import type { Story } from './story.ts';
import { verifyWebhooks } from './webhook.ts';

/** What the demonstration found, in one object. */
export interface DemoSummary {
  readonly customers: number;
  readonly guide: { readonly lost: number; readonly doubled: number };
  readonly tenantry: Census;
  readonly verify: VerifyOutcome;
  readonly keys: KeysOutcome;
  readonly consume: ConsumeOutcome;
  readonly rollback: { readonly identical: boolean };
  readonly seconds: number;
}

/** A summary, and what was promised and did not hold. */
export interface DemoOutcome {
  readonly summary: DemoSummary;
  readonly broken: readonly string[];
}

/** Tells the whole story on an empty database, from the legacy service to organizations with seats, and back. */
export async function tellStory(
  { owner, app, appLogin, where }: Pick<DemoDatabase, 'owner' | 'app' | 'appLogin' | 'where'>,
  { customers, printer }: { readonly customers: number; readonly printer: Printer },
): Promise<DemoOutcome> {
  const begun = performance.now();
  const broken: string[] = [];
  const story: Story = {
    owner,
    app,
    printer,
    promise(holds, text) {
      printer.outcome(holds, text);
      if (!holds) broken.push(text);
    },
  };

  printer.heading(`What is there (${where})`);
  const legacy = await generateLegacy(owner, { customers });
  await tellInventory(story, legacy);
  const before = await fingerprint(owner);
  const issued = await issuedKeys(owner);

  printer.heading("What the guide's own SQL would do, in a scratch schema");
  const guide = await tellGuide(story);

  printer.heading('The plan');
  await installSchema(owner, { grantTo: [appLogin] });
  const plan = await tellPlan(story);

  printer.heading('Apply');
  await apply(story, plan);

  printer.heading('Verify');
  const verified = await verify(story, { show: 'all' });
  const counted = await census(story, customers);

  const application = createApplication(app);
  printer.heading('Old keys');
  const keys = await tryKeys(story, application, issued);
  const { tenantId, secret } = await enterOrganization(story, application);

  printer.heading('Seats');
  await fillSeats(story, application, tenantId);

  printer.heading('Quota');
  const consume = await drainQuota(story, application, secret);

  printer.heading('Webhook');
  verifyWebhooks(story, tenantId);

  printer.heading('Roll back');
  const identical = await rollBack(story, before);

  printer.heading('Apply once more');
  await apply(story, await makePlan(story));
  const again = await verify(story, { show: 'failures' });
  const recounted = await census(story, customers);

  const seconds = Math.round((performance.now() - begun) / 100) / 10;
  printer.heading(
    broken.length === 0 ? `All promises held, in ${seconds} s` : `${broken.length} promises did not hold`,
  );
  for (const text of broken) printer.outcome(false, text);
  const summary: DemoSummary = {
    customers,
    guide: { lost: guide.lost, doubled: guide.doubled },
    tenantry: {
      ...counted,
      lost: Math.max(counted.lost, recounted.lost),
      doubled: Math.max(counted.doubled, recounted.doubled),
    },
    verify: { checks: verified.checks, failed: verified.failed + again.failed },
    keys,
    consume,
    rollback: { identical },
    seconds,
  };
  return { summary, broken };
}
