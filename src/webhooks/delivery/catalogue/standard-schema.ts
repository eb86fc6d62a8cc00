/** What is wrong with a value, by Standard Schema. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema says of a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/**
 * A schema of any library that follows Standard Schema 1 (https://standardschema.dev): zod, valibot, arktype and others.
 * Where it can also write itself as JSON Schema, it does so for OpenAPI.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    /** Checks a value and gives what becomes of it. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    readonly jsonSchema?:
      | {
          /** Writes what it gives as JSON Schema. */
          readonly output: (options: { readonly target: 'draft-2020-12' }) => Readonly<Record<string, unknown>>;
        }
      | undefined;
  };
}

/** What a schema takes. */
export type InputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input'];

/** What a schema gives. */
export type OutputOf<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output'];

/**
 * The JSON Schema of what a schema gives, to stand at a place in a document (`#/components/…`), to which what it says of
 * its own parts is led; undefined where it cannot say, as of a value that JSON does not have.
 */
export function jsonSchemaOf(schema: StandardSchema, place: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const { $schema: _dialect, ...written } = schema['~standard'].jsonSchema?.output({ target: 'draft-2020-12' }) ?? {};
    if (Object.keys(written).length === 0) return undefined;
    return JSON.parse(JSON.stringify(written), (key, value) =>
      key === '$ref' && typeof value === 'string' && value.startsWith('#') ? `${place}${value.slice(1)}` : value,
    );
  } catch {
    return undefined;
  }
}

/** Where and what is wrong, in one line: `amount: expected number`. */
export function issueText({ message, path = [] }: StandardIssue): string {
  const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
