import type { EventCatalogue } from './define-events.ts';
import { jsonSchemaOf } from './standard-schema.ts';

/** The part of an OpenAPI 3.1 document that tells which webhooks are sent. */
export interface OpenApiWebhooks {
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

/** Which payloads are described. */
export interface OpenApiInput {
  /** The version of payloads; the newest when absent. */
  readonly version?: string;
}

const headers = [
  ['webhook-id', 'Names the message: the same each time it is delivered.'],
  ['webhook-timestamp', 'When it was sent, in Unix seconds.'],
  ['webhook-signature', 'Signatures by Standard Webhooks, parted by spaces.'],
] as const;

/**
 * Writes a catalogue as the `webhooks` of an OpenAPI 3.1 document. Schemas that cannot write themselves as JSON Schema
 * (Standard JSON Schema), or hold what JSON does not have, are described as any object.
 */
export function openApiOf(catalogue: EventCatalogue, { version }: OpenApiInput = {}): OpenApiWebhooks {
  const parameters = headers.map(([name, description]) => ({
    name,
    in: 'header',
    required: true,
    description,
    schema: { type: 'string' },
  }));
  const webhooks: Record<string, Readonly<Record<string, unknown>>> = {};
  const schemas: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const { type, description, deprecated, examples, older, schema } of catalogue.events.values()) {
    const before = version === undefined ? undefined : older.findLast((one) => one.version >= version);
    const place = `#/components/schemas/${type}`;
    schemas[type] = {
      type: 'object',
      required: ['type', 'timestamp', 'data'],
      properties: {
        type: { const: type },
        timestamp: { type: 'string', format: 'date-time', description: 'When it happened.' },
        data: jsonSchemaOf(before?.schema ?? schema, `${place}/properties/data`) ?? { type: 'object' },
      },
    };
    const steps = before === undefined ? [] : older.slice(0, older.indexOf(before) + 1);
    const shown = examples.map((data) =>
      steps.reduce((newer, { from }) => Reflect.apply(from, undefined, [newer]), data),
    );
    const content = {
      schema: { $ref: place },
      ...(shown.length > 0 && {
        examples: Object.fromEntries(
          shown.map((data, index) => [
            `example${index + 1}`,
            { value: { type, timestamp: '2026-03-01T12:00:00.000Z', data } },
          ]),
        ),
      }),
    };
    webhooks[type] = {
      post: {
        operationId: type,
        ...(description !== '' && { summary: description }),
        ...(deprecated !== null && { deprecated: true, description: deprecated }),
        parameters,
        requestBody: { required: true, content: { 'application/json': content } },
        responses: {
          '2XX': { description: 'It arrived. Any other answer is tried again later.' },
          '410': { description: 'The endpoint is gone: it is disabled.' },
        },
      },
    };
  }
  return { webhooks, components: { schemas } };
}
