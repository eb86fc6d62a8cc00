import { TenantryError } from '../../core/index.ts';

/** Returns a name that was handed in at creation, or throws `config_invalid` when it is empty. */
export function checkedName(path: string, name: string): string {
  if (typeof name === 'string' && name.trim() !== '') return name;
  throw new TenantryError('config_invalid', { path, problem: 'must be a text that is not empty' });
}

/** Returns a number of seats that was handed in at creation, or throws `config_invalid` when it is none. */
export function checkedSeats(path: string, seats: number): number {
  if (Number.isInteger(seats) && seats >= 1 && seats <= 2_147_483_647) return seats;
  throw new TenantryError('config_invalid', { path, problem: `must be a whole number from 1, got ${seats}` });
}
