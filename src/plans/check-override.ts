import { checkAmount } from './check-meter.ts';
import { fields, oneOf, refuse, whole } from './check-shape.ts';

/** Checks what is agreed with a tenant about a limit or quota. */
export function checkMeterOverride(path: string, value: unknown, kind: 'limit' | 'quota'): void {
  if (typeof value !== 'object') {
    checkAmount(path, value);
    return;
  }
  const override = fields(path, value, ['amount', 'overage', 'overageAtMost']);
  if (override.amount !== undefined) checkAmount(`${path}.amount`, override.amount);
  const choices = kind === 'limit' ? ['refuse', 'allow'] : ['refuse', 'bill', 'allow'];
  if (override.overage !== undefined) oneOf(`${path}.overage`, override.overage, choices);
  if (override.overageAtMost !== undefined) {
    whole(`${path}.overageAtMost`, override.overageAtMost, 0, Number.MAX_SAFE_INTEGER);
  }
  if (Object.keys(override).length === 0) refuse(path, 'says nothing');
}

/** Checks a static value. */
export function checkValue(path: string, value: unknown): void {
  const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
  if (!fits) refuse(path, 'must be a text, a number, true, false or null');
}
