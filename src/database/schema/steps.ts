import { tenantsSchema } from './0001-tenants.ts';
import { organizationsSchema } from './0002-organizations.ts';
import { apiKeysSchema } from './0003-api-keys.ts';
import { usageSchema } from './0004-usage.ts';
import { migrationsSchema } from './0005-migrations.ts';
import { isolationSchema } from './0006-isolation.ts';
import { retenantingSchema } from './0007-retenanting.ts';
import { grantsSchema } from './0008-grants.ts';
import { organizationPartsSchema } from './0009-organizations.ts';
import { auditSchema } from './0010-audit.ts';
import { rateLimitsSchema } from './0011-api-keys.ts';
import { plansSchema } from './0012-plans.ts';
import { webhookInboxSchema } from './0013-webhook-inbox.ts';
import { billingSchema } from './0014-billing.ts';
import { billingBooksSchema } from './0015-billing-books.ts';
import { webhooksSchema } from './0016-webhooks.ts';
import { authSchema } from './0017-auth.ts';
import { keyFactsSchema } from './0018-key-facts.ts';

/** One numbered step of the library's schema. A step that was released never changes; a new one is added. */
export interface SchemaStep {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** All steps, in the order in which they are applied. */
export const schemaSteps: readonly SchemaStep[] = [
  { version: 1, name: 'tenants', statements: tenantsSchema },
  { version: 2, name: 'organizations', statements: organizationsSchema },
  { version: 3, name: 'api-keys', statements: apiKeysSchema },
  { version: 4, name: 'usage', statements: usageSchema },
  { version: 5, name: 'migrations', statements: migrationsSchema },
  { version: 6, name: 'isolation', statements: isolationSchema },
  { version: 7, name: 'retenanting', statements: retenantingSchema },
  { version: 8, name: 'grants', statements: grantsSchema },
  { version: 9, name: 'organization-parts', statements: organizationPartsSchema },
  { version: 10, name: 'audit', statements: auditSchema },
  { version: 11, name: 'rate-limits', statements: rateLimitsSchema },
  { version: 12, name: 'plans', statements: plansSchema },
  { version: 13, name: 'webhook-inbox', statements: webhookInboxSchema },
  { version: 14, name: 'billing', statements: billingSchema },
  { version: 15, name: 'billing-books', statements: billingBooksSchema },
  { version: 16, name: 'webhooks', statements: webhooksSchema },
  { version: 17, name: 'auth', statements: authSchema },
  { version: 18, name: 'key-facts', statements: keyFactsSchema },
];
