/**
 * Writes src/testing/stripe/parameters/*.ts: which parameters each operation of Stripe's API takes, in a short form, from
 * the schema under tests/fixtures/stripe. Run it when the schema changes: `node scripts/stripe-parameters.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const home = new URL('../', import.meta.url);
const schemaFile = new URL('tests/fixtures/stripe/api-2026-10-28.endive.json', home);

/** The files, and the resources whose operations each of them holds. */
const files: Readonly<Record<string, readonly string[]>> = {
  customers: ['Customers', 'PaymentMethods', 'SetupIntents', 'TaxIds'],
  catalogue: ['Products', 'Prices', 'Coupons', 'PromotionCodes', 'Entitlements', 'Billing'],
  subscriptions: ['Subscriptions', 'SubscriptionItems', 'SubscriptionSchedules'],
  checkout: ['Checkout', 'BillingPortal'],
  invoices: ['Invoices', 'InvoiceItems', 'InvoicePayments', 'Refunds', 'CreditNotes'],
  platform: ['Events', 'WebhookEndpoints'],
};

interface Schema {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { in: string; name: string; required: boolean; schema: Schema }[];
  readonly requestBody?: { content: Readonly<Record<string, { schema: Schema }>> };
}

/** The text of each file, by its path from the root of the repository. */
export function stripeParameterFiles(): Record<string, string> {
  const api = JSON.parse(readFileSync(schemaFile, 'utf8'));
  const schemas: Readonly<Record<string, Schema>> = api.components.schemas;
  const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = api.paths;

  function shape(schema: Schema): string {
    if (schema.$ref !== undefined) return shape(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
    if (schema.anyOf !== undefined) {
      const parts = schema.anyOf.filter(({ type }) => type !== 'null').map(shape);
      return [...new Set(parts)].filter((part) => part !== '<>').join('|');
    }
    if (schema.enum !== undefined) return schema.enum.length > 20 ? 's' : `<${schema.enum.join(',')}>`;
    if (schema.type === 'array') return `${shape(schema.items ?? {})}[]`;
    if (schema.type === 'object')
      return typeof schema.additionalProperties === 'object'
        ? map(schema.additionalProperties)
        : hash(schema.properties ?? {}, schema.required);
    if (schema.type === 'number') return 'n';
    return schema.type === 'boolean' ? 'b' : 's';
  }

  function map(values: Schema): string {
    return values.$ref === undefined ? '{*}' : `{*:${shape(values)}}`;
  }

  function hash(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): string {
    const fields = Object.entries(properties);
    if (fields.length === 0) return '{*}';
    return `{${fields.map(([name, schema]) => `${name}${required.includes(name) ? '!' : ''}:${shape(schema)}`).join(' ')}}`;
  }

  const lines: Record<string, string[]> = {};
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId === undefined) continue;
      const file = Object.keys(files).find((name) => files[name]?.includes(operation.operationId.split('_')[0] ?? ''));
      if (file === undefined) continue;
      const body = operation.requestBody?.content['application/x-www-form-urlencoded']?.schema;
      const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
      const fields = Object.fromEntries(query.map(({ name, schema }) => [name, schema]));
      const required = query.filter((parameter) => parameter.required).map(({ name }) => name);
      const short = body === undefined ? (query.length === 0 ? '' : hash(fields, required)) : shape(body);
      const wrapped = wrap(`${method.toUpperCase()} ${path}${short === '' ? '' : ` ${short}`}`);
      lines[file] = [...(lines[file] ?? []), `  ${operation.operationId}: \`${wrapped}\`,`];
    }
  }
  return Object.fromEntries(
    Object.entries(lines).map(([file, entries]) => {
      const comment = '/** Operations and what they take, as scripts/stripe-parameters.ts wrote them. */';
      const text = `${comment}\nexport const ${file}Operations = {\n${entries.join('\n')}\n};\n`;
      return [`src/testing/stripe/parameters/${file}.ts`, text];
    }),
  );
}

/** Breaks a long line at its spaces; what reads it skips line ends. */
function wrap(text: string): string {
  const broken: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length > 110) {
      broken.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...broken, line].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(stripeParameterFiles())) writeFileSync(new URL(path, home), text);
}
