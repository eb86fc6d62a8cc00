import type { FormValue } from './form.ts';
import type { Shape } from './grammar.ts';
import { invalid, type Refusal } from './refusal.ts';
import { isHash, type Value } from './wire.ts';

/**
 * Turns what the form carried into typed values, and refuses as Stripe does what the operation does not know, what is
 * missing, and what has another type. An empty text becomes `null`: the parameter is unset.
 */
export function checkParameters(
  given: { readonly [name: string]: FormValue },
  shape: Shape,
): { [name: string]: Value } {
  const checked = check(given, shape, '');
  return isHash(checked) ? { ...checked } : {};
}

function check(given: FormValue, shape: Shape, path: string): Value {
  switch (shape.kind) {
    case 'any':
      return checkAny(given, shape.of, path);
    case 'list':
      if (given === '') return null;
      if (Array.isArray(given)) return given.map((value, index) => check(value, shape.of, `${path}[${index}]`));
      throw typed('array', path);
    case 'map':
      if (given === '') return null;
      if (typeof given === 'object' && !Array.isArray(given)) return checkMap(given, shape.of, path);
      throw typed('hash', path);
    case 'hash':
      return checkHash(given, shape.fields, path);
    default:
      return scalar(given, shape, path);
  }
}

function checkMap(given: { readonly [name: string]: FormValue }, of: Shape | undefined, path: string): Value {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      of === undefined ? plain(value) : check(value, of, `${path}[${name}]`),
    ]),
  );
}

function checkHash(given: FormValue, fields: Extract<Shape, { kind: 'hash' }>['fields'], path: string): Value {
  if (given === '') return null;
  if (typeof given !== 'object' || (Array.isArray(given) && given.length > 0)) throw typed('hash', path);
  const checked: { [name: string]: Value } = {};
  for (const [name, value] of Object.entries(given)) {
    const param = path === '' ? name : `${path}[${name}]`;
    const field = fields.get(name);
    if (field === undefined) {
      throw invalid(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param });
    }
    checked[name] = check(value, field.shape, param);
  }
  for (const [name, field] of fields) {
    if (!field.required || name in checked) continue;
    const param = path === '' ? name : `${path}[${name}]`;
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  return checked;
}

function checkAny(given: FormValue, shapes: readonly Shape[], path: string): Value {
  if (given === '') return null;
  const nested = shapes.filter((shape) => fits(given, shape));
  const problems: unknown[] = [];
  for (const shape of nested.length > 0 ? nested : shapes) {
    try {
      return check(given, shape, path);
    } catch (problem) {
      problems.push(problem);
    }
  }
  throw problems[0];
}

function fits(given: FormValue, shape: Shape): boolean {
  if (Array.isArray(given)) return shape.kind === 'list';
  if (typeof given === 'object') return shape.kind === 'hash' || shape.kind === 'map';
  return shape.kind !== 'list' && shape.kind !== 'hash' && shape.kind !== 'map';
}

function scalar(given: FormValue, shape: Shape, path: string): Value {
  if (typeof given !== 'string') throw typed(shape.kind === 'number' ? 'integer' : 'string', path);
  if (given === '') return null;
  if (shape.kind === 'number') {
    if (!/^-?\d+(\.\d+)?$/.test(given)) {
      throw invalid(`Invalid integer: ${given}`, { code: 'parameter_invalid_integer', param: path });
    }
    return Number(given);
  }
  if (shape.kind === 'flag') {
    if (given !== 'true' && given !== 'false') throw invalid(`Invalid boolean: ${given}`, { param: path });
    return given === 'true';
  }
  if (shape.kind === 'choice' && !shape.of.includes(given)) {
    const last = shape.of.at(-1);
    const others = shape.of.slice(0, -1).filter((name) => name !== '');
    const names = others.length > 0 ? `one of ${others.join(', ')}, or ${last}` : String(last);
    throw invalid(`Invalid ${path}: must be ${names}`, { param: path });
  }
  return given;
}

function plain(given: FormValue): Value {
  if (typeof given === 'string') return given;
  if (Array.isArray(given)) return given.map(plain);
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, plain(value)]));
}

function typed(kind: string, path: string): Refusal {
  return invalid(`Invalid ${kind}`, { param: path });
}
