import { checkParameters } from './check-parameters.ts';
import { expand } from './expand.ts';
import { decodeForm } from './form.ts';
import { findOperation } from './operations.ts';
import { createParams } from './params.ts';
import { invalid, Refusal } from './refusal.ts';
import { routes } from './routes.ts';
import type { Wire } from './wire.ts';
import type { World } from './world.ts';

/** A request as it came over the line. */
export interface Request {
  readonly method: string;
  readonly path: string;
  /** The query without its `?`. */
  readonly query: string;
  /** The form-encoded body. */
  readonly body: string;
}

/** An answer before it goes over the line. */
export interface Answer {
  readonly status: number;
  readonly body: Wire;
  /** The operation in the schema's words; `undefined` where the path is none of Stripe's. */
  readonly operation: string | undefined;
  /** Whether the operation began: only then is the answer kept under an idempotency key. */
  readonly began: boolean;
}

/** Works on a request. Whatever is refused becomes an answer with an `error`, never an empty object. */
export function answer(world: World, request: Request): Answer {
  const { method, path } = request;
  const found = findOperation(method, path);
  let began = false;
  try {
    if (found === undefined) {
      const message = `Unrecognized request URL (${method}: ${path}). If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code.`;
      throw new Refusal(404, { type: 'invalid_request_error', message });
    }
    const { operation, parts } = found;
    const route = routes[operation.name];
    if (route === undefined) throw unsimulated(`The fake does not simulate ${operation.name} (${method} ${path}).`);
    const given = decodeForm([request.query, request.body].filter((part) => part !== '').join('&'));
    const { expand: wanted, ...values } = checkParameters(given, operation.shape);
    const takes = route.takes.split(' ');
    const idle = Object.keys(values).find((name) => !takes.includes(name));
    if (idle !== undefined) {
      throw unsimulated(`The fake does not simulate the parameter ${idle} of ${operation.name}.`, idle);
    }
    began = true;
    const params = createParams(values);
    const body = route.run({ world, params, id: (name = 'id') => parts[name] ?? '' });
    const paths = Array.isArray(wanted) ? wanted.filter((entry) => typeof entry === 'string') : [];
    return { status: 200, body: expand(world, body, paths), operation: operation.name, began };
  } catch (problem) {
    if (!(problem instanceof Refusal)) throw problem;
    return { status: problem.status, body: { error: problem.body }, operation: found?.operation.name, began };
  }
}

/** What Stripe knows and the fake does not is refused with a code of the fake's own. */
function unsimulated(message: string, param?: string): Refusal {
  return invalid(message, { code: 'not_simulated', ...(param === undefined ? {} : { param }) });
}
