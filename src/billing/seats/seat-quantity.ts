import type { SeatCount } from '../catalogue/price-definitions.ts';
import type { BookPrice } from '../price-book.ts';

/** How many seats an organization has. */
export interface SeatFigures {
  /** Null: no cap. */
  readonly bought: number | null;
  readonly taken: number;
}

/** A price by the seat; what `definePrices` says of it beyond the book counts where it is said. */
export type SeatPrice = BookPrice & { readonly included?: number; readonly counts?: SeatCount };

/** The quantity that a price by the seat is to have: the seats taken or bought, without those that the base contains. */
export function seatQuantity({ included = 0, counts = 'taken' }: SeatPrice, { bought, taken }: SeatFigures): number {
  const seats = counts === 'bought' ? (bought ?? taken) : taken;
  return Math.max(0, seats - included);
}
