import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { FakeExchange, FakeStripe } from '../../src/testing/index.ts';
import { decodeForm } from '../../src/testing/stripe/form.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly enum?: readonly string[];
  readonly [keyword: string]: unknown;
}

interface Operation {
  readonly operationId?: string;
  readonly parameters?: readonly { in: string; name: string; required: boolean; schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** What the tests have covered of Stripe's API. */
export interface StripeCoverage {
  readonly operations: number;
  readonly operationsKnown: number;
  /** Top-level parameters that were sent, of those that the covered operations take. */
  readonly parameters: number;
  readonly parametersKnown: number;
  /** Fields that answers had, of those that the covered objects have. */
  readonly fields: number;
  readonly fieldsKnown: number;
  readonly requests: number;
  readonly answers: number;
}

/** Holds requests and answers against Stripe's API, and counts what they cover. */
export interface StripeSchema {
  /** Watches a fake: every request it takes and every answer it gives. */
  watch(fake: FakeStripe): FakeStripe;
  /** What did not fit, one line each. */
  readonly problems: readonly string[];
  readonly coverage: StripeCoverage;
  /** The parameters of every operation. */
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  /** The coverage of this file and of those that were done before in the same run, as one line. */
  summary(): string;
  /** Validates one object against a schema of the API by its name; the problems, if any. */
  check(schema: string, value: unknown): readonly string[];
}

/** Makes the check from the schema that the repository carries. */
export function createStripeSchema(): StripeSchema {
  const api = closed(merged(read('api-2026-10-28.endive.json'), read('beyond-api.json')));
  const answers = new Ajv({ strict: false });
  const requests = new Ajv({ strict: false, coerceTypes: true });
  for (const ajv of [answers, requests]) ajv.addSchema({ $id: 'stripe', ...api });
  const operations = new Map<string, Operation>();
  for (const methods of Object.values(api.paths)) {
    for (const operation of Object.values(methods)) {
      if (operation.operationId !== undefined) operations.set(operation.operationId, operation);
    }
  }
  const compiled = new Map<string, ValidateFunction>();
  const problems: string[] = [];
  const seen = { operations: new Set<string>(), parameters: new Set<string>(), fields: new Set<string>() };
  const counts = { requests: 0, answers: 0 };

  function validate(ajv: Ajv, key: string, schema: Schema, value: unknown): readonly string[] {
    const validator = compiled.get(key) ?? ajv.compile(absolute(schema));
    compiled.set(key, validator);
    return validator(value) ? [] : (validator.errors ?? []).slice(0, 5).map(lineOf);
  }

  function judge(exchange: FakeExchange): void {
    const { operation: id, method, path, status } = exchange;
    if (id === undefined || exchange.fault !== undefined) return;
    const operation = operations.get(id);
    const told = `${id} (${method} ${path}, ${status})`;
    if (operation === undefined) {
      problems.push(`${told}: the schema does not know it`);
      return;
    }
    seen.operations.add(id);
    const params = decodeForm([exchange.query, exchange.body].filter((part) => part !== '').join('&'));
    for (const name of Object.keys(params)) seen.parameters.add(`${id} ${name}`);
    if (status === 200) {
      counts.requests += 1;
      const found = validate(requests, `${id} request`, requestOf(operation), params);
      problems.push(...found.map((problem) => `${told} request${problem}`));
    }
    counts.answers += 1;
    const schema = status === 200 ? answerOf(operation) : { $ref: '#/components/schemas/error' };
    const found = validate(answers, status === 200 ? `${id} answer` : 'error', schema, exchange.answer);
    problems.push(...found.map((problem) => `${told} answer${problem}`));
    note(exchange.answer);
  }

  function note(value: unknown): void {
    if (Array.isArray(value)) value.forEach(note);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    if ('object' in value && typeof value.object === 'string') {
      for (const name of Object.keys(value)) seen.fields.add(`${value.object} ${name}`);
    }
    Object.values(value).forEach(note);
  }

  function coverage(): StripeCoverage {
    let parametersKnown = 0;
    for (const id of seen.operations) {
      const operation = operations.get(id);
      if (operation !== undefined) parametersKnown += Object.keys(propertiesOf(api, requestOf(operation))).length;
    }
    const objects = new Map<string, ReadonlySet<string>>();
    for (const schema of Object.values(api.components.schemas)) {
      const [kind] = schema.properties?.object?.enum ?? [];
      if (kind === undefined || 'deleted' in required(schema)) continue;
      objects.set(kind, new Set(Object.keys(schema.properties ?? {})));
    }
    const had = [...seen.fields].map((field) => field.split(' '));
    return {
      operations: seen.operations.size,
      operationsKnown: operations.size,
      parameters: seen.parameters.size,
      parametersKnown,
      fields: had.filter(([kind = '', name = '']) => objects.get(kind)?.has(name)).length,
      fieldsKnown: [...new Set(had.map(([kind = '']) => kind))].reduce(
        (sum, kind) => sum + (objects.get(kind)?.size ?? 0),
        0,
      ),
      ...counts,
    };
  }

  return {
    watch(fake) {
      fake.onExchange(judge);
      return fake;
    },
    problems,
    parameters: Object.fromEntries(
      [...operations].map(([id, operation]) => [id, Object.keys(propertiesOf(api, requestOf(operation)))]),
    ),
    get coverage() {
      return coverage();
    },
    summary() {
      share(seen, counts);
      const c = coverage();
      return `Stripe API: ${c.operations} of ${c.operationsKnown} operations, ${c.parameters} of ${c.parametersKnown} parameters, ${c.fields} of ${c.fieldsKnown} fields; ${c.requests} requests and ${c.answers} answers fit the schema`;
    },
    check: (name, value) => validate(answers, `schema ${name}`, { $ref: `#/components/schemas/${name}` }, value),
  };
}

interface Seen {
  readonly operations: Set<string>;
  readonly parameters: Set<string>;
  readonly fields: Set<string>;
}

/** Adds what other files of this run have seen, and leaves what this one has seen to them. */
function share(seen: Seen, counts: { requests: number; answers: number }): void {
  const file = join(tmpdir(), `tenantry-stripe-coverage-${process.ppid}.jsonl`);
  const before = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  const own = {
    operations: [...seen.operations],
    parameters: [...seen.parameters],
    fields: [...seen.fields],
    ...counts,
  };
  appendFileSync(file, `${JSON.stringify(own)}\n`);
  for (const line of before) {
    const other = JSON.parse(line);
    for (const name of ['operations', 'parameters', 'fields'] as const) {
      for (const value of other[name]) seen[name].add(value);
    }
    counts.requests += other.requests;
    counts.answers += other.answers;
  }
}

function read(file: string): Api {
  return JSON.parse(readFileSync(new URL(`../fixtures/stripe/${file}`, import.meta.url), 'utf8'));
}

function merged(one: Api, other: Api): Api {
  return {
    paths: { ...one.paths, ...other.paths },
    components: { schemas: { ...one.components.schemas, ...other.components.schemas } },
  };
}

/** Objects that are described have no further fields, so that a field which the fake makes up is found. */
function closed<Part>(part: Part): Part {
  return JSON.parse(JSON.stringify(part), (_key, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    if (Array.isArray(value.anyOf) && value.anyOf.length === 0) return { not: {} };
    const described = value.type === 'object' && value.properties !== undefined;
    if (described && value.additionalProperties === undefined && value['x-pruned'] === undefined) {
      return { ...value, additionalProperties: false };
    }
    return value;
  });
}

function absolute(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"stripe#/components'));
}

function requestOf(operation: Operation): Schema {
  const body = operation.requestBody?.content['application/x-www-form-urlencoded']?.schema;
  if (body !== undefined) return body;
  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  return {
    type: 'object',
    properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
    required: query.filter((parameter) => parameter.required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function answerOf(operation: Operation): Schema {
  return operation.responses['200']?.content['application/json']?.schema ?? {};
}

function propertiesOf(api: Api, schema: Schema): Readonly<Record<string, Schema>> {
  const { $ref: reference } = schema;
  if (typeof reference !== 'string') return schema.properties ?? {};
  return api.components.schemas[reference.split('/').at(-1) ?? '']?.properties ?? {};
}

function required(schema: Schema): Readonly<Record<string, true>> {
  const names = Array.isArray(schema.required) ? schema.required : [];
  return Object.fromEntries(names.map((name) => [String(name), true]));
}

function lineOf({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`;
}
