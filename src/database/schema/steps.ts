import { tenantsSchema } from './0001-tenants.ts';
import { organizationsSchema } from './0002-organizations.ts';
import { apiKeysSchema } from './0003-api-keys.ts';
import { usageSchema } from './0004-usage.ts';
import { migrationsSchema } from './0005-migrations.ts';
import { isolationSchema } from './0006-isolation.ts';

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
];
