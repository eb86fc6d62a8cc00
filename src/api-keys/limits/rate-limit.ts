import { type RateLimit, rateProblem } from '../../core/cell-rate.ts';
import { invalid } from '../key-input.ts';

export type { CellRate, RateLimit, RateState } from '../../core/cell-rate.ts';
export { cellRateOf, freeAt, rateStateOf } from '../../core/cell-rate.ts';

/**
 * Checks a rate limit.
 *
 * @throws TenantryError `api_key_invalid`.
 */
export function readRateLimit(field: string, value: RateLimit): RateLimit {
  const wrong = rateProblem(value);
  if (wrong !== undefined) throw invalid(`${field}.${wrong.field} ${wrong.problem}`);
  const { limit, per, burst = limit } = value;
  return { limit, per, ...(burst !== limit && { burst }) };
}
