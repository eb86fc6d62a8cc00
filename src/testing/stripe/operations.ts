import { readGrammar, type Shape } from './grammar.ts';
import { beyondSchemaOperations } from './parameters/beyond-schema.ts';
import { catalogueOperations } from './parameters/catalogue.ts';
import { checkoutOperations } from './parameters/checkout.ts';
import { customersOperations } from './parameters/customers.ts';
import { invoicesOperations } from './parameters/invoices.ts';
import { platformOperations } from './parameters/platform.ts';
import { subscriptionsOperations } from './parameters/subscriptions.ts';

/** An operation of the API: where it is, and what it takes. */
export interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly shape: Shape;
}

/** Finds the operation of a request, and the parts of its path by name. */
export function findOperation(
  method: string,
  path: string,
): { readonly operation: Operation; readonly parts: Readonly<Record<string, string>> } | undefined {
  const given = path.split('/');
  for (const operation of all()) {
    if (operation.method !== method) continue;
    const parts = partsOf(operation.path.split('/'), given);
    if (parts !== undefined) return { operation, parts };
  }
  return undefined;
}

let known: readonly Operation[] | undefined;

function all(): readonly Operation[] {
  known ??= Object.entries({
    ...customersOperations,
    ...catalogueOperations,
    ...subscriptionsOperations,
    ...checkoutOperations,
    ...invoicesOperations,
    ...platformOperations,
    ...beyondSchemaOperations,
  })
    .map(([name, text]) => operationOf(name, text))
    // Paths with fewer placeholders first: /customers/search is no customer called "search".
    .sort((one, other) => placeholders(one.path) - placeholders(other.path));
  return known;
}

function operationOf(name: string, text: string): Operation {
  const [method = '', path = '', ...rest] = text.split(/[ \n]/);
  let shape: Shape | undefined;
  return {
    name,
    method,
    path,
    get shape() {
      shape ??= readGrammar(rest.join(' '));
      return shape;
    },
  };
}

function placeholders(path: string): number {
  return path.split('{').length;
}

function partsOf(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== given.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith('{')) parts[part.slice(1, -1)] = decodeURIComponent(value);
    else if (part !== value) return undefined;
  }
  return parts;
}
